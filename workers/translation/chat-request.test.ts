/** Parameters of a request: gemini-wire.md §5.2 to §5.4, the golden pairs of §11, and the lines on parameters of §10. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { GatewayError } from '../../shared/errors.ts';
import { isRecord, type JsonRecord } from '../../shared/gemini-wire.ts';
import { type ChatPlan, planChat, type TranslateOptions } from './chat-request.ts';

const lenient: TranslateOptions = { strict: false };
const messages = [{ role: 'user', content: 'q' }];
const tool = {
  type: 'function',
  function: { name: 'f', parameters: { type: 'object', properties: { a: { type: 'string' } } } },
};

function plan(fields: object, options: TranslateOptions = lenient): ChatPlan {
  return planChat(JSON.stringify({ model: 'gemini-2.5-flash', messages, ...fields }), options);
}

function request(fields: object, options?: TranslateOptions): JsonRecord {
  const value: unknown = JSON.parse(plan(fields, options).geminiBody);
  assert.ok(isRecord(value));
  return value;
}

function rejects(run: () => unknown, code: string, param?: string): void {
  assert.throws(run, (thrown) => {
    assert.ok(thrown instanceof GatewayError, String(thrown));
    assert.deepEqual([thrown.code, thrown.detail.param], [code, param]);
    return true;
  });
}

describe('golden pairs', () => {
  test('§11 A: plain chat with image', () => {
    const body =
      '{"model":"gemini-3.8-flash","messages":[{"role":"developer","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"What is it?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}],"max_completion_tokens":100,"temperature":0.3,"reasoning_effort":"minimal"}';
    const { geminiBody, warnings } = planChat(body, lenient);
    assert.deepEqual(JSON.parse(geminiBody), {
      contents: [
        { role: 'user', parts: [{ text: 'What is it?' }, { inlineData: { mimeType: 'image/png', data: 'AAAA' } }] },
      ],
      systemInstruction: { parts: [{ text: 'Be brief.' }] },
      generationConfig: { maxOutputTokens: 100, thinkingConfig: { thinkingLevel: 'low' } },
    });
    assert.deepEqual(warnings, ['temperature', 'reasoning_effort']);
  });

  test('§11 B: tool round trip, signature lost by the client', () => {
    const call = (id: string, city: string): object => ({
      id,
      type: 'function',
      function: { name: 'get_weather', arguments: JSON.stringify({ city }) },
    });
    const { contents } = request({
      model: 'gemini-3.8-flash',
      messages: [
        { role: 'user', content: 'Weather in Oslo and Rome?' },
        { role: 'assistant', content: null, tool_calls: [call('c1', 'Oslo'), call('c2', 'Rome')] },
        { role: 'tool', tool_call_id: 'c2', content: '21' },
        { role: 'tool', tool_call_id: 'c1', content: '{"t":4}' },
      ],
    });
    assert.deepEqual(
      contents,
      JSON.parse(
        '[{"role":"user","parts":[{"text":"Weather in Oslo and Rome?"}]},{"role":"model","parts":[{"functionCall":{"id":"c1","name":"get_weather","args":{"city":"Oslo"}},"thoughtSignature":"skip_thought_signature_validator"},{"functionCall":{"id":"c2","name":"get_weather","args":{"city":"Rome"}}}]},{"role":"user","parts":[{"functionResponse":{"id":"c1","name":"get_weather","response":{"t":4}}},{"functionResponse":{"id":"c2","name":"get_weather","response":{"output":"21"}}}]}]',
      ),
    );
  });
});

interface ConfigCase {
  what: string;
  fields: object;
  config: unknown;
  warnings?: string[];
}

const configs: ConfigCase[] = [
  { what: 'nothing', fields: {}, config: undefined },
  { what: 'sampling', fields: { temperature: 0, top_p: 1, top_k: 5 }, config: { temperature: 0, topP: 1, topK: 5 } },
  {
    what: '§10.37: sampling on models that ignore it',
    fields: { model: 'gemini-3.8-flash', temperature: 1, top_p: 0.5, top_k: 5 },
    config: undefined,
    warnings: ['temperature', 'top_p', 'top_k'],
  },
  { what: 'sampling on 3.5', fields: { model: 'gemini-3.5-flash', temperature: 1 }, config: { temperature: 1 } },
  { what: 'max_tokens', fields: { max_tokens: 5 }, config: { maxOutputTokens: 5 } },
  {
    what: 'max_completion_tokens wins',
    fields: { max_tokens: 5, max_completion_tokens: 7 },
    config: { maxOutputTokens: 7 },
  },
  { what: '§10.34: max_tokens 1 is passed on', fields: { max_tokens: 1 }, config: { maxOutputTokens: 1 } },
  { what: '§10.36: stop as text', fields: { stop: 'x' }, config: { stopSequences: ['x'] } },
  {
    what: '§10.36: five stops',
    fields: { stop: ['a', 'b', 'c', 'd', 'e'] },
    config: { stopSequences: ['a', 'b', 'c', 'd', 'e'] },
  },
  { what: '§10.36: stop "" is none', fields: { stop: '' }, config: undefined },
  { what: 'stop null, [], and with empty ones', fields: { stop: ['', 'a'] }, config: { stopSequences: ['a'] } },
  { what: '§10.38: seed 2^40 is folded', fields: { seed: 2 ** 40 + 5 }, config: { seed: 5 } },
  { what: '§10.38: seed -1', fields: { seed: -1 }, config: { seed: -1 } },
  {
    what: '§10.45: null is absent',
    fields: {
      temperature: null,
      max_tokens: null,
      stop: null,
      seed: null,
      n: null,
      stream: null,
      tools: null,
      tool_choice: null,
      response_format: null,
      reasoning_effort: null,
      top_logprobs: null,
      logprobs: null,
    },
    config: undefined,
  },
  {
    what: 'penalties are left out',
    fields: { presence_penalty: 1, frequency_penalty: -1 },
    config: undefined,
    warnings: ['presence_penalty', 'frequency_penalty'],
  },
  {
    what: 'penalties of zero need no mention',
    fields: { presence_penalty: 0, frequency_penalty: 0 },
    config: undefined,
  },
  {
    what: 'logit_bias and verbosity are left out',
    fields: { logit_bias: { 1: 2 }, verbosity: 'low' },
    config: undefined,
    warnings: ['logit_bias', 'verbosity'],
  },
  { what: 'n 1 and logprobs false are nothing', fields: { n: 1, logprobs: false, top_logprobs: 0 }, config: undefined },
  {
    what: 'unknown parameters are ignored and named',
    fields: { max_token: 5, 'x\r\ny: z': 1 },
    config: undefined,
    warnings: ['max_token'],
  },
  {
    what: 'json_object',
    fields: { response_format: { type: 'json_object' } },
    config: { responseMimeType: 'application/json' },
  },
  { what: 'response_format text', fields: { response_format: { type: 'text' } }, config: undefined },
  {
    what: 'json_schema without schema',
    fields: { response_format: { type: 'json_schema', json_schema: { name: 'x' } } },
    config: { responseMimeType: 'application/json' },
  },
  {
    what: '§10.26: a root that is a list of anyOf is sent as it is',
    fields: {
      response_format: {
        type: 'json_schema',
        json_schema: {
          name: 'x',
          strict: true,
          schema: { type: 'array', items: { anyOf: [{ type: 'string' }, { type: 'null' }] } },
        },
      },
    },
    config: {
      responseMimeType: 'application/json',
      responseJsonSchema: { type: 'array', items: { anyOf: [{ type: 'string' }, { type: 'null' }] } },
    },
  },
  {
    what: 'json_schema on a model without JSON Schema',
    fields: {
      model: 'gemma-4-31b-it',
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'x', schema: { type: 'object', properties: { a: { type: 'string' } } } },
      },
    },
    config: {
      responseMimeType: 'application/json',
      responseSchema: { type: 'OBJECT', properties: { a: { type: 'STRING' } }, propertyOrdering: ['a'] },
    },
  },
  {
    what: 'images as output',
    fields: { modalities: ['image', 'text'] },
    config: { responseModalities: ['IMAGE', 'TEXT'] },
  },
  { what: 'text as output', fields: { modalities: ['text'] }, config: undefined },
  {
    what: 'the Google extension',
    fields: {
      extra_body: {
        google: { response_modalities: ['IMAGE'], image_config: { aspect_ratio: '16:9', image_size: '2K' } },
      },
    },
    config: { responseModalities: ['IMAGE'], imageConfig: { aspectRatio: '16:9', imageSize: '2K' } },
  },
];

describe('generationConfig', () => {
  for (const { what, fields, config, warnings = [] } of configs)
    test(what, () => {
      const translated = plan(fields);
      const sent: unknown = JSON.parse(translated.geminiBody);
      assert.deepEqual(isRecord(sent) && sent['generationConfig'], config);
      assert.deepEqual(translated.warnings, warnings);
    });
});

describe('the rest of a request', () => {
  const members: [string, object, string, unknown][] = [
    ['service_tier flex', { service_tier: 'flex' }, 'serviceTier', 'flex'],
    ['service_tier fast', { service_tier: 'fast' }, 'serviceTier', 'priority'],
    ['service_tier default', { service_tier: 'default' }, 'serviceTier', 'standard'],
    ['service_tier auto', { service_tier: 'auto' }, 'serviceTier', undefined],
    ["store is OpenAI's, not Google's", { store: true }, 'store', undefined],
    [
      'safety settings',
      { google: { safety_settings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE', x: 1 }] } },
      'safetySettings',
      [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }],
    ],
    [
      'a cache',
      { extra_body: { google: { cached_content: 'cachedContents/x' } } },
      'cachedContent',
      'cachedContents/x',
    ],
  ];
  for (const [what, fields, name, expected] of members)
    test(what, () => assert.deepEqual(request(fields)[name], expected));

  test('an operator can opt out of the logs of Google', () => {
    assert.equal(request({}, { strict: false, optOutOfStore: true })['store'], false);
  });

  test('system and tools live in the cache', () => {
    const fields = {
      messages: [{ role: 'system', content: 'S' }, ...messages],
      tools: [tool],
      tool_choice: 'required',
      google: { cached_content: 'cachedContents/x' },
    };
    assert.deepEqual(request(fields), {
      contents: [{ role: 'user', parts: [{ text: 'q' }] }],
      cachedContent: 'cachedContents/x',
    });
    assert.deepEqual(plan(fields).warnings, ['cached_content']);
    rejects(() => plan(fields, { strict: true }), 'unsupported_value', 'extra_body.google.cached_content');
  });

  test('§10.44: what is not Unicode becomes U+FFFD, wherever it stands', () => {
    const body = String.raw`{"model":"gemini-3.8-flash","messages":[{"role":"user","content":"a\ud800b\u0000c\ud83d\ude00d\\ud800e\\\udc00"},{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{\"k\\ud800\":\"v\\u0000\"}"}}]},{"role":"tool","tool_call_id":"a","content":"\uDFFF"}]}`;
    const { geminiBody } = planChat(body, lenient);
    assert.ok(geminiBody.includes(String.raw`"a�b�c😀d\\ud800e\\�"`), geminiBody);
    assert.ok(geminiBody.includes('{"k�":"v�"}'), geminiBody);
    assert.ok(geminiBody.includes('{"output":"�"}'), geminiBody);
    JSON.parse(geminiBody);
  });

  const models: [string, string][] = [
    ['gemini-3.8-flash', 'gemini-3.8-flash'],
    ['models/gemini-3.8-flash', 'gemini-3.8-flash'],
    ['fast', 'gemini-3.5-flash-lite'],
  ];
  for (const [asked, expected] of models)
    test(`model ${asked}`, () => {
      const aliases = new Map([['fast', 'models/gemini-3.5-flash-lite']]);
      const { model, modelAsked, answer } = plan({ model: asked }, { strict: false, aliases });
      assert.deepEqual([model, modelAsked, answer.modelAsked], [expected, asked, asked]);
    });

  for (const model of [
    '../x',
    'a/b',
    'a?b',
    'a#b',
    'a..b',
    'a b',
    'a%2fb',
    'a\r\nb',
    '.',
    '-x',
    'tunedModels/x',
    'x'.repeat(129),
  ])
    test(`model ${JSON.stringify(model).slice(0, 20)} is not found`, () =>
      rejects(() => plan({ model }), 'model_not_found', 'model'));

  test("what the answer's side is told", () => {
    const { stream, answer } = plan({
      stream: true,
      stream_options: { include_usage: true, include_obfuscation: false },
      parallel_tool_calls: false,
      web_search_options: {},
      google: { thinking_config: { include_thoughts: true } },
    });
    assert.equal(stream, true);
    assert.deepEqual(answer, {
      modelAsked: 'gemini-2.5-flash',
      includeUsage: true,
      showThoughts: true,
      tools: null,
      legacyFunctions: false,
      firstCallOnly: true,
      mayCite: true,
      emptyAnswer: 'stop',
      promptTokensGuess: 1,
      resumes: false,
    });
  });
});

const faults: [string, object, string, string | undefined][] = [
  ['no model', { model: undefined }, 'missing_required_parameter', 'model'],
  ['an empty model', { model: '' }, 'invalid_value', 'model'],
  ['a model that is a number', { model: 7 }, 'invalid_type', 'model'],
  ["§10.42: Gemini's own body", { messages: undefined, contents: [] }, 'missing_required_parameter', 'messages'],
  ['§10.45: stream as text', { stream: 'true' }, 'invalid_type', 'stream'],
  ['stream_options as text', { stream: true, stream_options: 'x' }, 'invalid_type', 'stream_options'],
  [
    'include_usage as text',
    { stream: true, stream_options: { include_usage: 'x' } },
    'invalid_type',
    'stream_options.include_usage',
  ],
  ['§10.37: temperature 2.5', { temperature: 2.5 }, 'invalid_value', 'temperature'],
  ['temperature as text', { temperature: '1' }, 'invalid_type', 'temperature'],
  ['top_p -1', { top_p: -1 }, 'invalid_value', 'top_p'],
  ['top_k 0', { top_k: 0 }, 'invalid_value', 'top_k'],
  ['max_tokens 0', { max_tokens: 0 }, 'invalid_value', 'max_tokens'],
  ['max_tokens 1.5', { max_tokens: 1.5 }, 'invalid_type', 'max_tokens'],
  ['max_completion_tokens as text', { max_completion_tokens: '5' }, 'invalid_type', 'max_completion_tokens'],
  ['§10.36: six stops', { stop: ['a', 'b', 'c', 'd', 'e', 'f'] }, 'invalid_value', 'stop'],
  ['stop as a number', { stop: 7 }, 'invalid_type', 'stop'],
  ['seed 1.5', { seed: 1.5 }, 'invalid_type', 'seed'],
  ['presence_penalty 3', { presence_penalty: 3 }, 'invalid_value', 'presence_penalty'],
  ['n 9', { n: 9 }, 'invalid_value', 'n'],
  ['n 0', { n: 0 }, 'invalid_value', 'n'],
  ['logprobs', { logprobs: true }, 'unsupported_parameter', 'logprobs'],
  ['top_logprobs', { top_logprobs: 3 }, 'unsupported_parameter', 'top_logprobs'],
  ['audio', { audio: { voice: 'x' } }, 'unsupported_parameter', 'audio'],
  ['modalities with audio', { modalities: ['text', 'audio'] }, 'invalid_value', 'modalities[1]'],
  ['response_format without type', { response_format: {} }, 'missing_required_parameter', 'response_format.type'],
  ['response_format of unknown type', { response_format: { type: 'xml' } }, 'invalid_value', 'response_format.type'],
  [
    'json_schema without json_schema',
    { response_format: { type: 'json_schema' } },
    'missing_required_parameter',
    'response_format.json_schema',
  ],
  [
    'a schema that is text',
    { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: 'x' } } },
    'invalid_type',
    'response_format.json_schema.schema',
  ],
  ['an unknown tier', { service_tier: 'gold' }, 'invalid_value', 'service_tier'],
  [
    'safety settings that are no list',
    { google: { safety_settings: {} } },
    'invalid_type',
    'extra_body.google.safety_settings',
  ],
  ['a Google extension that is text', { extra_body: { google: 'x' } }, 'invalid_type', 'extra_body.google'],
];

describe('requests that are wrong', () => {
  for (const [what, fields, code, param] of faults)
    test(`${what}: ${code}`, () => rejects(() => plan(fields), code, param));

  const texts: [string, string, string][] = [
    ['nothing', '', 'invalid_json'],
    ['half a JSON', '{"model":"x"', 'invalid_json'],
    ['a list', '[]', 'invalid_type'],
    ['null', 'null', 'invalid_type'],
    ['text', '"x"', 'invalid_type'],
    ['a deep tree', `{"model":"x","messages":${'['.repeat(200_000)}${']'.repeat(200_000)}}`, 'invalid_json'],
    ['a deep tree without its end', '[{"a":'.repeat(5_000_000), 'invalid_json'],
  ];
  for (const [what, text, code] of texts)
    test(`a body that is ${what}: ${code}`, () => rejects(() => planChat(text, lenient), code));

  test('the text of a broken body is not repeated', () => {
    assert.throws(
      () => planChat('{"secret": swordfish}', lenient),
      (thrown) => thrown instanceof Error && !thrown.message.includes('swordfish'),
    );
  });

  test("OpenAI's words", () => {
    assert.throws(() => plan({ temperature: 2.5 }), {
      message: "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 2.5 instead.",
    });
    assert.throws(() => plan({ messages: [] }), {
      message:
        "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
    });
    assert.throws(() => plan({ model: undefined }), { message: "Missing required parameter: 'model'." });
  });

  test('strict mode refuses parameters that are not known', () => {
    rejects(() => plan({ max_token: 5 }, { strict: true }), 'unsupported_parameter', 'max_token');
  });
});

describe('properties', () => {
  /** Any JSON, with the names that the translation looks for strewn in. */
  const names = fc.constantFrom(
    'model',
    'messages',
    'role',
    'content',
    'type',
    'text',
    'tools',
    'function',
    'name',
    'parameters',
    'properties',
    'tool_calls',
    'tool_call_id',
    'id',
    'arguments',
    'image_url',
    'url',
    'response_format',
    'json_schema',
    'schema',
    '$ref',
    'allOf',
    'anyOf',
    'items',
    'enum',
    'tool_choice',
    'extra_body',
    'google',
    'thinking_config',
    '__proto__',
    'constructor',
    'stop',
  );
  const words = fc.constantFrom(
    'user',
    'assistant',
    'tool',
    'system',
    'function',
    'text',
    'json_schema',
    'object',
    'array',
    '#',
    '#/x',
    'a',
    '',
    '{}',
    'data:image/png;base64,AAAA',
    'https://x/y.png',
    'auto',
    '\ud800',
    '\0',
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 7, withCrossShrink: true },
      fc.oneof(words, fc.integer(), fc.boolean(), fc.constant(null), fc.double({ noNaN: true })),
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(names, tie('tree'), { maxKeys: 6 }),
    ),
  }));
  const messageTree = fc.array(
    fc.record(
      {
        role: fc.constantFrom('user', 'assistant', 'tool', 'system'),
        content: fc.oneof(words, tree),
        tool_calls: tree,
        tool_call_id: words,
      },
      { requiredKeys: ['role'] },
    ),
    { maxLength: 5 },
  );

  test('any JSON body either plans or throws a GatewayError', () => {
    const bodies = fc.oneof(
      tree,
      fc.record(
        {
          model: fc.constantFrom('gemini-3.8-flash', 'gemini-2.5-flash', 'gemma-4-31b-it'),
          messages: fc.oneof(messageTree, fc.constant(messages)),
          tools: tree,
          response_format: tree,
          tool_choice: tree,
          extra_body: tree,
          functions: tree,
          stop: tree,
        },
        { requiredKeys: ['model', 'messages'] },
      ),
    );
    fc.assert(
      fc.property(bodies, fc.boolean(), (body, strict) => {
        const text = JSON.stringify(body);
        try {
          const { geminiBody } = planChat(text, { strict });
          JSON.parse(geminiBody);
          assert.ok(!/(?<!\\)(?:\\\\)*\\u(?:d[89a-f]|0000)/.test(geminiBody));
        } catch (thrown) {
          assert.ok(thrown instanceof GatewayError, String(thrown));
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('any text either plans or throws a GatewayError', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', '\\', ':', ',', 'a', '1', '\\u') }),
        (text) => {
          assert.throws(() => planChat(text, lenient), GatewayError);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
