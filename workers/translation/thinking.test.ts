/** How much a model thinks: gemini-wire.md §2.6, §5.3, §5.4, and §10.39, §10.40. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GatewayError } from '../../shared/errors.ts';
import { isRecord } from '../../shared/gemini-wire.ts';
import { planChat } from './chat-request.ts';
import { familyOf } from './model-family.ts';

function think(model: string, fields: object, strict = false): { thinking: unknown; warnings: string[] } {
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'q' }], ...fields });
  const { geminiBody, warnings } = planChat(body, { strict });
  const request: unknown = JSON.parse(geminiBody);
  const config: unknown = isRecord(request) ? request['generationConfig'] : undefined;
  return { thinking: isRecord(config) ? config['thinkingConfig'] : undefined, warnings };
}

const level = (thinkingLevel: string): object => ({ thinkingLevel });
const budget = (thinkingBudget: number): object => ({ thinkingBudget });

/** Model, then what each effort becomes: none, minimal, low, medium, high, xhigh, max. */
const table: [string, ...(object | undefined)[]][] = [
  [
    'gemini-3.8-flash',
    level('low'),
    level('low'),
    level('low'),
    level('medium'),
    level('high'),
    level('high'),
    level('high'),
  ],
  [
    'gemini-flash-latest',
    level('low'),
    level('low'),
    level('low'),
    level('medium'),
    level('high'),
    level('high'),
    level('high'),
  ],
  [
    'gemini-3.7-flash',
    level('low'),
    level('low'),
    level('low'),
    level('medium'),
    level('high'),
    level('high'),
    level('high'),
  ],
  [
    'gemini-3.6-flash',
    level('minimal'),
    level('minimal'),
    level('low'),
    level('medium'),
    level('high'),
    level('high'),
    level('high'),
  ],
  [
    'gemini-3.5-flash-lite',
    level('minimal'),
    level('minimal'),
    level('low'),
    level('medium'),
    level('high'),
    level('high'),
    level('high'),
  ],
  [
    'gemini-3.1-flash-lite',
    level('minimal'),
    level('minimal'),
    level('low'),
    level('medium'),
    level('high'),
    level('high'),
    level('high'),
  ],
  [
    'gemini-3-flash-preview',
    level('minimal'),
    level('minimal'),
    level('low'),
    level('medium'),
    level('high'),
    level('high'),
    level('high'),
  ],
  [
    'gemini-3.1-pro-preview',
    level('low'),
    level('low'),
    level('low'),
    level('medium'),
    level('high'),
    level('high'),
    level('high'),
  ],
  [
    'gemini-3-pro-preview',
    level('low'),
    level('low'),
    level('low'),
    level('low'),
    level('high'),
    level('high'),
    level('high'),
  ],
  [
    'gemini-4-argon',
    level('low'),
    level('low'),
    level('low'),
    level('medium'),
    level('high'),
    level('high'),
    level('high'),
  ],
  [
    'gemini-4-hydrogen',
    level('low'),
    level('low'),
    level('low'),
    level('medium'),
    level('high'),
    level('xhigh'),
    level('xhigh'),
  ],
  [
    'gemini-3.1-flash-image',
    level('minimal'),
    level('minimal'),
    level('minimal'),
    level('minimal'),
    level('high'),
    level('high'),
    level('high'),
  ],
  [
    'gemini-3-pro-image',
    level('low'),
    level('low'),
    level('low'),
    level('low'),
    level('high'),
    level('high'),
    level('high'),
  ],
  [
    'gemma-4-31b-it',
    level('minimal'),
    level('minimal'),
    level('minimal'),
    level('minimal'),
    level('high'),
    level('high'),
    level('high'),
  ],
  [
    'gemini-2.5-pro',
    budget(128),
    budget(1024),
    budget(1024),
    budget(8192),
    budget(24_576),
    budget(32_768),
    budget(32_768),
  ],
  [
    'gemini-2.5-flash',
    budget(0),
    budget(1024),
    budget(1024),
    budget(8192),
    budget(24_576),
    budget(24_576),
    budget(24_576),
  ],
  [
    'gemini-2.5-flash-lite',
    budget(0),
    budget(1024),
    budget(1024),
    budget(8192),
    budget(24_576),
    budget(24_576),
    budget(24_576),
  ],
  ['gemini-2.5-flash-image', undefined, undefined, undefined, undefined, undefined, undefined, undefined],
  ['gemini-2.0-flash', undefined, undefined, undefined, undefined, undefined, undefined, undefined],
];
const efforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'];

describe('reasoning_effort', () => {
  for (const [model, ...expected] of table)
    test(`§10.39: ${model}`, () => {
      const actual = efforts.map((effort) => think(model, { reasoning_effort: effort }).thinking);
      assert.deepEqual(actual, expected);
    });

  test('what was changed is named', () => {
    assert.deepEqual(think('gemini-3.8-flash', { reasoning_effort: 'minimal' }).warnings, ['reasoning_effort']);
    assert.deepEqual(think('gemini-3.8-flash', { reasoning_effort: 'low' }).warnings, []);
    assert.deepEqual(think('gemini-2.5-flash', { reasoning_effort: 'none' }).warnings, []);
    assert.deepEqual(think('gemini-2.5-flash-image', { reasoning_effort: 'low' }).warnings, ['reasoning_effort']);
  });

  const faults: [string, object, boolean, string, string][] = [
    ['§10.39: an unknown effort', { reasoning_effort: 'extreme' }, false, 'invalid_value', 'reasoning_effort'],
    ['an effort that is a number', { reasoning_effort: 3 }, false, 'invalid_type', 'reasoning_effort'],
    ['§10.39: none in strict mode', { reasoning_effort: 'none' }, true, 'unsupported_value', 'reasoning_effort'],
    [
      '§10.40: both in strict mode',
      { reasoning_effort: 'low', google: { thinking_config: { thinking_level: 'high' } } },
      true,
      'unsupported_value',
      'reasoning_effort',
    ],
    [
      'budget and level',
      { google: { thinking_config: { thinking_level: 'high', thinking_budget: 5 } } },
      false,
      'unsupported_value',
      'extra_body.google.thinking_config',
    ],
    [
      'an unknown level',
      { google: { thinking_config: { thinking_level: 'extreme' } } },
      false,
      'invalid_value',
      'extra_body.google.thinking_config.thinking_level',
    ],
    [
      'a budget that is text',
      { google: { thinking_config: { thinking_budget: '5' } } },
      false,
      'invalid_type',
      'extra_body.google.thinking_config.thinking_budget',
    ],
    [
      'a config that is text',
      { google: { thinking_config: 'x' } },
      false,
      'invalid_type',
      'extra_body.google.thinking_config',
    ],
  ];
  for (const [what, fields, strict, code, param] of faults)
    test(`${what}: ${code}`, () =>
      assert.throws(
        () => think('gemini-3.8-flash', fields, strict),
        (thrown) => thrown instanceof GatewayError && thrown.code === code && thrown.detail.param === param,
      ));
});

describe('thinking_config of the Google extension', () => {
  const cases: [string, object, unknown][] = [
    [
      'nested',
      { extra_body: { google: { thinking_config: { include_thoughts: true, thinking_budget: -1 } } } },
      { includeThoughts: true, thinkingBudget: -1 },
    ],
    ['at the top', { google: { thinking_config: { thinking_level: 'HIGH' } } }, { thinkingLevel: 'high' }],
    [
      'in camelCase',
      { google: { thinkingConfig: { includeThoughts: true, thinkingLevel: 'low' } } },
      { includeThoughts: true, thinkingLevel: 'low' },
    ],
    [
      'thoughts beside an effort',
      { reasoning_effort: 'high', google: { thinking_config: { include_thoughts: true } } },
      { thinkingLevel: 'high', includeThoughts: true },
    ],
    [
      '§10.40: it wins over an effort',
      { reasoning_effort: 'high', google: { thinking_config: { thinking_level: 'low' } } },
      { thinkingLevel: 'low' },
    ],
    ['nothing', {}, undefined],
  ];
  for (const [what, fields, expected] of cases)
    test(what, () => assert.deepEqual(think('gemini-3.8-flash', fields).thinking, expected));
});

test('models are known by their names', () => {
  const generation = (model: string): number => familyOf(model).generation;
  assert.deepEqual(
    ['gemini-2.5-pro', 'gemini-3-flash-preview', 'gemini-4-argon', 'gemini-3.12-x', 'something'].map(generation),
    [205, 300, 400, 312, 308],
  );
  const prefill = [
    'gemini-3.5-flash',
    'gemini-3.5-flash-lite',
    'gemini-3.6-flash',
    'gemini-2.5-pro',
    'gemma-4-31b-it',
  ].map((model) => familyOf(model).takesPrefill);
  assert.deepEqual(prefill, [false, false, false, true, true]);
});
