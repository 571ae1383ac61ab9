/** What an application sees that uses the `openai` package and changed nothing but its base URL and key. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import OpenAI from 'openai';
import { eventually, metric, readDatabase, type Stack, startStack, testModel } from './harness.ts';

const hello = [{ role: 'user', content: 'Hello there' }] as const;

describe('the openai package', () => {
  let stack: Stack;

  before(async () => {
    stack = await startStack();
  });
  after(() => stack.stop());

  test('chat: content, finish reason, usage', async () => {
    const completion = await stack.openai.chat.completions.create({ model: testModel, messages: [...hello] });
    const [choice] = completion.choices;
    assert.equal(completion.object, 'chat.completion');
    assert.equal(completion.model, testModel);
    assert.match(completion.id, /^chatcmpl-[0-9a-f]{32}$/);
    assert.equal(choice?.finish_reason, 'stop');
    assert.equal(choice?.message.role, 'assistant');
    assert.ok((choice?.message.content ?? '').length > 0);
    const { usage } = completion;
    assert.ok(usage !== undefined && usage.prompt_tokens > 0 && usage.completion_tokens > 0);
    assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
  });

  test('the parameters of a chat reach Gemini', async () => {
    const { log } = stack.simulator;
    const before = (await log()).length;
    await stack.openai.chat.completions.create({
      model: 'gemini-2.5-flash-lite',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'developer', content: 'Be kind.' },
        { role: 'user', content: 'Hello' },
        { role: 'assistant', content: 'Hi' },
        { role: 'user', content: 'How are you?' },
      ],
      temperature: 0.3,
      top_p: 0.9,
      max_completion_tokens: 77,
      stop: ['END'],
      seed: 42,
    });
    const received = (await log()).slice(before).find(({ method }) => method === 'generateContent')?.body;
    const expected = {
      contents: [
        { role: 'user', parts: [{ text: 'Hello' }] },
        { role: 'model', parts: [{ text: 'Hi' }] },
        { role: 'user', parts: [{ text: 'How are you?' }] },
      ],
      systemInstruction: { parts: [{ text: 'Be brief.' }, { text: 'Be kind.' }] },
      generationConfig: { temperature: 0.3, topP: 0.9, maxOutputTokens: 77, stopSequences: ['END'], seed: 42 },
    };
    assert.deepEqual(pick(received, Object.keys(expected)), expected);
  });

  test('streaming: chunks in order, one finish reason, usage only when asked', async () => {
    await stack.simulator.script([
      { match: { model: 'gemini-3.6-flash' }, text: 'One two three four', chunks: 4, chunkSize: 5 },
    ]);
    const stream = await stack.openai.chat.completions.create({
      model: 'gemini-3.6-flash',
      messages: [...hello],
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    const ids = new Set(chunks.map(({ id }) => id));
    assert.equal(ids.size, 1);
    assert.equal(chunks[0]?.choices[0]?.delta.role, 'assistant');
    assert.equal(chunks.filter(({ choices }) => choices[0]?.delta.role !== undefined).length, 1);
    assert.equal(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('').length, 20);
    assert.deepEqual(
      chunks.flatMap(({ choices }) => choices[0]?.finish_reason ?? []),
      ['stop'],
    );
    const last = chunks.at(-1);
    assert.deepEqual(last?.choices, []);
    assert.ok((last?.usage?.completion_tokens ?? 0) > 0);
  });

  test('a stream arrives as it is made, not at its end', async () => {
    await stack.simulator.script([
      { match: { model: 'gemini-3.5-flash-lite' }, chunks: 3, chunkSize: 4, hangAfterEvents: 2 },
    ]);
    const controller = new AbortController();
    const stream = await stack.openai.chat.completions.create(
      { model: 'gemini-3.5-flash-lite', messages: [...hello], stream: true },
      { signal: controller.signal },
    );
    const first = await stream[Symbol.asyncIterator]().next();
    assert.equal(first.done, false, 'the first chunk came although Gemini has not ended');
    controller.abort();
  });

  test('§10.76: a client that leaves ends the call to Gemini within a second, and its row says so', async () => {
    await stack.simulator.reset();
    await stack.simulator.script([{ match: { model: testModel }, chunks: 1000, chunkSize: 8, intervalMs: 20 }]);
    const controller = new AbortController();
    const stream = await stack.openai.chat.completions.create(
      { model: testModel, messages: [...hello], stream: true },
      { signal: controller.signal },
    );
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content) break;
    }
    controller.abort();
    await eventually(
      'Gemini sees the client leave',
      async () => (await stack.simulator.stats()).openStreams === 0,
      1_000,
    );
    await eventually(
      'the request is over',
      async () => (await metric(stack.gateway, 'gemini_pool_requests_in_flight')) === 0,
    );
    assert.equal(await metric(stack.gateway, 'gemini_pool_leases'), 0);
    await eventually('its row is there', () =>
      readDatabase(
        stack.gateway.folder,
        (db) => db.prepare("SELECT 1 FROM requests WHERE termination = 'client_gone'").all().length > 0,
      ),
    );
    await stack.simulator.reset();
  });

  test('models: list and one', async () => {
    const models = [];
    for await (const model of stack.openai.models.list()) models.push(model.id);
    assert.ok(models.includes(testModel));
    assert.equal((await stack.openai.models.retrieve(testModel)).id, testModel);
    await assert.rejects(stack.openai.models.retrieve('no-such-model'), OpenAI.NotFoundError);
  });

  test('models say which endpoint takes them; what is neither for chat nor for embeddings is not listed', async () => {
    const endpoints = new Map<string, unknown>();
    for await (const model of stack.openai.models.list()) endpoints.set(model.id, Reflect.get(model, 'endpoints'));
    assert.deepEqual(endpoints.get(testModel), ['/v1/chat/completions']);
    assert.deepEqual(endpoints.get('gemini-embedding-001'), ['/v1/embeddings']);
    assert.ok(![...endpoints.keys()].some((id) => id.includes('tts')));
  });

  test('§10.61: an answer in an encoding that was not asked for is no answer, and nothing of it is passed on', async () => {
    await stack.simulator.script([{ match: { model: testModel }, text: 'squeezed', gzip: true }]);
    await assert.rejects(
      stack.openai.chat.completions.create({ model: testModel, messages: [...hello] }),
      (error) => error instanceof OpenAI.InternalServerError && error.status === 502,
    );
    await stack.simulator.reset();
  });

  test('§10.75: a model that says nothing for too long ends as a time-out, and costs its key nothing', async () => {
    const slow = await startStack({ env: { UPSTREAM_FIRST_BYTE_TIMEOUT_MS: '300', UPSTREAM_IDLE_TIMEOUT_MS: '300' } });
    try {
      await slow.simulator.script([{ match: { model: testModel }, chunks: 5, chunkSize: 4, hangAfterEvents: 0 }]);
      await assert.rejects(
        slow.openai.chat.completions.create({ model: testModel, messages: [...hello] }),
        (error) => error instanceof OpenAI.InternalServerError && error.status === 504,
      );
      await slow.simulator.reset();
      await slow.openai.chat.completions.create({ model: testModel, messages: [...hello] });
    } finally {
      await slow.stop();
    }
  });

  test('errors arrive as the classes of the SDK', async () => {
    const create = (model: string, apiKey = stack.clientKey): Promise<unknown> =>
      new OpenAI({ baseURL: `${stack.gateway.url}/v1`, apiKey, maxRetries: 0 }).chat.completions.create({
        model,
        messages: [...hello],
      });
    await assert.rejects(
      create(testModel, 'gp_wrong'),
      (error) => error instanceof OpenAI.AuthenticationError && error.code === 'invalid_api_key',
    );
    await assert.rejects(
      create('gemini-0-none'),
      (error) => error instanceof OpenAI.NotFoundError && error.code === 'model_not_found',
    );
    await assert.rejects(
      stack.openai.chat.completions.create({ model: testModel, messages: [] }),
      (error) => error instanceof OpenAI.BadRequestError && error.param === 'messages',
    );
  });

  test('a stream that Gemini cuts is an error, never a clean end', async () => {
    await stack.simulator.script([{ match: { model: testModel }, chunks: 10, chunkSize: 8, cutAfterEvents: 3 }]);
    const stream = await stack.openai.chat.completions.create({ model: testModel, messages: [...hello], stream: true });
    let text = '';
    await assert.rejects(
      async () => {
        for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
      },
      (error) => error instanceof OpenAI.APIError,
    );
    assert.ok(text.length > 0, 'what came before the cut was delivered');
    await stack.simulator.reset();
  });
});

function pick(value: unknown, names: readonly string[]): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  if (typeof value === 'object' && value !== null) for (const name of names) found[name] = Reflect.get(value, name);
  return found;
}
