/** Streams that Google cuts and that are continued with another key, when the operator wants that. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import OpenAI from 'openai';
import { expectQuiet, geminiKeys, readDatabase, type Stack, startStack } from './harness.ts';

const [first = '', second = ''] = geminiKeys(2);
const story = 'Once upon a time there was a gateway that never lost a word of what it was told.';

describe('RESUME_STREAMS=yes', () => {
  let stack: Stack;

  before(async () => {
    stack = await startStack({ keys: [first, second], env: { RESUME_STREAMS: 'yes' } });
  });
  after(() => stack.stop());
  beforeEach(() => stack.simulator.reset());

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

  for (const model of ['gemini-3.1-flash-lite', 'gemini-3.8-flash']) {
    test(`${model}: the rest comes from another key, as one text and with nothing twice`, async () => {
      const partial = story.slice(0, 40);
      // The first of two events; the answer to the second call repeats some words.
      await stack.simulator.script([
        { match: { model }, times: 1, text: story.slice(0, 80), chunks: 2, cutAfterEvents: 1 },
        { match: { model }, text: story.slice(20), chunks: 5 },
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
  }

  test('tool calls cannot be continued: the stream ends with an error', async () => {
    const call = { functionCall: { name: 'look', args: {} } };
    const event = { candidates: [{ content: { role: 'model', parts: [call] }, index: 0 }] };
    await stack.simulator.script([{ match: {}, events: [event, event, event], cutAfterEvents: 2 }]);
    const tools = [{ type: 'function' as const, function: { name: 'look', parameters: { type: 'object' } } }];
    assert.equal((await read('gemini-3.8-flash', { tools })).end, 'upstream_cut');
    assert.equal((await stack.simulator.log()).length, 1);
  });

  test('a stream that is cut again and again is given up', async () => {
    await stack.simulator.script([{ match: {}, text: story, chunks: 8, cutAfterEvents: 2 }]);
    const { text, end } = await read('gemini-3.1-flash-lite');
    assert.equal(end, 'upstream_cut');
    assert.ok(text.startsWith(story.slice(0, 10)));
    assert.equal((await stack.simulator.log()).length, 4, 'the stream and three continuations');
  });
});
