/** Goal: what Google would refuse is refused, in its words: tools and the calling of functions. Method: one table, a request a row. */
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

/** A name, what is asked, a part of the refusal (null when it must be taken), and the model asked. */
const rows: readonly (readonly [string, unknown, string | null, string?])[] = [
  ['empty tool', withTools({}), "required one_of 'tool_type'"],
  ['bad name', withTools(declare({}, '1f')), 'Invalid function name'],
  ['long name', withTools(declare({}, 'f'.repeat(65))), 'Invalid function name'],
  ['declared twice', withTools(declare(), declare()), 'Duplicate function declaration found: f'],
  [
    'empty object on 2.5',
    withTools(declare({ parameters: { type: 'OBJECT', properties: {} } })),
    'should be non-empty for OBJECT type',
    'gemini-2.5-pro',
  ],
  ['two schemas', withTools(declare({ parameters: { type: 'OBJECT' }, parametersJsonSchema: {} })), 'only one of'],
  [
    'mode without tools',
    { contents: [hi], toolConfig: { functionCallingConfig: { mode: 'AUTO' } } },
    'Function calling config is set without function_declarations.',
  ],
  [
    'names with AUTO',
    { ...withTools(declare()), toolConfig: { functionCallingConfig: { mode: 'AUTO', allowedFunctionNames: ['f'] } } },
    'allowed_function_names',
  ],
  [
    'undeclared name',
    { ...withTools(declare()), toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['g'] } } },
    'allowed_function_names',
  ],
  [
    'built-in and functions on 2.5',
    withTools(declare(), { googleSearch: {} }),
    'Built-in tools ({google_search}) and Function Calling cannot be combined',
    'gemini-2.5-pro',
  ],
  ['built-in and functions', withTools(declare(), { googleSearch: {} }), 'include_server_side_tool_invocations'],
  [
    'built-in and AUTO',
    { ...withTools(declare(), { urlContext: {} }), toolConfig: { includeServerSideToolInvocations: true } },
    'AUTO',
  ],
  [
    'built-in and VALIDATED',
    {
      ...withTools(declare(), { urlContext: {} }),
      toolConfig: { includeServerSideToolInvocations: true, functionCallingConfig: { mode: 'VALIDATED' } },
    },
    null,
  ],
  [
    'JSON and functions on 2.5',
    { ...config({ responseMimeType: 'application/json' }), tools: [declare()] },
    "Function calling with a response mime type: 'application/json' is unsupported",
    'gemini-2.5-flash',
  ],
  ['JSON and functions', { ...config({ responseMimeType: 'application/json' }), tools: [declare()] }, null],
  [
    'functions on speech',
    { ...withTools(declare()), generationConfig: { responseModalities: ['AUDIO'] } },
    'Function calling is not enabled',
    'gemini-3.8-flash-tts',
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
