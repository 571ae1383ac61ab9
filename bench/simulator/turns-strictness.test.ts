/** Goal: what Google would refuse is refused, in its words: contents, media and the order of turns. Method: one table, a request a row. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveModel } from './model-catalogue.ts';
import { parseRequest } from './request-parser.ts';
import { checkGenerate } from './request-rules.ts';
import { tokensOfRequest } from './tokens.ts';

const hi = { role: 'user', parts: [{ text: 'hi' }] };
const call = { functionCall: { name: 'f', args: {} } };
const signed = { ...call, thoughtSignature: 'skip_thought_signature_validator' };
const result = { functionResponse: { name: 'f', response: { output: 1 } } };
const inline = (mimeType: string, bytes: string): object => ({
  contents: [{ parts: [{ inlineData: { mimeType, data: Buffer.from(bytes, 'latin1').toString('base64') } }] }],
});
const bare = 'Request contains an invalid argument.';

/** A name, what is asked, a part of the refusal (null when it must be taken), and the model asked. */
const rows: readonly (readonly [string, unknown, string | null, string?])[] = [
  ['no contents', {}, 'contents is not specified'],
  ['empty contents', { contents: [] }, 'contents is not specified'],
  ['empty parts', { contents: [{ role: 'user', parts: [] }] }, 'contents[0].parts: contents.parts must not be empty'],
  ['empty text only', { contents: [{ role: 'user', parts: [{ text: '' }] }] }, 'must not be empty'],
  [
    'part without data',
    { contents: [{ parts: [{ thought: true }] }] },
    `required oneof field 'data' must have one initialized field`,
  ],
  ['role system', { contents: [{ role: 'system', parts: [{ text: 'x' }] }] }, 'Please use a valid role: user, model.'],
  ['role function', { contents: [hi, { role: 'function', parts: [result] }] }, 'Please use a valid role'],
  ['system with picture', { contents: [hi], systemInstruction: { parts: [call] } }, 'only text is supported'],
  ['svg', inline('image/svg+xml', '<svg/>'), 'Unable to process input image.'],
  ['wrong bytes', inline('image/png', '%PDF-1.7'), 'Unable to process input image.'],
  ['right bytes', inline('image/png', '\x89PNG\r\n\x1a\n'), null],
  ['unknown mime', inline('application/zip', 'PK'), 'Unsupported MIME type: application/zip'],
  [
    'file of another project',
    { contents: [{ parts: [{ fileData: { fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/x' } }] }] },
    'permission to access the File x',
  ],
  [
    'http url',
    { contents: [{ parts: [{ fileData: { fileUri: 'http://example.com/a.png' } }] }] },
    'Unsupported file uri',
  ],
  [
    'call after model',
    {
      contents: [
        hi,
        { role: 'model', parts: [{ text: 'x' }] },
        { role: 'model', parts: [signed] },
        { parts: [result] },
      ],
    },
    'function call turn comes immediately after a user turn',
  ],
  [
    'call first',
    { contents: [{ role: 'model', parts: [signed] }, { parts: [result] }] },
    'function call turn comes immediately',
  ],
  [
    'call without result',
    { contents: [hi, { role: 'model', parts: [signed] }, hi] },
    'number of function response parts',
  ],
  [
    'too few results',
    { contents: [hi, { role: 'model', parts: [signed, call] }, { parts: [result] }] },
    'number of function response parts',
  ],
  [
    'results and text',
    { contents: [hi, { role: 'model', parts: [signed] }, { parts: [result, { text: 'x' }] }] },
    'number of function response parts',
  ],
  [
    'result without call',
    { contents: [hi, { parts: [result] }] },
    'function response turn comes immediately after a function call turn',
  ],
  [
    'result of another',
    {
      contents: [
        hi,
        { role: 'model', parts: [signed] },
        { parts: [{ functionResponse: { name: 'g', response: {} } }] },
      ],
    },
    bare,
  ],
  [
    'result is no object',
    {
      contents: [
        hi,
        { role: 'model', parts: [signed] },
        { parts: [{ functionResponse: { name: 'f', response: [1] } }] },
      ],
    },
    `Unknown name "response" at 'contents[2].parts[0].function_response'`,
  ],
  ['parallel calls', { contents: [hi, { role: 'model', parts: [signed, call] }, { parts: [result, result] }] }, null],
  [
    'no signature',
    { contents: [hi, { role: 'model', parts: [call] }, { parts: [result] }] },
    'missing a thought_signature in functionCall parts',
  ],
  [
    'no signature, earlier turn',
    {
      contents: [
        hi,
        { role: 'model', parts: [call] },
        { parts: [result] },
        { role: 'model', parts: [{ text: 'x' }] },
        hi,
      ],
    },
    null,
  ],
  [
    'no signature on 2.5',
    { contents: [hi, { role: 'model', parts: [call] }, { parts: [result] }] },
    null,
    'gemini-2.5-pro',
  ],
  [
    'foreign signature',
    { contents: [hi, { role: 'model', parts: [{ ...call, thoughtSignature: 'Q2lRYWJj' }] }, { parts: [result] }] },
    'Corrupted thought signature.',
  ],
  [
    'signature on result',
    { contents: [hi, { role: 'model', parts: [signed] }, { parts: [{ ...result, thoughtSignature: 'Q2lR' }] }] },
    bare,
  ],
  [
    'model last',
    { contents: [hi, { role: 'model', parts: [{ text: 'x' }] }] },
    'Requests ending with a model turn are not supported.',
  ],
  ['model last on 3.1', { contents: [hi, { role: 'model', parts: [{ text: 'x' }] }] }, null, 'gemini-3.1-flash-lite'],
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
