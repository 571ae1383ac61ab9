/** A streamed answer: gemini-wire.md §5.5.3 and the lines on streams of its §10. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { GatewayError } from '../../shared/errors.ts';
import { isRecord } from '../../shared/gemini-wire.ts';
import { GeminiEventReader } from '../gemini-events.ts';
import type { AnswerContext } from './answer-context.ts';
import { planChat } from './chat-request.ts';
import { ChatStream } from './chat-stream.ts';

const ids = { requestId: 'r'.repeat(32), createdSeconds: 1_700_000_000 };

function contextOf(fields: object = {}): AnswerContext {
  const body = { model: 'gemini-3.8-flash', messages: [{ role: 'user', content: 'q' }], stream: true, ...fields };
  return planChat(JSON.stringify(body), { strict: false }).answer;
}

type Event = Record<string, unknown>;
const parts = (...list: object[]): Event => ({ candidates: [{ content: { role: 'model', parts: list }, index: 0 }] });
const textOf = (...texts: string[]): Event => parts(...texts.map((text) => ({ text })));
const finish = (finishReason = 'STOP', more: object = {}): Event => ({
  candidates: [{ finishReason, index: 0, ...more }],
});
const usage = {
  usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 5, totalTokenCount: 46, thoughtsTokenCount: 32 },
};

interface Run {
  /** What `step` returned, event by event. */
  frames: string[];
  /** The data of all chunks, parsed, without `[DONE]`. */
  chunks: Chunk[];
  /** Deltas of all chunks. */
  deltas: unknown[];
  finishReason: string;
  usage: unknown;
  modelServed: string | null;
}

interface Chunk {
  choices: { index: number; delta: unknown; finish_reason: string | null }[];
  usage?: unknown;
}

function chunksOf(text: string): Chunk[] {
  const events = text.split('\n\n');
  assert.equal(events.pop(), '', 'every event is closed by an empty line');
  return events
    .filter((event) => event !== 'data: [DONE]')
    .map((event) => {
      assert.ok(event.startsWith('data: ') && !event.includes('\n'));
      return JSON.parse(event.slice('data: '.length));
    });
}

function run(events: Event[], context = contextOf()): Run {
  const stream = new ChatStream(context, ids);
  const frames = events.map((event) => stream.step(event));
  const ending = stream.end();
  assert.ok(ending.tail.endsWith('data: [DONE]\n\n'));
  const chunks = chunksOf(frames.join('') + ending.tail);
  const deltas = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta));
  return {
    frames,
    chunks,
    deltas,
    finishReason: ending.finishReason,
    usage: ending.usage,
    modelServed: ending.modelServed,
  };
}

function fails(events: Event[], context?: AnswerContext): string {
  try {
    run(events, context);
  } catch (thrown) {
    assert.ok(thrown instanceof GatewayError, String(thrown));
    return thrown.code;
  }
  return 'none';
}

describe('ChatStream', () => {
  test('text: the role once, with the first content; one finish reason at the end', () => {
    const { frames, chunks, deltas, finishReason, modelServed } = run([
      { ...textOf('Hel'), modelVersion: 'gemini-3.8-flash-001' },
      textOf('lo', ' "you"\n'),
      { ...finish(), ...usage },
    ]);
    assert.deepEqual(deltas, [{ role: 'assistant', content: 'Hel' }, { content: 'lo' }, { content: ' "you"\n' }, {}]);
    assert.deepEqual(
      chunks.map(({ choices }) => choices[0]?.finish_reason),
      [null, null, null, 'stop'],
    );
    assert.deepEqual([finishReason, modelServed, frames[2]], ['stop', 'gemini-3.8-flash-001', '']);
    assert.deepEqual(chunks[0], {
      id: `chatcmpl-${ids.requestId}`,
      object: 'chat.completion.chunk',
      created: ids.createdSeconds,
      model: 'gemini-3.8-flash',
      choices: [{ index: 0, delta: { role: 'assistant', content: 'Hel' }, finish_reason: null }],
    });
  });

  test('§10.60: the model is the one that was asked for, escaped', () => {
    const context = { ...contextOf(), modelAsked: 'my "model"' };
    const { chunks } = run([{ ...textOf('x'), modelVersion: 'other' }, finish()], context);
    assert.ok(chunks.every((chunk) => Reflect.get(chunk, 'model') === 'my "model"'));
  });

  test('§10.66: hidden thoughts make no chunk', () => {
    const { frames, deltas } = run([parts({ text: 'hm', thought: true }), textOf('x'), finish()]);
    assert.equal(frames[0], '');
    assert.deepEqual(deltas, [{ role: 'assistant', content: 'x' }, {}]);
  });

  test('thoughts that were asked for are reasoning_content', () => {
    const context = contextOf({ google: { thinking_config: { include_thoughts: true } } });
    const { deltas } = run([parts({ text: 'hm', thought: true }), textOf('x'), finish()], context);
    assert.deepEqual(deltas, [{ role: 'assistant', content: null, reasoning_content: 'hm' }, { content: 'x' }, {}]);
  });

  const called = (id: string | undefined, name: string, args: unknown, more: object = {}): object => ({
    functionCall: { ...(id === undefined ? {} : { id }), name, args },
    ...more,
  });

  test('§10.67: a first event with call and finish reason', () => {
    const event = {
      candidates: [{ content: { parts: [called('a', 'f', { x: 1 })] }, finishReason: 'STOP' }],
      ...usage,
    };
    const { deltas, finishReason } = run([event], contextOf({ stream_options: { include_usage: true } }));
    assert.deepEqual(deltas, [
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{"x":1}' } }],
      },
      {},
    ]);
    assert.equal(finishReason, 'tool_calls');
  });

  test('§10.68: the index of calls runs on over the whole stream', () => {
    const { deltas } = run([
      parts(called('a', 'f', {}), called('b', 'f', {})),
      textOf('x'),
      parts(called('c', 'g', {})),
      finish(),
    ]);
    const calls = deltas.flatMap((delta) =>
      isRecord(delta) && Array.isArray(delta['tool_calls']) ? delta['tool_calls'] : [],
    );
    assert.deepEqual(
      calls.map((call: unknown) => isRecord(call) && [call['index'], call['id']]),
      [
        [0, 'a'],
        [1, 'b'],
        [2, 'c'],
      ],
    );
  });

  test('§10.69: a finish reason on every event counts once, at the end', () => {
    const event = (text: string): Event => ({ candidates: [{ content: { parts: [{ text }] }, finishReason: 'STOP' }] });
    const { deltas, chunks } = run([event('a'), event('b')]);
    assert.deepEqual(deltas, [{ role: 'assistant', content: 'a' }, { content: 'b' }, {}]);
    assert.equal(chunks.filter(({ choices }) => choices[0]?.finish_reason !== null).length, 1);
  });

  test('§10.70: usage that comes after the finish reason', () => {
    const { chunks } = run([textOf('x'), finish(), usage], contextOf({ stream_options: { include_usage: true } }));
    assert.deepEqual(chunks.at(-1)?.usage, {
      prompt_tokens: 9,
      completion_tokens: 37,
      total_tokens: 46,
      prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
      completion_tokens_details: {
        reasoning_tokens: 32,
        audio_tokens: 0,
        accepted_prediction_tokens: 0,
        rejected_prediction_tokens: 0,
      },
    });
  });

  test('running figures: the last ones hold, empty ones do not', () => {
    const { usage: used } = run([
      { ...textOf('x'), usageMetadata: { promptTokenCount: 9, totalTokenCount: 9 } },
      { ...textOf('y'), ...usage },
      { ...finish(), usageMetadata: {} },
    ]);
    assert.deepEqual(used, { prompt: 9, cached: 0, toolPrompt: 0, thoughts: 32, output: 5, estimated: false });
  });

  test('no figures at all: they are estimated', () => {
    const { usage: used } = run([textOf('x'.repeat(40)), finish()]);
    assert.deepEqual(used, { prompt: 1, cached: 0, toolPrompt: 0, thoughts: 0, output: 10, estimated: true });
  });

  test('§10.71: a blocked prompt as first and only event', () => {
    const { deltas, chunks, finishReason } = run(
      [{ promptFeedback: { blockReason: 'SAFETY' }, usageMetadata: { promptTokenCount: 4, totalTokenCount: 4 } }],
      contextOf({ stream_options: { include_usage: true } }),
    );
    assert.deepEqual(deltas, [{ role: 'assistant', content: '' }]);
    assert.equal(finishReason, 'content_filter');
    assert.deepEqual(chunks.at(-1)?.choices, []);
  });

  test('§10.74: the end without a finish reason is a cut', () => {
    assert.equal(fails([textOf('x')]), 'upstream_cut');
    assert.equal(fails([]), 'upstream_cut');
  });

  test('§10.47: events without candidate and feedback are no answer', () => {
    assert.equal(fails([usage]), 'model_output_invalid');
  });

  for (const reason of [
    'MALFORMED_FUNCTION_CALL',
    'UNEXPECTED_TOOL_CALL',
    'TOO_MANY_TOOL_CALLS',
    'MALFORMED_RESPONSE',
    'MISSING_THOUGHT_SIGNATURE',
    'OTHER',
    'NO_IMAGE',
    'NEW_REASON',
  ])
    test(`§10.52, 53: ${reason} is an error as long as nothing was sent, else an end`, () => {
      assert.equal(fails([finish(reason)]), 'model_output_invalid');
      assert.equal(run([textOf('x'), finish(reason)]).finishReason, 'stop');
    });

  test('§10.79: a signature on an empty text is no content and belongs to no call', () => {
    const { deltas } = run([
      parts(called('a', 'f', {}, { thoughtSignature: 'AAAA' })),
      parts({ text: '', thoughtSignature: 'BBBB' }),
      finish(),
    ]);
    assert.deepEqual(deltas, [
      {
        role: 'assistant',
        content: null,
        tool_calls: [
          {
            index: 0,
            id: 'a__thought__AAAA',
            type: 'function',
            function: { name: 'f', arguments: '{}' },
            extra_content: { google: { thought_signature: 'AAAA' } },
          },
        ],
      },
      { extra_content: { google: { thought_signature: 'BBBB' } } },
    ]);
  });

  test('§10.83: usage once when asked for, never when not', () => {
    const asked = run(
      [textOf('x'), { ...finish(), ...usage }],
      contextOf({ stream_options: { include_usage: true } }),
    ).chunks;
    assert.deepEqual(
      asked.map(({ choices, usage: figures }) => [choices.length, figures === null]),
      [
        [1, true],
        [1, true],
        [0, false],
      ],
    );
    const unasked = run(
      [textOf('x'), { ...finish(), ...usage }],
      contextOf({ stream_options: { include_usage: false } }),
    ).chunks;
    assert.ok(unasked.every((chunk) => !('usage' in chunk)));
  });

  test('§10.78: a second candidate is not ours', () => {
    const event = {
      candidates: [{ index: 1, content: { parts: [{ text: 'no' }] } }, { content: { parts: [{ text: 'yes' }] } }],
    };
    assert.deepEqual(run([event, finish()]).deltas, [{ role: 'assistant', content: 'yes' }, {}]);
  });

  test('parallel_tool_calls false: only the first call is passed on', () => {
    const events = [parts(called('a', 'f', {}), called('b', 'f', {})), parts(called('c', 'f', {})), finish()];
    const { deltas } = run(events, contextOf({ parallel_tool_calls: false }));
    assert.equal(deltas.filter((delta) => isRecord(delta) && 'tool_calls' in delta).length, 1);
  });

  test('legacy functions and custom tools', () => {
    const legacy = run([parts(called('a', 'f', { x: 1 })), finish()], contextOf({ functions: [{ name: 'f' }] }));
    assert.deepEqual(legacy.deltas[0], {
      role: 'assistant',
      content: null,
      function_call: { name: 'f', arguments: '{"x":1}' },
    });
    assert.equal(legacy.finishReason, 'function_call');
    const custom = run(
      [parts(called('a', 'p_y', { input: 'x = 1' })), finish()],
      contextOf({ tools: [{ type: 'custom', custom: { name: 'p y' } }] }),
    );
    assert.deepEqual(custom.deltas[0], {
      role: 'assistant',
      content: null,
      tool_calls: [{ index: 0, id: 'a', type: 'custom', custom: { name: 'p y', input: 'x = 1' } }],
    });
  });

  test('§10.57: citations come with the finish reason, with offsets over the whole stream', () => {
    const groundingMetadata = {
      groundingChunks: [{ web: { uri: 'https://a', title: 'A' } }],
      groundingSupports: [{ segment: { startIndex: 8, endIndex: 14, text: '日本' }, groundingChunkIndices: [0, 9] }],
    };
    const { deltas } = run(
      [textOf('Grüße '), textOf('日本'), finish('STOP', { groundingMetadata })],
      contextOf({ web_search_options: {} }),
    );
    assert.deepEqual(deltas.at(-1), {
      annotations: [
        { type: 'url_citation', url_citation: { start_index: 6, end_index: 8, title: 'A', url: 'https://a' } },
      ],
    });
  });

  test('images, and what is no image', () => {
    const { deltas } = run([
      parts(
        { inlineData: { mimeType: 'image/png', data: 'AAAA' } },
        { inlineData: { mimeType: 'audio/wav', data: 'AAAA' } },
      ),
      finish(),
    ]);
    assert.deepEqual(deltas, [
      {
        role: 'assistant',
        content: null,
        images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' }, index: 0 }],
      },
      {},
    ]);
  });

  test('what is known of a stream that ends early', () => {
    const stream = new ChatStream(contextOf(), ids);
    assert.deepEqual([stream.started, stream.usage], [false, null]);
    stream.step({
      ...parts({ text: 'hm', thought: true }),
      usageMetadata: { promptTokenCount: 9, thoughtsTokenCount: 3, totalTokenCount: 12 },
    });
    assert.equal(stream.started, false);
    stream.step(textOf('x'));
    assert.equal(stream.started, true);
    assert.deepEqual(stream.usage, { prompt: 9, cached: 0, toolPrompt: 0, thoughts: 3, output: 0, estimated: false });
  });

  test('lone surrogates do not leave', () => {
    const { deltas } = run([textOf('a\ud800b'), finish()]);
    assert.deepEqual(deltas[0], { role: 'assistant', content: 'a\ufffdb' });
  });
});

describe('properties', () => {
  const context = contextOf({
    stream_options: { include_usage: true },
    web_search_options: {},
    google: { thinking_config: { include_thoughts: true } },
  });
  const recorded = [
    { ...parts({ text: 'Überlege… ', thought: true }), modelVersion: 'gemini-3.8-flash' },
    textOf('Grüße ', '日本 👋\n'),
    parts({ functionCall: { id: 'a', name: 'f', args: { city: 'Zürich 👋' } }, thoughtSignature: 'AAAA' }),
    parts({ functionCall: { name: 'f', args: {} } }, { inlineData: { mimeType: 'image/png', data: 'AAAA' } }),
    { ...parts({ text: '', thoughtSignature: 'BBBB' }), ...usage },
    { ...finish(), ...usage },
  ];
  const bytes = Buffer.from(recorded.map((event) => `data: ${JSON.stringify(event)}\r\n\r\n`).join(''));

  function read(chunks: readonly Uint8Array[]): string {
    const stream = new ChatStream(context, ids);
    let text = '';
    const reader = new GeminiEventReader((event) => {
      text += stream.step(event);
    });
    for (const chunk of chunks) reader.feed(chunk);
    reader.end();
    return text + stream.end().tail;
  }

  test('any split of the bytes of a recorded stream gives the same output', () => {
    const whole = read([bytes]);
    assert.equal(chunksOf(whole).length, 8);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 60 }), (lengths) => {
        const chunks: Buffer[] = [];
        let at = 0;
        for (const length of lengths) {
          chunks.push(bytes.subarray(at, at + length));
          at += length;
        }
        chunks.push(bytes.subarray(at));
        assert.equal(read(chunks), whole);
      }),
      { numRuns: 500 },
    );
  });

  test('§10.84: whatever the events, chunks are well-formed: one role, first; nothing after the finish reason', () => {
    const leaf = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.boolean(), fc.constant({}), fc.constant([]));
    const part = fc.oneof(
      fc.record({ text: fc.string({ unit: 'binary' }) }),
      fc.record({ text: fc.string(), thought: fc.constant(true) }),
      fc.record({ functionCall: fc.record({ name: fc.oneof(fc.string(), leaf), args: leaf, id: leaf }) }),
      fc.record({ inlineData: fc.record({ mimeType: fc.constantFrom('image/png', 'x'), data: fc.string() }) }),
      fc.record({ executableCode: fc.record({ code: leaf }) }),
      leaf,
    );
    const event = fc.oneof(
      fc.record({
        candidates: fc.oneof(
          leaf,
          fc.array(
            fc.record({
              content: fc.oneof(leaf, fc.record({ parts: fc.oneof(leaf, fc.array(part, { maxLength: 3 })) })),
              finishReason: fc.constantFrom('STOP', 'MAX_TOKENS', undefined, 7),
              groundingMetadata: leaf,
            }),
            { maxLength: 2 },
          ),
        ),
        usageMetadata: leaf,
        modelVersion: leaf,
        promptFeedback: leaf,
      }),
      fc.record({}),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 6 }), (events) => {
        let chunks: Chunk[];
        try {
          ({ chunks } = run(events, context));
        } catch (thrown) {
          assert.ok(thrown instanceof GatewayError, String(thrown));
          return;
        }
        const choices = chunks.flatMap((chunk) => chunk.choices);
        choices.forEach(({ delta, finish_reason: reason }, index) => {
          assert.equal(isRecord(delta) && 'role' in delta, index === 0);
          assert.equal(reason !== null, index === choices.length - 1);
        });
        assert.deepEqual(chunks.at(-1)?.choices, []);
      }),
      { numRuns: 1000 },
    );
  });
});
