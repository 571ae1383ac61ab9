/** Streams that Google cuts and that are continued with another key, when the operator wants that. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import OpenAI from 'openai';
import { expectQuiet, geminiKeys, readDatabase, type Stack, startStack } from './harness.ts';

const keys = geminiKeys(8);
const story =
  'Once upon a time there was a gateway that never lost a word of what it was told, and never told a word of it twice.';
const partial = story.slice(0, 57);
/** The first of two events comes, and then the stream is cut. */
const cut = { times: 1, text: story.slice(0, 114), chunks: 2, cutAfterEvents: 1 };

const answerOf = (text: string): object => ({
  candidates: [{ content: { role: 'model', parts: [{ text }] }, index: 0 }],
});

describe('RESUME_STREAMS=yes', () => {
  let stack: Stack;

  // One for each test: their retries together are more than a gateway makes in so short a time.
  beforeEach(async () => {
    stack = await startStack({ keys, env: { RESUME_STREAMS: 'yes' } });
  });
  afterEach(() => stack.stop());

  /** The text that the client got, and how the stream ended. */
  async function read(
    model: string,
    more: Partial<OpenAI.Chat.ChatCompletionCreateParamsStreaming> = {},
  ): Promise<{ text: string; end: string | null }> {
    let text = '';
    let end: string | null = null;
    try {
      const stream = await stack.openai.chat.completions.create({
        model,
        messages: [{ role: 'user', content: 'Tell me.' }],
        stream: true,
        ...more,
      });
      for await (const { choices } of stream) {
        text += choices[0]?.delta.content ?? '';
        end = choices[0]?.finish_reason ?? end;
      }
    } catch (error) {
      end = error instanceof OpenAI.APIError ? (error.code ?? 'error') : 'other';
    }
    return { text, end };
  }

  const repeated: [model: string, what: string, from: number][] = [
    ['gemini-3.1-flash-lite', 'with some words again', 22],
    ['gemini-3.5-flash', 'from the beginning', 0],
    ['gemini-3.8-flash', 'from the beginning', 0],
    ['gemini-3.8-flash', 'with nothing again', partial.length],
  ];
  for (const [model, what, from] of repeated)
    test(`${model}: the rest comes from another key ${what}, as one text and with nothing twice`, async () => {
      await stack.simulator.script([
        { match: { model }, ...cut },
        { match: { model }, text: story.slice(from), chunks: 5 },
      ]);
      assert.deepEqual(await read(model), { text: story, end: 'stop' });
      const asked = (await stack.simulator.log()).map(({ body, key }) => ({ body: JSON.stringify(body), key }));
      assert.equal(asked.length, 2);
      assert.notEqual(asked[0]?.key, asked[1]?.key);
      assert.ok(asked[1]?.body.includes(`"role":"model","parts":[{"text":"${partial}"}]`), asked[1]?.body);
      const [row] = readDatabase(stack.gateway.folder, (database) =>
        database
          .prepare<[], { termination: string; attempts: string; tokens_estimated: number }>(
            'SELECT termination, attempts, tokens_estimated FROM requests ORDER BY id DESC LIMIT 1',
          )
          .all(),
      );
      assert.equal(row?.termination, 'complete');
      assert.equal(JSON.parse(row?.attempts ?? '[]').length, 2);
      await expectQuiet(stack.gateway);
    });

  test('a large image and tools are sent again with it, whole', async () => {
    const model = 'gemini-3.8-flash';
    const png = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(90_000, 'sea')]).toString(
      'base64',
    );
    const description = 'Looks up what is known about a place. '.repeat(40);
    const tools = [
      { type: 'function' as const, function: { name: 'look', description, parameters: { type: 'object' } } },
    ];
    const content = [
      { type: 'text' as const, text: 'What is this?' },
      { type: 'image_url' as const, image_url: { url: `data:image/png;base64,${png}` } },
    ];
    await stack.simulator.script([
      { match: { model }, ...cut },
      { match: { model }, text: story.slice(partial.length) },
    ]);
    assert.deepEqual(await read(model, { tools, messages: [{ role: 'user', content }] }), { text: story, end: 'stop' });
    const asked = (await stack.simulator.log()).map(({ body }) => JSON.stringify(body));
    assert.equal(asked.length, 2);
    for (const body of asked) {
      assert.ok(body.includes(`"data":"${png}"`));
      assert.ok(body.includes(description));
    }
  });

  test('keys that refuse the rest are no resumes: others are asked', async () => {
    const model = 'gemini-3.6-flash';
    const match = { model };
    await stack.simulator.script([
      { match, ...cut },
      { match, times: 3, error: 'rate_limit_minute' },
      { match, times: 2, error: 'overloaded' },
      { match, text: story.slice(partial.length) },
    ]);
    assert.deepEqual(await read(model), { text: story, end: 'stop' });
    const asked = (await stack.simulator.log()).map(({ status }) => status);
    assert.deepEqual(asked, [200, 429, 429, 429, 503, 503, 200]);
    await expectQuiet(stack.gateway);
  });

  test('an overloaded model is not asked for the rest for ever', async () => {
    const model = 'gemini-3.5-flash-lite';
    await stack.simulator.script([
      { match: { model }, ...cut },
      { match: { model }, error: 'overloaded' },
    ]);
    assert.deepEqual(await read(model), { text: partial, end: 'upstream_overloaded' });
    assert.equal((await stack.simulator.log()).length, 4, 'the stream, the rest, and two retries');
  });

  test('tokens of a resumed stream without figures are counted once', async () => {
    const model = 'gemini-3.1-flash-lite';
    await stack.simulator.script([
      { match: { model }, ...cut, withoutUsage: true },
      { match: { model }, text: story.slice(partial.length), withoutUsage: true },
    ]);
    await read(model);
    const [row] = readDatabase(stack.gateway.folder, (database) =>
      database
        .prepare<[], { output_tokens: number }>('SELECT output_tokens FROM requests ORDER BY id DESC LIMIT 1')
        .all(),
    );
    assert.equal(row?.output_tokens, Math.ceil(57 / 4) + Math.ceil((story.length - 57) / 4));
  });

  test('tool calls cannot be continued: the stream ends with an error', async () => {
    const call = { functionCall: { name: 'look', args: {} } };
    const event = { candidates: [{ content: { role: 'model', parts: [call] }, index: 0 }] };
    await stack.simulator.script([{ match: {}, events: [event, event, event], cutAfterEvents: 2 }]);
    const tools = [{ type: 'function' as const, function: { name: 'look', parameters: { type: 'object' } } }];
    assert.equal((await read('gemini-3.8-flash', { tools })).end, 'upstream_cut');
    assert.equal((await stack.simulator.log()).length, 1);
  });

  test('a stream that ends again and again without an end is given up', async () => {
    const pieces = ['One by', ' one the', ' words', ' come'];
    await stack.simulator.script(pieces.map((text) => ({ match: {}, times: 1, events: [answerOf(text)] })));
    assert.deepEqual(await read('gemini-3.1-flash-lite'), { text: pieces.join(''), end: 'upstream_cut' });
    assert.equal((await stack.simulator.log()).length, 4, 'the stream and three continuations');
  });
});
