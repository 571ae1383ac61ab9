/** Goal: what Google would refuse is refused, in its words: generation config, schemas and what a model does not have. Method: one table, a request a row. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveModel } from './model-catalogue.ts';
import { parseRequest } from './request-parser.ts';
import { checkGenerate } from './request-rules.ts';
import { tokensOfRequest } from './tokens.ts';

const hi = { role: 'user', parts: [{ text: 'hi' }] };
const config = (generationConfig: object): object => ({ contents: [hi], generationConfig });
const jsonSchema = (responseJsonSchema: unknown): object =>
  config({ responseMimeType: 'application/json', responseJsonSchema });
const schema = (responseSchema: object): object => config({ responseMimeType: 'application/json', responseSchema });
const bare = 'Request contains an invalid argument.';

/** A name, what is asked, a part of the refusal (null when it must be taken), and the model asked. */
const rows: readonly (readonly [string, unknown, string | null, string?])[] = [
  [
    'budget and level',
    config({ thinkingConfig: { thinkingBudget: 1, thinkingLevel: 'low' } }),
    'only one of thinking budget and thinking level',
  ],
  [
    'level on 2.5',
    config({ thinkingConfig: { thinkingLevel: 'low' } }),
    'Thinking level is not supported',
    'gemini-2.5-pro',
  ],
  [
    'budget on 4',
    config({ thinkingConfig: { thinkingBudget: 100 } }),
    'Thinking budget is not supported',
    'gemini-4-argon',
  ],
  ['budget on 3', config({ thinkingConfig: { thinkingBudget: 100 } }), null, 'gemini-3.6-flash'],
  [
    'budget 0 on 2.5-pro',
    config({ thinkingConfig: { thinkingBudget: 0 } }),
    'only works in thinking mode',
    'gemini-2.5-pro',
  ],
  [
    'budget 100 on flash-lite',
    config({ thinkingConfig: { thinkingBudget: 100 } }),
    'Please choose a value between 512 and 24576',
    'gemini-2.5-flash-lite',
  ],
  [
    'minimal on 3.8',
    config({ thinkingConfig: { thinkingLevel: 'minimal' } }),
    'Thinking level MINIMAL is not supported for this model.',
  ],
  ['minimal on 3.6', config({ thinkingConfig: { thinkingLevel: 'MINIMAL' } }), null, 'gemini-3.6-flash'],
  ['xhigh on argon', config({ thinkingConfig: { thinkingLevel: 'xhigh' } }), 'Thinking level XHIGH', 'gemini-4-argon'],
  ['xhigh on hydrogen', config({ thinkingConfig: { thinkingLevel: 'xhigh' } }), null, 'gemini-4-hydrogen'],
  ['two candidates', config({ candidateCount: 2 }), 'Multiple candidates is not enabled for this model'],
  ['two candidates on 2.5', config({ candidateCount: 2 }), null, 'gemini-2.5-flash'],
  ['penalty', config({ presencePenalty: 0.1 }), 'Penalty is not enabled for models/gemini-3.8-flash'],
  [
    'logprobs',
    config({ responseLogprobs: true }),
    'Logprobs is not enabled for models/gemini-2.5-flash',
    'gemini-2.5-flash',
  ],
  ['temperature', config({ temperature: 2.1 }), 'must be in the range [0.0, 2.0]'],
  ['six stops', config({ stopSequences: ['a', 'b', 'c', 'd', 'e', 'f'] }), 'stop_sequences'],
  ['no output', config({ maxOutputTokens: 0 }), 'max_output_tokens must be positive'],
  ['too much output', config({ maxOutputTokens: 65_537 }), 'maxOutputTokens value of 65537'],
  ['long whole answer on 4', config({ maxOutputTokens: 40_000 }), '32768', 'gemini-4-argon'],
  ['foreign continuation', { contents: [hi], continuationToken: 'AAAA' }, bare, 'gemini-4-argon'],
  [
    'safety twice',
    {
      contents: [hi],
      safetySettings: [
        { category: 'HARM_CATEGORY_HARASSMENT', threshold: 'OFF' },
        { category: 'HARM_CATEGORY_HARASSMENT', threshold: 'OFF' },
      ],
    },
    'safety_settings[1]',
  ],
  [
    'cache with system',
    { contents: [hi], cachedContent: 'cachedContents/x', systemInstruction: { parts: [{ text: 'x' }] } },
    'CachedContent can not be used',
  ],
  ['cache of another', { contents: [hi], cachedContent: 'cachedContents/x' }, 'CachedContent not found'],
  ['unknown mime type', config({ responseMimeType: 'text/html' }), 'allowed mimetypes are'],
  ['schema without mime', config({ responseSchema: { type: 'STRING' } }), 'response_schema'],
  [
    'both schemas',
    config({ responseMimeType: 'application/json', responseSchema: { type: 'STRING' }, responseJsonSchema: {} }),
    'only one of',
  ],
  ['array without items', schema({ type: 'array' }), 'items: missing field.'],
  ['enum of integers', schema({ type: 'integer', enum: ['1'] }), 'only allowed for STRING type'],
  ['empty enum member', schema({ type: 'string', enum: [''] }), 'enum[0]: cannot be empty'],
  ['string format', schema({ type: 'string', format: 'email' }), "only 'enum' and 'date-time' are supported"],
  [
    'required unknown',
    schema({ type: 'object', properties: {}, required: ['a'] }),
    'required[0]: property is not defined',
  ],
  ['type missing', schema({ type: 'object', properties: { a: {} } }), 'properties[a].type: must be specified'],
  ['keyword not documented', jsonSchema({ type: 'object', properties: { a: { const: 1 } } }), bare],
  [
    'property called const',
    jsonSchema({ type: 'object', properties: { const: { type: 'string' }, $ref: { type: 'number' } } }),
    null,
  ],
  [
    'ref with sibling',
    jsonSchema({
      $defs: { a: { type: 'string' } },
      type: 'object',
      properties: { b: { $ref: '#/$defs/a', title: 'x' } },
    }),
    bare,
  ],
  ['ref to nowhere', jsonSchema({ properties: { b: { $ref: '#/$defs/a' } } }), bare],
  [
    'required cycle',
    jsonSchema({
      $defs: { n: { type: 'object', properties: { n: { $ref: '#/$defs/n' } }, required: ['n'] } },
      properties: { a: { $ref: '#/$defs/n' } },
      required: ['a'],
    }),
    bare,
  ],
  [
    'optional cycle',
    jsonSchema({
      $defs: { n: { type: 'object', properties: { n: { $ref: '#/$defs/n' } } } },
      properties: { a: { $ref: '#/$defs/n' } },
      required: ['a'],
    }),
    null,
  ],
  ['root anyOf of refs', jsonSchema({ $defs: { a: { type: 'string' } }, anyOf: [{ $ref: '#/$defs/a' }] }), bare],
  ['modality', config({ responseModalities: ['IMAGE'] }), 'response modalities (IMAGE) is not supported'],
  ['speech without audio', { contents: [hi] }, 'response modalities (TEXT) is not supported', 'gemini-3.8-flash-tts'],
  [
    'JSON on image',
    config({ responseMimeType: 'application/json' }),
    'JSON mode is not enabled for models/gemini-3.1-flash-image',
    'gemini-3.1-flash-image',
  ],
  [
    'media resolution on image',
    config({ mediaResolution: 'MEDIA_RESOLUTION_LOW' }),
    'Media resolution is not enabled',
    'gemini-3.1-flash-image',
  ],
  [
    'system on gemma',
    { contents: [hi], systemInstruction: { parts: [{ text: 'x' }] } },
    'Developer instruction is not enabled for models/gemma-4-31b-it',
    'gemma-4-31b-it',
  ],
  ['model of another path', { contents: [hi], model: 'models/gemini-2.5-pro' }, 'GenerateContentRequest.model'],
  [
    'too long',
    { contents: [{ parts: [{ text: 'x'.repeat(4_194_308) }] }] },
    'The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).',
  ],
];

function refusal(body: unknown, id: string): string | null {
  const model = resolveModel(id);
  assert.ok(model !== undefined);
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const parsed = parseRequest(text, 'GenerateContentRequest');
  if ('reply' in parsed) return parsed.reply.message;
  return (
    checkGenerate(parsed.request, { model, id, isStream: false }, tokensOfRequest(parsed.request))?.message ?? null
  );
}

for (const [name, body, expected, id = 'gemini-3.8-flash'] of rows) {
  test(`${name} (${id}): ${expected === null ? 'taken' : 'refused'}`, () => {
    const message = refusal(body, id);
    if (expected === null) assert.equal(message, null);
    else assert.ok(message?.includes(expected), `got: ${message}`);
  });
}
