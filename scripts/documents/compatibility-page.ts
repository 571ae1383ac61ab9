/** `docs/compatibility.md`: what becomes of everything in a chat request, found out by asking the translation itself. */
import { GatewayError } from '../../shared/errors.ts';
import { planChat } from '../../workers/translation/chat-request.ts';
import { messageSamples, parameterSamples, type Sample } from './chat-samples.ts';

/** One for each way of thinking that Gemini's models have. */
const models = ['gemini-3.8-flash', 'gemini-2.5-flash'] as const;
const basis = { messages: [{ role: 'user', content: 'Hello' }] };

/** What the translation makes of a sample, in the words of the page. */
export function verdictOn(model: string, sample: Sample): string {
  try {
    const plan = plansOf(model, sample);
    if (plan.warnings.length > 0) return `left out, warns \`${plan.warnings.join('`, `')}\``;
    return JSON.stringify(plan) === JSON.stringify(plansOf(model, {})) ? 'accepted, no effect' : 'honoured';
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return `refused, \`${error.code}\``;
  }
}

function plansOf(model: string, sample: Sample): ReturnType<typeof planChat> {
  return planChat(JSON.stringify({ model, ...basis, ...sample }), { strict: false, affinity: 'conversation' });
}

function table(of: string, samples: Readonly<Record<string, Sample>>): string {
  const rows = Object.entries(samples).map(
    ([name, sample]) => `| \`${name}\` | ${models.map((model) => verdictOn(model, sample)).join(' | ')} |`,
  );
  return [`| ${of} | ${models.join(' | ')} |`, `|---|${models.map(() => '---').join('|')}|`, ...rows].join('\n');
}

/** The page as Markdown. */
export function compatibilityPage(): string {
  return `# Compatibility with the OpenAI API

The tables of parameters are generated (\`npm run docs\`): each line is a sample that was put to the translation, and what came
of it. Other models of the same generations behave alike.

*Honoured*: it changes what Gemini is asked, or how the gateway answers. *Left out, warns*: the request is answered without it,
and the header \`x-gemini-pool-warnings\` names it; with \`STRICT_PARAMETERS=yes\`, or the request header
\`x-gemini-pool-strict: true\`, it is refused instead. *Accepted, no effect*: nothing is lost by leaving it out. *Refused*: 400
with the parameter's name.

## Endpoints

| endpoint | |
|---|---|
| \`POST /v1/chat/completions\` | whole answers and streams |
| \`POST /v1/embeddings\` | floats and base64, \`dimensions\`, up to 2,048 texts; token arrays are refused |
| \`GET /v1/models\`, \`GET /v1/models/{id}\` | the union over the keys, with \`endpoints\`, \`context_window\`, \`max_output_tokens\` beside OpenAI's fields |

Anything else under \`/v1\` answers 404 with \`unknown_url\`.

## Parameters of a chat

${table('parameter', parameterSamples)}

## Messages

${table('message or part', messageSamples)}

## Extensions

| in the request | |
|---|---|
| \`extra_body.google.thinking_config\` | Gemini's own thinking settings; with \`include_thoughts\` thoughts come as \`reasoning_content\` |
| \`extra_content.google.thought_signature\` | as in Google's own OpenAI endpoint: comes with tool calls, goes back with them; it travels in the call's id too |
| \`x-gemini-pool-strict: true\` | refuse what would be left out |

| in the answer | |
|---|---|
| \`x-request-id\` | in every answer and in the log |
| \`x-gemini-pool-warnings\` | names of what was left out or rewritten |
| \`Retry-After\` | with 429 and 503: when trying again makes sense |

## Streams

A stream that is silent for ten seconds gets its head and a comment, \`: ping\`, and one more each ten seconds, so that proxies
do not cut it. It ends with \`data: [DONE]\`. One that fails after its first chunk ends with an error event and a cut
connection, never with a clean end.

## Errors

In OpenAI's envelope; the table of all codes is in the [README](../README.md#errors).
`;
}
