/** Goal: what Google would refuse is refused, in its words: names, types and enums of a body. Method: one table, a request a row. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveModel } from './model-catalogue.ts';
import { parseRequest } from './request-parser.ts';
import { checkGenerate } from './request-rules.ts';
import { tokensOfRequest } from './tokens.ts';

const hi = { role: 'user', parts: [{ text: 'hi' }] };
const declare = (more: object = {}, name = 'f'): object => ({
  functionDeclarations: [{ name, description: 'd', ...more }],
});
const config = (generationConfig: object): object => ({ contents: [hi], generationConfig });
const withTools = (...tools: object[]): object => ({ contents: [hi], tools });
const schema = (responseSchema: object): object => config({ responseMimeType: 'application/json', responseSchema });

/** A name, what is asked, a part of the refusal (null when it must be taken), and the model asked. */
const rows: readonly (readonly [string, unknown, string | null, string?])[] = [
  ['plain', { contents: [hi] }, null],
  ['snake case', { contents: [hi], generation_config: { max_output_tokens: 99, stop_sequences: ['x'] } }, null],
  ['no role', { contents: [{ parts: [{ text: 'x' }] }] }, null],
  ['null fields', { contents: [hi], tools: null, generationConfig: { temperature: null } }, null],
  ['single for list', { contents: { parts: { text: 'x' } } }, null],
  ['int as text', config({ maxOutputTokens: '100', seed: -1 }), null],
  ['unknown at root', { contents: [hi], messages: [] }, 'Unknown name "messages": Cannot find field.'],
  ['unknown nested', config({ top_x: 1 }), `Unknown name "top_x" at 'generation_config': Cannot find field.`],
  [
    'unknown in a schema',
    withTools(declare({ parameters: { type: 'OBJECT', properties: { a: { type: 'INTEGER', exclusiveMinimum: 1 } } } })),
    `Unknown name "exclusiveMinimum" at 'tools[0].function_declarations[0].parameters.properties[0].value': Cannot find field.`,
  ],
  ['vertex only', { contents: [hi], labels: { a: 'b' } }, 'Unknown name "labels"'],
  ['list for scalar', schema({ type: ['STRING', 'NULL'] }), 'Proto field is not repeating, cannot start list.'],
  [
    'object for scalar',
    { contents: [{ parts: [{ text: {} }] }] },
    `Invalid value at 'contents[0].parts[0].text' (TYPE_STRING)`,
  ],
  [
    'text for float',
    config({ temperature: 'hot' }),
    `Invalid value at 'generation_config.temperature' (TYPE_FLOAT), "hot"`,
  ],
  [
    'too big for int32',
    config({ seed: 2 ** 40 }),
    `Invalid value at 'generation_config.seed' (TYPE_INT32), 1099511627776`,
  ],
  ['text for bool', config({ responseLogprobs: 'true' }), 'TYPE_BOOL'],
  [
    'unknown enum',
    { contents: [hi], safetySettings: [{ category: 'X', threshold: 'OFF' }] },
    `(type.googleapis.com/google.ai.generativelanguage.v1beta.HarmCategory), "X"`,
  ],
  ['text for message', { contents: ['hi'] }, `Invalid value at 'contents[0]'`],
  [
    'bad base64',
    { contents: [{ parts: [{ inlineData: { mimeType: 'image/png', data: '*' } }] }] },
    'Base64 decoding failed',
  ],
  [
    'two data members',
    { contents: [{ parts: [{ text: 'x', functionCall: { name: 'f' } }] }] },
    "oneof field 'data' is already set",
  ],
  ['root is a list', [1], 'Root element must be a message.'],
  ['lone surrogate', '{"contents":[{"parts":[{"text":"\\ud800"}]}]}', 'Invalid JSON payload received.'],
  ['surrogate pair', '{"contents":[{"parts":[{"text":"\\ud83d\\ude00 \\\\ud800"}]}]}', null],
  ['far too deep', `{"contents":${'['.repeat(50_000)}${']'.repeat(50_000)}}`, 'Message too deep'],
  ['no JSON', '{"contents":[', 'Invalid JSON payload received.'],
  [
    'too deep',
    withTools(declare({ parametersJsonSchema: JSON.parse(`${'{"items":'.repeat(120)}{}${'}'.repeat(120)}`) })),
    'Message too deep',
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
