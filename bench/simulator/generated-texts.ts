/** The JSON of an answer to `generateContent`, rendered once for a scripted text that answers the same request again. */
import { answerTo, type Question } from './answer.ts';
import { isRecord } from './gemini-request.ts';
import { eventTexts, mergeEvents, responseTail, wholeText } from './response-text.ts';
import type { Scenario, Usage } from './scenario.ts';

export interface GeneratedTexts {
  /** One when not streamed. */
  events: readonly string[];
  usage: Usage | null;
}

interface Rendered {
  heads: readonly string[];
  usage: Usage | null;
}

/** Renderings by scenario; they go with it. */
const renderings = new WeakMap<Scenario, Map<string, Rendered>>();
const renderingsMax = 1_000;

export function generatedTexts(question: Question, responseId: string): GeneratedTexts {
  const { scenario, isStream } = question;
  if (scenario?.events !== undefined) return scriptedEvents(scenario, scenario.events, isStream);
  const { heads, usage } = rendered(question);
  const tail = responseTail(responseId);
  return { events: heads.map((head) => head + tail), usage };
}

function rendered(question: Question): Rendered {
  const { tokens, model, scenario, isStream } = question;
  if (scenario === null || !isRepeatable(question)) return render(question);
  const known = renderingsOf(scenario);
  const key = `${isStream ? 's' : 'w'} ${model.id} ${tokens}`;
  let texts = known.get(key);
  if (texts === undefined) {
    texts = render(question);
    if (known.size >= renderingsMax) known.clear();
    known.set(key, texts);
  }
  return texts;
}

/** Whether nothing goes into the answer but the scenario, the model and the length of the prompt. */
function isRepeatable({ request, model, scenario }: Question): boolean {
  if ((scenario?.text ?? scenario?.chunks) === undefined || request.generationConfig !== undefined) return false;
  return model.generation < 4 || (request.continuationToken ?? scenario?.hopTokens) === undefined;
}

function renderingsOf(scenario: Scenario): Map<string, Rendered> {
  const known = renderings.get(scenario) ?? new Map<string, Rendered>();
  renderings.set(scenario, known);
  return known;
}

function render(question: Question): Rendered {
  const { model, scenario, isStream } = question;
  const answer = answerTo(question);
  return {
    heads: isStream ? eventTexts(answer, model.id, scenario) : [wholeText(answer, model.id, scenario)],
    usage: scenario?.withoutUsage ? null : (scenario?.usage ?? answer.usage),
  };
}

function scriptedEvents(scenario: Scenario, events: readonly unknown[], isStream: boolean): GeneratedTexts {
  const known = renderingsOf(scenario);
  const key = isStream ? 's' : 'w';
  let texts = known.get(key);
  if (texts === undefined) {
    const sent = isStream ? events : [mergeEvents(events)];
    texts = { heads: sent.map((event) => JSON.stringify(event)), usage: lastUsage(events) };
    known.set(key, texts);
  }
  return { events: texts.heads, usage: texts.usage };
}

function lastUsage(events: readonly unknown[]): Usage | null {
  for (let index = events.length - 1; index >= 0; index--) {
    const event = events[index];
    const usage: unknown = isRecord(event) ? event['usageMetadata'] : undefined;
    if (isRecord(usage)) return usage;
  }
  return null;
}
