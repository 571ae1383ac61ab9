/** Tools and the choice among them: gemini-wire.md §2.4, §5.2 and the lines on tools of its §10. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GatewayError } from '../../shared/errors.ts';
import { isRecord, type JsonRecord } from '../../shared/gemini-wire.ts';
import { planChat } from './chat-request.ts';
import { ToolNames, toGeminiName } from './tool-names.ts';

const messages = [{ role: 'user', content: 'q' }];
const parameters = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] };
const fn = (name: string, more: object = {}): object => ({ type: 'function', function: { name, parameters, ...more } });
const declared = (name: string): object => ({ name, description: name, parametersJsonSchema: parameters });
const current = 'gemini-3.8-flash';

interface Sent {
  tools: unknown;
  toolConfig: unknown;
  generationConfig: unknown;
  request: JsonRecord;
  warnings: string[];
}

function send(fields: object, strict = false): Sent {
  const { geminiBody, warnings } = planChat(JSON.stringify({ model: current, messages, ...fields }), { strict });
  const request: unknown = JSON.parse(geminiBody);
  assert.ok(isRecord(request));
  const { tools, toolConfig, generationConfig } = request;
  return { tools, toolConfig, generationConfig, request, warnings };
}

function rejects(fields: object, code: string, param: string, strict = false): void {
  assert.throws(
    () => send(fields, strict),
    (thrown) => {
      assert.ok(thrown instanceof GatewayError, String(thrown));
      assert.deepEqual([thrown.code, thrown.detail.param], [code, param]);
      return true;
    },
  );
}

describe('declarations', () => {
  const cases: [string, object, unknown][] = [
    [
      'all functions are in one tool',
      { tools: [fn('f'), fn('g')] },
      [{ functionDeclarations: [declared('f'), declared('g')] }],
    ],
    [
      'a description of its own',
      { tools: [fn('f', { description: 'D' })] },
      [{ functionDeclarations: [{ ...declared('f'), description: 'D' }] }],
    ],
    [
      '§10.21: a name that Gemini does not take',
      { tools: [fn('get weather! 日本')] },
      [{ functionDeclarations: [{ ...declared('get_weather____'), description: 'get weather! 日本' }] }],
    ],
    ['§10.22: no tools', { tools: [] }, undefined],
    ['§10.22: no tools, and a choice', { tools: [], tool_choice: 'auto' }, undefined],
    ['no tools, and the choice of none', { tool_choice: 'none' }, undefined],
    ['legacy functions', { functions: [{ name: 'f', parameters }] }, [{ functionDeclarations: [declared('f')] }]],
    [
      'a function without type',
      { tools: [{ function: { name: 'f', parameters } }] },
      [{ functionDeclarations: [declared('f')] }],
    ],
    [
      'the openapi dialect where a model takes no other',
      { model: 'gemma-4-31b-it', tools: [fn('f')] },
      [
        {
          functionDeclarations: [
            {
              name: 'f',
              description: 'f',
              parameters: {
                type: 'OBJECT',
                properties: { a: { type: 'STRING' } },
                required: ['a'],
                propertyOrdering: ['a'],
              },
            },
          ],
        },
      ],
    ],
    [
      'a custom tool is a function of one string',
      { tools: [{ type: 'custom', custom: { name: 'f', format: { type: 'text' } } }] },
      [
        {
          functionDeclarations: [
            {
              name: 'f',
              description: 'f',
              parametersJsonSchema: { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] },
            },
          ],
        },
      ],
    ],
    ['web search', { web_search_options: { search_context_size: 'low' } }, [{ googleSearch: {} }]],
    ['search by type', { tools: [{ type: 'google_search' }] }, [{ googleSearch: {} }]],
    [
      'search by key',
      { tools: [{ google_search: {} }, { url_context: {} }, { type: 'code_execution' }] },
      [{ googleSearch: {} }, { urlContext: {} }, { codeExecution: {} }],
    ],
    [
      'tools of the Google extension',
      { extra_body: { google: { tools: [{ googleSearch: {} }] } } },
      [{ googleSearch: {} }],
    ],
    [
      'a function called like a tool of Google stays a function',
      { tools: [fn('google_search')] },
      [{ functionDeclarations: [declared('google_search')] }],
    ],
  ];
  for (const [what, fields, expected] of cases)
    test(what, () => {
      const { tools, toolConfig } = send(fields);
      assert.deepEqual(tools, expected);
      assert.equal(toolConfig, undefined);
    });

  for (const empty of [
    undefined,
    null,
    {},
    { type: 'object', properties: {} },
    { type: 'object', properties: {}, additionalProperties: false, required: [] },
    { $schema: 'x', type: 'object' },
  ])
    test(`§10.23: parameters ${JSON.stringify(empty)} are left out`, () => {
      const { tools } = send({ tools: [{ type: 'function', function: { name: 'f', parameters: empty } }] });
      assert.deepEqual(tools, [{ functionDeclarations: [{ name: 'f', description: 'f' }] }]);
    });
});

describe('choice', () => {
  const calling = (mode: string, allowedFunctionNames?: string[]): object => ({
    functionCallingConfig: { mode, ...(allowedFunctionNames === undefined ? {} : { allowedFunctionNames }) },
  });
  const tools = [fn('f x'), fn('g')];
  const strictTools = [fn('f x', { strict: true })];
  const cases: [string, object, unknown][] = [
    ['auto', { tools, tool_choice: 'auto' }, undefined],
    ['none keeps the declarations', { tools, tool_choice: 'none' }, calling('NONE')],
    ['required', { tools, tool_choice: 'required' }, calling('ANY')],
    [
      '§10.21: a function by its own name',
      { tools, tool_choice: { type: 'function', function: { name: 'f x' } } },
      calling('ANY', ['f_x']),
    ],
    [
      'allowed tools, if any',
      {
        tools,
        tool_choice: {
          type: 'allowed_tools',
          allowed_tools: { mode: 'auto', tools: [{ type: 'function', function: { name: 'f x' } }] },
        },
      },
      calling('VALIDATED', ['f_x']),
    ],
    [
      'allowed tools, one of them',
      {
        tools,
        tool_choice: {
          type: 'allowed_tools',
          allowed_tools: { mode: 'required', tools: [{ type: 'function', function: { name: 'g' } }] },
        },
      },
      calling('ANY', ['g']),
    ],
    [
      'a custom tool',
      { tools: [{ type: 'custom', custom: { name: 'f' } }], tool_choice: { type: 'custom', custom: { name: 'f' } } },
      calling('ANY', ['f']),
    ],
    ['strict functions are validated', { tools: strictTools }, calling('VALIDATED')],
    [
      'strict functions beside JSON output are not: it goes with AUTO only',
      { tools: strictTools, response_format: { type: 'json_object' } },
      undefined,
    ],
    [
      'built-in tools beside functions',
      { tools: [...tools, { type: 'google_search' }] },
      { ...calling('VALIDATED'), includeServerSideToolInvocations: true },
    ],
    ['legacy: a function by name', { functions: [{ name: 'f' }], function_call: { name: 'f' } }, calling('ANY', ['f'])],
    ['legacy: none', { functions: [{ name: 'f' }], function_call: 'none' }, calling('NONE')],
  ];
  for (const [what, fields, expected] of cases) test(what, () => assert.deepEqual(send(fields).toolConfig, expected));

  test('none rules out built-in tools too', () => {
    const sent = send({ tools: [fn('f'), { type: 'google_search' }], tool_choice: 'none' });
    assert.deepEqual(sent.tools, [{ functionDeclarations: [declared('f')] }]);
    assert.deepEqual(sent.toolConfig, calling('NONE'));
  });
});

describe('§10.27: JSON output beside tools', () => {
  const format = { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object' } } };

  test('on 2.5 it is asked for in words', () => {
    const { generationConfig, request, warnings } = send({
      model: 'gemini-2.5-flash',
      tools: [fn('f')],
      response_format: format,
    });
    assert.equal(generationConfig, undefined);
    assert.deepEqual(request['systemInstruction'], {
      parts: [
        {
          text: 'When you answer without calling a function, answer with nothing but one JSON value that conforms to this JSON Schema: {"type":"object"}.',
        },
      ],
    });
    assert.deepEqual(warnings, ['response_format']);
  });

  test('in words for Gemma, which has no system instruction', () => {
    const { request } = send({ model: 'gemma-4-31b-it', tools: [fn('f')], response_format: { type: 'json_object' } });
    assert.equal(request['systemInstruction'], undefined);
    assert.deepEqual(request['contents'], [
      {
        role: 'user',
        parts: [
          { text: 'When you answer without calling a function, answer with nothing but one JSON value.' },
          { text: 'q' },
        ],
      },
    ]);
  });

  test('on 3 both go together', () => {
    assert.deepEqual(send({ tools: [fn('f')], response_format: { type: 'json_object' } }).generationConfig, {
      responseMimeType: 'application/json',
    });
  });

  test('on 3 a call that is required rules it out', () => {
    const { generationConfig, toolConfig, warnings } = send({
      tools: [fn('f')],
      tool_choice: 'required',
      response_format: format,
    });
    assert.equal(generationConfig, undefined);
    assert.deepEqual(toolConfig, { functionCallingConfig: { mode: 'ANY' } });
    assert.deepEqual(warnings, ['response_format']);
  });

  test('strict mode refuses it', () => {
    rejects(
      { model: 'gemini-2.5-flash', tools: [fn('f')], response_format: format },
      'unsupported_value',
      'response_format',
      true,
    );
  });
});

describe('tools that are wrong', () => {
  const cases: [string, object, string, string][] = [
    ['tools as an object', { tools: {} }, 'invalid_type', 'tools'],
    ['a tool that is text', { tools: ['f'] }, 'invalid_type', 'tools[0]'],
    ['a tool of unknown type', { tools: [{ type: 'hammer' }] }, 'invalid_value', 'tools[0].type'],
    ['a tool without type', { tools: [{ x: 1 }] }, 'missing_required_parameter', 'tools[0].type'],
    ['a tool without function', { tools: [{ type: 'function' }] }, 'missing_required_parameter', 'tools[0].function'],
    [
      'a function without name',
      { tools: [{ type: 'function', function: {} }] },
      'missing_required_parameter',
      'tools[0].function.name',
    ],
    ['a name twice', { tools: [fn('f'), fn('f')] }, 'invalid_value', 'tools[1].function.name'],
    [
      'parameters that are text',
      { tools: [fn('f', { parameters: 'x' })] },
      'invalid_type',
      'tools[0].function.parameters',
    ],
    [
      'parameters that are a list',
      { tools: [fn('f', { parameters: { type: 'array', items: {} } })] },
      'invalid_value',
      'tools[0].function.parameters',
    ],
    ['strict as text', { tools: [fn('f', { strict: 'x' })] }, 'invalid_type', 'tools[0].function.strict'],
    [
      'a grammar',
      { tools: [{ type: 'custom', custom: { name: 'f', format: { type: 'grammar' } } }] },
      'unsupported_value',
      'tools[0].custom.format',
    ],
    ['too many', { tools: Array.from({ length: 513 }, (_, index) => fn(`f${index}`)) }, 'invalid_value', 'tools'],
    ['a required call without tools', { tool_choice: 'required' }, 'invalid_value', 'tool_choice'],
    [
      'a required call with tools of Google only',
      { web_search_options: {}, tool_choice: 'required' },
      'invalid_value',
      'tool_choice',
    ],
    ['an unknown choice', { tools: [fn('f')], tool_choice: 'maybe' }, 'invalid_value', 'tool_choice'],
    ['a choice that is a number', { tools: [fn('f')], tool_choice: 7 }, 'invalid_type', 'tool_choice'],
    [
      'the choice of a function that is not there',
      { tools: [fn('f')], tool_choice: { type: 'function', function: { name: 'g' } } },
      'invalid_value',
      'tool_choice.function.name',
    ],
    ['a choice without type', { tools: [fn('f')], tool_choice: {} }, 'missing_required_parameter', 'tool_choice.type'],
    [
      'allowed tools without mode',
      { tools: [fn('f')], tool_choice: { type: 'allowed_tools', allowed_tools: { tools: [] } } },
      'invalid_type',
      'tool_choice.allowed_tools.mode',
    ],
    [
      'search beside functions on 2.5',
      { model: 'gemini-2.5-flash', tools: [fn('f')], web_search_options: {} },
      'unsupported_value',
      'web_search_options',
    ],
    ['legacy: a function twice', { functions: [{ name: 'f' }, { name: 'f' }] }, 'invalid_value', 'functions[1].name'],
  ];
  for (const [what, fields, code, param] of cases) test(`${what}: ${code}`, () => rejects(fields, code, param));
});

describe('§10.21: names', () => {
  const names: [string, string][] = [
    ['get_weather', 'get_weather'],
    ['a.b:c-d', 'a.b:c-d'],
    ['a b', 'a_b'],
    ['1st', '_1st'],
    ['👋', '_'],
    ['-x', '_-x'],
    ['', '_'],
    ['x'.repeat(70), 'x'.repeat(64)],
  ];
  for (const [name, expected] of names)
    test(`${name} becomes ${expected}`, () => assert.equal(toGeminiName(name), expected));

  test('names that collide get a suffix, within the length, and are restored', () => {
    const tools = new ToolNames();
    const long = 'x'.repeat(64);
    assert.deepEqual(
      [tools.declare('a b', 'function'), tools.declare('a_b', 'function'), tools.declare('a!b', 'custom')],
      ['a_b', 'a_b_2', 'a_b_3'],
    );
    assert.deepEqual(
      [tools.declare(`${long}1`, 'function'), tools.declare(`${long}2`, 'function')],
      [long, `${'x'.repeat(62)}_2`],
    );
    assert.deepEqual(tools.resolve('a_b'), { name: 'a b', kind: 'function' });
    assert.deepEqual(tools.resolve('a_b_3'), { name: 'a!b', kind: 'custom' });
  });

  test('§10.56: a prefix that Gemini invents is taken off where the rest is declared', () => {
    const tools = new ToolNames();
    tools.declare('f', 'function');
    tools.declare('default_api.g', 'function');
    const called = ['default_api:f', 'default_api.f', 'default_api.g', 'default_api:h', 'made_up'].map(
      (name) => tools.resolve(name).name,
    );
    assert.deepEqual(called, ['f', 'f', 'default_api.g', 'default_api:h', 'made_up']);
  });
});
