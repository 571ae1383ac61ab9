/** Keys take turns; a key that is rate limited or refused costs a client nothing but a moment. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import OpenAI from 'openai';
import { geminiKeys, readDatabase, type Stack, startStack, testModel } from './harness.ts';

const keys = geminiKeys(4);
const [first = '', second = ''] = keys;

describe('the pool of keys', () => {
  let stack: Stack;

  before(async () => {
    stack = await startStack({ keys });
  });
  after(() => stack.stop());
  beforeEach(() => stack.simulator.reset());

  const ask = (model = testModel): Promise<OpenAI.Chat.ChatCompletion> =>
    stack.openai.chat.completions.create({ model, messages: [{ role: 'user', content: 'Hello' }] });

  /** How often each key was used for a model, by what it answered. */
  async function answers(model: string, status: number): Promise<number[]> {
    const counted = (await stack.simulator.stats()).answers.filter((a) => a.model === model && a.status === status);
    return counted.map(({ count }) => count);
  }

  test('each key gets its turn', async () => {
    for (let i = 0; i < 12; i++) await ask('gemini-3.6-flash');
    assert.deepEqual(await answers('gemini-3.6-flash', 200), [3, 3, 3, 3]);
  });

  test('a rate-limited key is asked once in its delay, and no client notices', async () => {
    await stack.simulator.script([
      { match: { key: first }, error: { preset: 'rate_limit_minute', retryDelay: '17s' } },
    ]);
    for (let i = 0; i < 20; i++) await ask('gemini-3.5-flash-lite');
    assert.deepEqual(await answers('gemini-3.5-flash-lite', 429), [1]);
  });

  test('a refused key is asked once and never again, whatever the model', async () => {
    await stack.simulator.script([{ match: { key: second }, error: 'invalid_key' }]);
    for (let i = 0; i < 8; i++) await ask('gemini-3.8-flash');
    for (let i = 0; i < 8; i++) await ask('gemini-3.1-flash-lite');
    assert.deepEqual(await answers('gemini-3.8-flash', 400), [1]);
    assert.deepEqual(await answers('gemini-3.1-flash-lite', 400), []);
    const listed: unknown = await (
      await fetch(`${stack.gateway.url}/admin/api/gemini-keys`, {
        headers: { authorization: `Bearer ${stack.adminToken}` },
      })
    ).json();
    assert.doesNotMatch(JSON.stringify(listed), /AIzaTestKey0000/, 'keys are shown masked');
    assert.match(JSON.stringify(listed), /invalid/);
  });

  test("a client's own mistake costs one call and no key its health", async () => {
    await stack.simulator.script([{ match: { model: 'gemini-3-flash-preview' }, error: 'bad_request' }]);
    for (let i = 0; i < 5; i++) {
      await assert.rejects(ask('gemini-3-flash-preview'), (error) => error instanceof OpenAI.BadRequestError);
    }
    const counts = await answers('gemini-3-flash-preview', 400);
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      5,
    );
    await stack.simulator.reset();
    await ask('gemini-3-flash-preview');
  });

  test('when all keys rest, the answer is 429 with the seconds until the first is back', async () => {
    await stack.simulator.script([{ match: {}, error: { preset: 'rate_limit_minute', retryDelay: '31s' } }]);
    await assert.rejects(ask('gemini-2.5-flash-lite'), (error) => {
      assert.ok(error instanceof OpenAI.RateLimitError);
      assert.equal(error.code, 'rate_limit_exceeded');
      const seconds = Number(error.headers?.get('retry-after'));
      assert.ok(seconds >= 28 && seconds <= 40, `Retry-After ${seconds}`);
      return true;
    });
  });

  test('a model that is overloaded for a moment is asked again, also with the same key', async () => {
    await stack.simulator.script([{ match: { model: 'gemini-3.1-pro-preview' }, times: 2, error: 'overloaded' }]);
    await ask('gemini-3.1-pro-preview');
    assert.deepEqual(await answers('gemini-3.1-pro-preview', 200), [1]);
  });

  test('signatures that Google takes for corrupted are replaced, once', async () => {
    await stack.simulator.script([{ match: { model: testModel }, times: 1, error: 'corrupted_signature' }]);
    await ask();
    await stack.simulator.script([{ match: { model: testModel }, error: 'corrupted_signature' }]);
    await assert.rejects(ask(), OpenAI.BadRequestError);
  });

  test('a model that is closed to every key is not there, now and later', async () => {
    await stack.simulator.script([{ match: { model: 'gemini-2.5-pro' }, error: 'model_closed' }]);
    for (let i = 0; i < 2; i++) await assert.rejects(ask('gemini-2.5-pro'), OpenAI.NotFoundError);
    const asked = await answers('gemini-2.5-pro', 404);
    assert.equal(
      asked.reduce((sum, count) => sum + count, 0),
      keys.length - 1,
      'each key but the refused one was asked once',
    );
  });

  test('each attempt is in the row of its request', async () => {
    const attempts = readDatabase(stack.gateway.folder, (database) =>
      database.prepare("SELECT attempts FROM requests WHERE status = 200 AND attempts LIKE '%invalid%'").pluck().all(),
    );
    assert.equal(attempts.length, 1);
  });
});

test('without any key a completion says what the operator should do', async () => {
  const stack = await startStack({ keys: [] });
  try {
    await assert.rejects(
      stack.openai.chat.completions.create({ model: testModel, messages: [{ role: 'user', content: 'Hello' }] }),
      (error) =>
        error instanceof OpenAI.InternalServerError && error.status === 503 && /GEMINI_API_KEYS/.test(error.message),
    );
    const health: unknown = await (await fetch(`${stack.gateway.url}/health`)).json();
    assert.match(JSON.stringify(health), /degraded.*GEMINI_API_KEYS/);
    assert.equal((await fetch(`${stack.gateway.url}/ready`)).status, 200);
  } finally {
    await stack.stop();
  }
});
