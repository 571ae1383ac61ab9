/** Several choices, models that stand in, long answers of Gemini 4, and strictness: what takes more than one call. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import OpenAI from 'openai';
import { geminiKeys, metric, readDatabase, type Stack, startStack, testModel } from './harness.ts';

const hello = [{ role: 'user', content: 'Hello there' }] as const;

describe('answers that take several calls', () => {
  let stack: Stack;

  before(async () => {
    stack = await startStack({
      keys: geminiKeys(3),
      env: { MODEL_ALIASES: 'gpt-4o=gemini-3.8-flash', MODEL_FALLBACKS: 'gemini-3.6-flash>gemini-3.5-flash-lite' },
    });
  });
  after(() => stack.stop());
  beforeEach(() => stack.simulator.reset());

  test('§10.35: n=3 is three calls, numbered, with their tokens summed', async () => {
    const one = await stack.openai.chat.completions.create({ model: testModel, messages: [...hello] });
    const three = await stack.openai.chat.completions.create({ model: testModel, messages: [...hello], n: 3 });
    assert.deepEqual(
      three.choices.map(({ index }) => index),
      [0, 1, 2],
    );
    assert.ok(three.choices.every(({ message, finish_reason }) => message.content && finish_reason === 'stop'));
    assert.equal(three.usage?.prompt_tokens, 3 * (one.usage?.prompt_tokens ?? 0));
    assert.equal(three.usage?.completion_tokens, 3 * (one.usage?.completion_tokens ?? 0));
  });

  test('§10.35: n=2 streamed: each choice is whole, with one role and one finish reason; one usage; one end', async () => {
    await stack.simulator.script([
      { match: { model: testModel }, text: 'One two three four', chunks: 6, intervalMs: 5 },
    ]);
    const stream = await stack.openai.chat.completions.create({
      model: testModel,
      messages: [...hello],
      n: 2,
      stream: true,
      stream_options: { include_usage: true },
    });
    const texts = ['', ''];
    const roles = [0, 0];
    const finishes = [0, 0];
    let usages = 0;
    for await (const chunk of stream) {
      if (chunk.usage) usages++;
      for (const { index, delta, finish_reason } of chunk.choices) {
        texts[index] += delta.content ?? '';
        if (delta.role) roles[index] = (roles[index] ?? 0) + 1;
        if (finish_reason) finishes[index] = (finishes[index] ?? 0) + 1;
      }
    }
    assert.deepEqual(texts, ['One two three four', 'One two three four']);
    assert.deepEqual([roles, finishes, usages], [[1, 1], [1, 1], 1]);
  });

  test('§10.35: when one choice fails, all fail', async () => {
    await stack.simulator.script([
      { match: { model: testModel }, times: 1, text: 'fine' },
      { match: { model: testModel }, error: 'bad_request' },
    ]);
    await assert.rejects(
      stack.openai.chat.completions.create({ model: testModel, messages: [...hello], n: 2 }),
      OpenAI.BadRequestError,
    );
    assert.equal(await metric(stack.gateway, 'gemini_pool_leases'), 0);
  });

  test('choices that fail while others ask for their keys leave no lease behind', async () => {
    // Some calls fail for good while others ask for another key in the same moment.
    await stack.simulator.script(
      Array.from({ length: 96 }, (_, i) => ({
        match: { model: testModel },
        times: 1,
        error:
          i % 2 === 0 ? ({ preset: 'rate_limit_tokens', retryDelay: '0.001s' } as const) : ('bad_request' as const),
      })),
    );
    await stack.simulator.script([{ match: { model: testModel }, error: 'bad_request' }], { append: true });
    for (let i = 0; i < 24; i++)
      await assert.rejects(
        stack.openai.chat.completions.create({ model: testModel, messages: [...hello], n: 8 }),
        OpenAI.BadRequestError,
      );
    assert.equal(await metric(stack.gateway, 'gemini_pool_requests_in_flight'), 0);
    assert.equal(await metric(stack.gateway, 'gemini_pool_leases'), 0);
  });

  test('an alias answers under the name that was asked for', async () => {
    const completion = await stack.openai.chat.completions.create({ model: 'gpt-4o', messages: [...hello] });
    assert.equal(completion.model, 'gpt-4o');
    const [row] = readDatabase(stack.gateway.folder, (database) =>
      database.prepare("SELECT model_asked, model_served FROM requests WHERE model_asked = 'gpt-4o'").raw().all(),
    );
    assert.deepEqual(row, ['gpt-4o', 'gemini-3.8-flash']);
  });

  test('an overloaded model is stood in for, and the answer says so', async () => {
    await stack.simulator.script([{ match: { model: 'gemini-3.6-flash' }, error: 'overloaded' }]);
    const { data, response } = await stack.openai.chat.completions
      .create({ model: 'gemini-3.6-flash', messages: [...hello] })
      .withResponse();
    assert.equal(data.choices[0]?.finish_reason, 'stop');
    assert.match(response.headers.get('x-gemini-pool-warnings') ?? '', /model=gemini-3\.5-flash-lite/);
  });

  test('a model whose keys all rest is stood in for', async () => {
    await stack.simulator.script([
      { match: { model: 'gemini-3.6-flash' }, error: { preset: 'rate_limit_minute', retryDelay: '30s' } },
    ]);
    const completion = await stack.openai.chat.completions.create({ model: 'gemini-3.6-flash', messages: [...hello] });
    assert.equal(completion.choices[0]?.finish_reason, 'stop');
  });

  test('§10.80: a long answer of Gemini 4 goes on over several calls, as one answer', async () => {
    await stack.simulator.script([
      { match: { model: 'gemini-4-argon' }, text: 'word '.repeat(400), chunks: 40, hopTokens: 150 },
    ]);
    const whole = await stack.openai.chat.completions.create({ model: 'gemini-4-argon', messages: [...hello] });
    const calls = (await stack.simulator.log()).filter(({ model }) => model === 'gemini-4-argon');
    assert.ok(calls.length > 1, `${calls.length} call`);
    assert.ok(
      calls.every(({ method }) => method === 'streamGenerateContent'),
      'the cap on a stream is the higher one',
    );
    assert.equal(new Set(calls.map(({ key }) => key)).size, 1, 'all on the key that the token belongs to');
    assert.equal(whole.choices[0]?.finish_reason, 'stop');
    assert.equal(whole.choices[0]?.message.content?.trim(), 'word '.repeat(400).trim());
  });

  test('what has no effect is named in a header, and refused in strict mode', async () => {
    const body = { model: testModel, messages: [...hello], logit_bias: { '5': 1 }, temperature: 0.5 };
    const { response } = await stack.openai.chat.completions.create(body).withResponse();
    assert.match(response.headers.get('x-gemini-pool-warnings') ?? '', /logit_bias/);
    await assert.rejects(
      stack.openai.chat.completions.create(body, { headers: { 'x-gemini-pool-strict': 'true' } }),
      (error) => error instanceof OpenAI.BadRequestError && typeof error.param === 'string',
    );
  });
});
