/** What is booked of Google's quotas for answers that take several calls: each call, with its own prompt, once. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { GeminiKeyList } from '../../shared/admin-gemini-keys.ts';
import { geminiKeys, type Stack, startStack } from './harness.ts';

const usage = { promptTokenCount: 1_000, candidatesTokenCount: 5, totalTokenCount: 1_005 };
const hello = [{ role: 'user' as const, content: 'Hello' }];

describe('booked of the quotas', () => {
  let stack: Stack;

  before(async () => {
    stack = await startStack({ keys: geminiKeys(3), env: { RESUME_STREAMS: 'yes' } });
  });
  after(() => stack.stop());
  beforeEach(() => stack.simulator.reset());

  /** Requests of the day and tokens of the minute, over all keys. */
  async function booked(model: string): Promise<{ requests: number; tokens: number }> {
    const answer = await fetch(`${stack.gateway.url}/admin/api/gemini-keys`, {
      headers: { authorization: `Bearer ${stack.adminToken}` },
    });
    const list: GeminiKeyList = JSON.parse(await answer.text());
    const quotas = list.gemini_keys.flatMap(({ models }) => models.filter((entry) => entry.model === model));
    return {
      requests: quotas.reduce((sum, { quota }) => sum + (quota?.requests_per_day.used ?? 0), 0),
      tokens: quotas.reduce((sum, { quota }) => sum + (quota?.tokens_per_minute.used ?? 0), 0),
    };
  }

  test('three choices: three prompts', async () => {
    const model = 'gemini-3.8-flash';
    await stack.simulator.script([{ match: { model }, usage }]);
    await stack.openai.chat.completions.create({ model, messages: hello, n: 3 });
    assert.deepEqual(await booked(model), { requests: 3, tokens: 3_000 });
  });

  test('a stream without figures: its prompt as guessed', async () => {
    const model = 'gemini-3.7-flash';
    await stack.simulator.script([{ match: { model }, withoutUsage: true }]);
    await stack.openai.chat.completions.create({ model, messages: [{ role: 'user', content: 'x'.repeat(4_000) }] });
    assert.deepEqual(await booked(model), { requests: 1, tokens: 1_000 });
  });

  test('embeddings in three batches: each text is a request, and all tokens are booked once', async () => {
    const model = 'gemini-embedding-001';
    const input = Array.from({ length: 250 }, (_, n) => `Text number ${n}.`);
    const { usage: told } = await stack.openai.embeddings.create({ model, input });
    assert.deepEqual(await booked(model), { requests: 250, tokens: told.prompt_tokens });
  });

  test('a resumed stream: two prompts, of which the second has the answer so far', async () => {
    const model = 'gemini-3.6-flash';
    const start = 'word '.repeat(400);
    await stack.simulator.script([
      { match: { model }, times: 1, text: start + start, chunks: 2, cutAfterEvents: 1, usage },
      { match: { model }, text: 'And the end.', usage: { ...usage, promptTokenCount: 1_500 } },
    ]);
    const messages = [{ role: 'user' as const, content: 'x'.repeat(4_000) }];
    for await (const _ of await stack.openai.chat.completions.create({ model, messages, stream: true }));
    assert.deepEqual(await booked(model), { requests: 2, tokens: 2_500 });
  });

  test('an answer that goes on: each call, with what was made before as part of its prompt', async () => {
    const model = 'gemini-4-argon';
    await stack.simulator.script([{ match: { model }, text: 'word '.repeat(400), hopTokens: 150 }]);
    await stack.openai.chat.completions.create({ model, messages: hello });
    const calls = (await stack.simulator.log()).filter((entry) => entry.model === model).length;
    assert.ok(calls > 2);
    assert.equal((await booked(model)).requests, calls);
  });

  test('an answer that goes on and is refused then: the calls that were answered stay booked', async () => {
    const model = 'gemini-4-carbon';
    await stack.simulator.script([
      { match: { model }, times: 1, text: 'word '.repeat(400), hopTokens: 150, usage },
      { match: { model }, error: 'rate_limit_minute' },
    ]);
    await assert.rejects(stack.openai.chat.completions.create({ model, messages: hello }));
    assert.deepEqual(await booked(model), { requests: 1, tokens: 1_000 });
  });
});
