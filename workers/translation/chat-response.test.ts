/** A whole answer: gemini-wire.md §5.5 and the lines on responses of its §10. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type OpenAI from 'openai';
import { GatewayError } from '../../shared/errors.ts';
import type { ChatCompletion } from '../../shared/openai-wire.ts';
import type { AnswerContext } from './answer-context.ts';
import { planChat, type TranslateOptions } from './chat-request.ts';
import { toCompletion } from './chat-response.ts';
import { toCitations } from './citations.ts';
import { readServedTier, readUsage, toCompletionUsage } from './usage-mapping.ts';

const ids = { requestId: 'r'.repeat(32), createdSeconds: 1_700_000_000 };

function contextOf(fields: object = {}, options: TranslateOptions = { strict: false }): AnswerContext {
  const body = { model: 'gemini-3.8-flash', messages: [{ role: 'user', content: 'q' }], ...fields };
  return planChat(JSON.stringify(body), options).answer;
}

const answer = (parts: unknown, finishReason: unknown = 'STOP', more: object = {}): object => ({
  candidates: [{ content: { role: 'model', parts }, finishReason, ...more }],
  usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 5, totalTokenCount: 14 },
  modelVersion: 'gemini-3.8-flash-001',
});

function complete(response: object, context = contextOf()): ChatCompletion {
  return JSON.parse(toCompletion(response, context, ids).tail);
}

/** Finish reason, and the message without what is always there. */
function messageOf(response: object, context?: AnswerContext): [string | undefined, object] {
  const [choice] = complete(response, context).choices;
  const { role, refusal, ...message } = choice?.message ?? {};
  assert.deepEqual([role, refusal], ['assistant', null]);
  return [choice?.finish_reason, message];
}

function fails(response: object, context = contextOf()): string {
  try {
    toCompletion(response, context, ids);
  } catch (thrown) {
    assert.ok(thrown instanceof GatewayError, String(thrown));
    return thrown.code;
  }
  return 'none';
}

test("a completion is OpenAI's, by type and by field", () => {
  const completion = complete(answer([{ text: 'Hi' }]));
  const typed: OpenAI.ChatCompletion = completion;
  assert.deepEqual(typed, {
    id: `chatcmpl-${ids.requestId}`,
    object: 'chat.completion',
    created: ids.createdSeconds,
    model: 'gemini-3.8-flash',
    choices: [
      { index: 0, message: { role: 'assistant', content: 'Hi', refusal: null }, logprobs: null, finish_reason: 'stop' },
    ],
    usage: {
      prompt_tokens: 9,
      completion_tokens: 5,
      total_tokens: 14,
      prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
      completion_tokens_details: {
        reasoning_tokens: 0,
        audio_tokens: 0,
        accepted_prediction_tokens: 0,
        rejected_prediction_tokens: 0,
      },
    },
  });
});

const call = (name: string, args?: unknown, id?: string, more: object = {}): object => ({
  functionCall: { name, ...(args === undefined ? {} : { args }), ...(id === undefined ? {} : { id }) },
  ...more,
});
const toolCall = (id: string, name: string, args: string): object => ({
  id,
  type: 'function',
  function: { name, arguments: args },
});

interface Case {
  what: string;
  response: object;
  finish: string;
  message: object;
  context?: AnswerContext;
}

const thinking = contextOf({ google: { thinking_config: { include_thoughts: true } } });
const cases: Case[] = [
  {
    what: '§10.46: a blocked prompt',
    response: { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' } },
    finish: 'content_filter',
    message: { content: '' },
  },
  {
    what: '§10.48: STOP without content',
    response: { candidates: [{ finishReason: 'STOP' }] },
    finish: 'stop',
    message: { content: '' },
  },
  {
    what: '§10.48: STOP without parts',
    response: { candidates: [{ content: { role: 'model' }, finishReason: 'STOP' }] },
    finish: 'stop',
    message: { content: '' },
  },
  {
    what: '§10.48: STOP with an empty part',
    response: answer([{}, { text: '' }]),
    finish: 'stop',
    message: { content: '' },
  },
  {
    what: '§10.49: only thoughts, hidden',
    response: answer([{ text: 'hm', thought: true }]),
    finish: 'stop',
    message: { content: '' },
  },
  {
    what: '§10.49: only thoughts, shown',
    response: answer([{ text: 'hm', thought: true }]),
    context: thinking,
    finish: 'stop',
    message: { content: '', reasoning_content: 'hm' },
  },
  {
    what: '§10.50: a filter after some text',
    response: answer([{ text: 'par' }], 'SAFETY'),
    finish: 'content_filter',
    message: { content: 'par' },
  },
  {
    what: '§10.51: recitation without text',
    response: { candidates: [{ finishReason: 'RECITATION' }] },
    finish: 'content_filter',
    message: { content: '' },
  },
  {
    what: '§10.34: all tokens went into thinking',
    response: { candidates: [{ content: { role: 'model' }, finishReason: 'MAX_TOKENS' }] },
    finish: 'length',
    message: { content: '' },
  },
  {
    what: '§10.54: a call without arguments',
    response: answer([call('f', undefined, 'a')]),
    finish: 'tool_calls',
    message: { content: null, tool_calls: [toolCall('a', 'f', '{}')] },
  },
  {
    what: '§10.54: arguments are escaped once',
    response: answer([call('f', { t: 'Zürich "x"\n', n: 1.5, o: { a: [null] } }, 'a')]),
    finish: 'tool_calls',
    message: { content: null, tool_calls: [toolCall('a', 'f', '{"t":"Zürich \\"x\\"\\n","n":1.5,"o":{"a":[null]}}')] },
  },
  {
    what: '§10.55: text and a call',
    response: answer([{ text: 'Let me see.' }, call('f', {}, 'a')]),
    finish: 'tool_calls',
    message: { content: 'Let me see.', tool_calls: [toolCall('a', 'f', '{}')] },
  },
  {
    what: 'calls, cut by the limit',
    response: answer([call('f', {}, 'a')], 'MAX_TOKENS'),
    finish: 'length',
    message: { content: null, tool_calls: [toolCall('a', 'f', '{}')] },
  },
  {
    what: '§10.20: ids that Gemini leaves out or repeats',
    response: answer([call('f'), call('f'), call('f', {}, 'a'), call('f', {}, 'a')]),
    finish: 'tool_calls',
    message: {
      content: null,
      tool_calls: [
        toolCall(`call_${ids.requestId}_0`, 'f', '{}'),
        toolCall(`call_${ids.requestId}_1`, 'f', '{}'),
        toolCall('a', 'f', '{}'),
        toolCall(`call_${ids.requestId}_3`, 'f', '{}'),
      ],
    },
  },
  {
    what: '§10.21, 56: names as declared, prefixes taken off, unknown ones passed on',
    context: contextOf({ tools: [{ type: 'function', function: { name: 'get weather' } }] }),
    response: answer([
      call('get_weather', {}, 'a'),
      call('default_api:get_weather', {}, 'b'),
      call('made_up', {}, 'c'),
    ]),
    finish: 'tool_calls',
    message: {
      content: null,
      tool_calls: [
        toolCall('a', 'get weather', '{}'),
        toolCall('b', 'get weather', '{}'),
        toolCall('c', 'made_up', '{}'),
      ],
    },
  },
  {
    what: '§10.58: an image among texts',
    response: answer([
      { text: 'a' },
      { inlineData: { mimeType: 'image/jpeg', data: 'AAAA' }, thoughtSignature: 'BBBB' },
      { text: 'b' },
    ]),
    finish: 'stop',
    message: {
      content: 'ab',
      images: [
        {
          type: 'image_url',
          image_url: { url: 'data:image/jpeg;base64,AAAA' },
          index: 0,
          extra_content: { google: { thought_signature: 'BBBB' } },
        },
      ],
    },
  },
  {
    what: '§10.79: the signature of a text',
    response: answer([{ text: 'a' }, { text: '', thoughtSignature: 'AAAA' }]),
    finish: 'stop',
    message: { content: 'a', extra_content: { google: { thought_signature: 'AAAA' } } },
  },
  {
    what: 'code that Gemini ran',
    response: answer([
      { executableCode: { language: 'PYTHON', code: 'print(1)' } },
      { codeExecutionResult: { outcome: 'OUTCOME_OK', output: '1\n' } },
      { text: 'One.' },
    ]),
    finish: 'stop',
    message: { content: '\n```python\nprint(1)\n```\n\n```\n1\n```\nOne.' },
  },
  {
    what: '§10.28: fences despite JSON mode are left alone',
    response: answer([{ text: '```json\n{}\n```' }]),
    context: contextOf({ response_format: { type: 'json_object' } }),
    finish: 'stop',
    message: { content: '```json\n{}\n```' },
  },
  {
    what: 'OTHER after some text',
    response: answer([{ text: 'a' }], 'OTHER'),
    finish: 'stop',
    message: { content: 'a' },
  },
  {
    what: 'legacy functions',
    response: answer([call('f', { a: 1 }, 'a'), call('g', {}, 'b')]),
    context: contextOf({ functions: [{ name: 'f' }] }),
    finish: 'function_call',
    message: { content: null, function_call: { name: 'f', arguments: '{"a":1}' } },
  },
  {
    what: 'one call at a time',
    response: answer([call('f', {}, 'a'), call('g', {}, 'b')]),
    context: contextOf({ parallel_tool_calls: false }),
    finish: 'tool_calls',
    message: { content: null, tool_calls: [toolCall('a', 'f', '{}')] },
  },
  {
    what: 'a custom tool',
    response: answer([call('p_y', { input: 'x = 1' }, 'a')]),
    context: contextOf({ tools: [{ type: 'custom', custom: { name: 'p y' } }] }),
    finish: 'tool_calls',
    message: { content: null, tool_calls: [{ id: 'a', type: 'custom', custom: { name: 'p y', input: 'x = 1' } }] },
  },
];

describe('answers', () => {
  for (const { what, response, finish, message, context } of cases)
    test(what, () => assert.deepEqual(messageOf(response, context), [finish, message]));

  test('the signature of a call travels beside it and within its id', () => {
    const [, message] = messageOf(answer([call('f', {}, 'a', { thoughtSignature: 'A+/=' })]));
    assert.deepEqual(message, {
      content: null,
      tool_calls: [
        { ...toolCall('a__thought__A-_', 'f', '{}'), extra_content: { google: { thought_signature: 'A+/=' } } },
      ],
    });
  });

  const faults: [string, object, string][] = [
    ['§10.47: nothing', {}, 'model_output_invalid'],
    ['§10.47: no candidates', { candidates: [], usageMetadata: { promptTokenCount: 3 } }, 'model_output_invalid'],
    [
      '§10.52: a malformed call',
      { candidates: [{ finishReason: 'MALFORMED_FUNCTION_CALL', finishMessage: 'print(secret)' }] },
      'model_output_invalid',
    ],
    [
      '§10.52: a malformed call after some text',
      answer([{ text: 'a' }], 'MALFORMED_FUNCTION_CALL'),
      'model_output_invalid',
    ],
    [
      '§10.53: a call when no tools were declared',
      { candidates: [{ finishReason: 'UNEXPECTED_TOOL_CALL' }] },
      'model_output_invalid',
    ],
    ['OTHER without text', { candidates: [{ finishReason: 'OTHER' }] }, 'model_output_invalid'],
    [
      'arguments deeper than any stack',
      answer([call('f', JSON.parse(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`))]),
      'model_output_invalid',
    ],
  ];
  for (const [what, response, code] of faults) test(`${what}: ${code}`, () => assert.equal(fails(response), code));

  test('an answer without finish reason is cut', () => {
    assert.equal(fails({ candidates: [{ content: { parts: [{ text: 'a' }] } }] }), 'upstream_cut');
  });

  test('the message of a fault repeats nothing of the model', () => {
    assert.throws(
      () => complete({ candidates: [{ finishReason: 'MALFORMED_FUNCTION_CALL', finishMessage: 'print(secret)' }] }),
      { message: 'The model produced no usable answer (MALFORMED_FUNCTION_CALL). Try again.' },
    );
  });

  test('§10.48: an empty answer can be made an error, so that it is tried again', () => {
    const context = contextOf({}, { strict: false, emptyAnswer: 'error' });
    assert.equal(fails({ candidates: [{ finishReason: 'STOP' }] }, context), 'model_output_invalid');
    assert.equal(fails(answer([{ text: 'a' }]), context), 'none');
  });

  const filters = [
    'SAFETY',
    'RECITATION',
    'LANGUAGE',
    'BLOCKLIST',
    'PROHIBITED_CONTENT',
    'SPII',
    'IMAGE_SAFETY',
    'IMAGE_PROHIBITED_CONTENT',
    'IMAGE_RECITATION',
  ];
  for (const reason of filters)
    test(`${reason} is a content filter`, () =>
      assert.equal(messageOf({ candidates: [{ finishReason: reason }] })[0], 'content_filter'));

  test('§10.60: the version that served goes to the row, not to the client', () => {
    const { modelServed, tail } = toCompletion(answer([{ text: 'a' }]), contextOf(), ids);
    assert.equal(modelServed, 'gemini-3.8-flash-001');
    assert.ok(!tail.includes('gemini-3.8-flash-001'));
  });

  test('the tier that served, in the words of OpenAI', () => {
    const tiers = ['STANDARD', 'flex', 'PRIORITY', 'x', 7].map((serviceTier) => readServedTier({ serviceTier }));
    assert.deepEqual(tiers, ['default', 'flex', 'priority', undefined, undefined]);
  });
});

describe('usage', () => {
  test('§11 C', () => {
    const metadata = {
      promptTokenCount: 100,
      cachedContentTokenCount: 40,
      toolUsePromptTokenCount: 10,
      candidatesTokenCount: 20,
      thoughtsTokenCount: 30,
      totalTokenCount: 160,
    };
    const usage = readUsage(metadata);
    assert.ok(usage !== null);
    const figures = toCompletionUsage(usage, metadata);
    assert.deepEqual(
      [
        figures.prompt_tokens,
        figures.prompt_tokens_details.cached_tokens,
        figures.completion_tokens,
        figures.completion_tokens_details.reasoning_tokens,
        figures.total_tokens,
      ],
      [110, 40, 50, 30, 160],
    );
  });

  const cases: [string, unknown, unknown][] = [
    [
      '§10.59: without candidates, from the total',
      { promptTokenCount: 10, thoughtsTokenCount: 5, totalTokenCount: 22 },
      [10, 5, 7],
    ],
    ['§10.59: without candidates and total', { promptTokenCount: 10, thoughtsTokenCount: 5 }, [10, 5, 0]],
    ['figures as text', { promptTokenCount: '10', candidatesTokenCount: '7', totalTokenCount: '17' }, [10, 0, 7]],
    [
      'figures that are none',
      { promptTokenCount: 10, candidatesTokenCount: -7, thoughtsTokenCount: 1.5, totalTokenCount: Number.NaN },
      [10, 0, 0],
    ],
    ['empty', {}, null],
    ['nothing', undefined, null],
    ['text', 'x', null],
  ];
  for (const [what, metadata, expected] of cases)
    test(what, () => {
      const usage = readUsage(metadata);
      assert.deepEqual(usage === null ? null : [usage.prompt, usage.thoughts, usage.output], expected);
    });

  test('sounds are counted apart', () => {
    const metadata = {
      promptTokensDetails: [
        { modality: 'TEXT', tokenCount: 3 },
        { modality: 'AUDIO', tokenCount: 4 },
      ],
      candidatesTokensDetails: 'x',
    };
    const figures = toCompletionUsage(
      { prompt: 7, cached: 0, toolPrompt: 0, thoughts: 0, output: 0, estimated: false },
      metadata,
    );
    assert.equal(figures.prompt_tokens_details.audio_tokens, 4);
    assert.equal(figures.completion_tokens_details.audio_tokens, 0);
  });
});

describe('§10.57: citations', () => {
  const chunks = [
    { web: { uri: 'https://a', title: 'A' } },
    { web: { uri: 'https://b' } },
    { retrievedContext: { uri: 'https://c', title: 'C' } },
    { web: {} },
    'x',
  ];
  const support = (
    startIndex: number | undefined,
    endIndex: number,
    text: string | undefined,
    indices: unknown[],
    partIndex?: number,
  ): object => ({
    segment: {
      ...(startIndex === undefined ? {} : { startIndex }),
      endIndex,
      ...(text === undefined ? {} : { text }),
      ...(partIndex === undefined ? {} : { partIndex }),
    },
    groundingChunkIndices: indices,
  });
  const cite = (texts: string[], supports: unknown, isStream = false): unknown[] =>
    toCitations({ groundingChunks: chunks, groundingSupports: supports }, texts, isStream).map(
      ({ url_citation: { start_index: start, end_index: end, title, url } }) => [
        texts.join('').slice(start, end),
        title,
        url,
      ],
    );

  const cases: [string, string[], unknown, unknown[]][] = [
    ['ASCII', ['Hello world'], [support(6, 11, 'world', [0])], [['world', 'A', 'https://a']]],
    [
      'bytes of umlauts, kanji and emoji',
      ['Grüße 日本 👋 Welt'],
      [support(8, 14, '日本', [0]), support(15, 19, undefined, [1]), support(20, 24, 'Welt', [2])],
      [
        ['日本', 'A', 'https://a'],
        ['👋', 'https://b', 'https://b'],
        ['Welt', 'C', 'https://c'],
      ],
    ],
    [
      'segments out of order',
      ['äb'],
      [support(2, 3, 'b', [0]), support(undefined, 2, 'ä', [0])],
      [
        ['b', 'A', 'https://a'],
        ['ä', 'A', 'https://a'],
      ],
    ],
    [
      'an annotation for each source; sources that are not there are left out',
      ['x'],
      [support(0, 1, 'x', [0, 7, -1, 'y', 3, 4, 1])],
      [
        ['x', 'A', 'https://a'],
        ['x', 'https://b', 'https://b'],
      ],
    ],
    ['offsets within the second part', ['ää', 'bb'], [support(0, 2, 'bb', [0], 1)], [['bb', 'A', 'https://a']]],
    [
      'offsets that are wrong: the text of the segment is searched',
      ['ab cd'],
      [support(0, 2, 'cd', [0])],
      [['cd', 'A', 'https://a']],
    ],
    ['a text that is not there', ['ab'], [support(0, 2, 'zz', [0])], []],
    ['offsets past the end', ['ab'], [support(5, 9, undefined, [0])], []],
    ['no supports', ['ab'], undefined, []],
    ['garbage', ['ab'], [7, {}, { segment: 'x' }], []],
  ];
  for (const [what, texts, supports, expected] of cases)
    test(what, () => assert.deepEqual(cite(texts, supports), expected));

  test('in a stream the parts are pieces of one', () => {
    assert.deepEqual(cite(['Grü', 'ße b'], [support(8, 9, 'b', [0], 0)], true), [['b', 'A', 'https://a']]);
  });
});
