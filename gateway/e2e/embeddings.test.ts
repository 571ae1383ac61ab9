/** Embeddings as the `openai` package asks for them. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import OpenAI from 'openai';
import { geminiKeys, metric, readDatabase, type Stack, startStack } from './harness.ts';

const model = 'gemini-embedding-001';

describe('embeddings', () => {
  let stack: Stack;

  before(async () => {
    stack = await startStack({ keys: geminiKeys(2), env: { MODEL_ALIASES: `text-embedding-3-small=${model}` } });
  });
  after(() => stack.stop());
  beforeEach(() => stack.simulator.reset());

  const length = (vector: readonly number[]): number => Math.hypot(...vector);

  test('one text: the vector that the SDK decodes is the one that plain numbers give', async () => {
    const packed = await stack.openai.embeddings.create({ model, input: 'The sea' });
    const plain = await stack.openai.embeddings.create({ model, input: 'The sea', encoding_format: 'float' });
    const [a] = packed.data;
    const [b] = plain.data;
    assert.ok(a !== undefined && b !== undefined);
    assert.equal(a.embedding.length, 3072);
    for (const [i, value] of b.embedding.entries()) assert.ok(Math.abs(value - (a.embedding[i] ?? 0)) < 1e-6);
    assert.equal(packed.model, model);
    assert.ok(packed.usage.prompt_tokens > 0);
    assert.equal(packed.usage.total_tokens, packed.usage.prompt_tokens);
  });

  test('250 texts go in batches of 100 at most, and come back in order', async () => {
    const input = Array.from({ length: 250 }, (_, i) => `text number ${i}`);
    const { data } = await stack.openai.embeddings.create({ model, input, dimensions: 256 });
    assert.deepEqual(
      data.map(({ index }) => index),
      input.map((_, i) => i),
    );
    const [last] = (await stack.openai.embeddings.create({ model, input: 'text number 249', dimensions: 256 })).data;
    assert.deepEqual(data[249]?.embedding, last?.embedding);
    const sizes = (await stack.simulator.log()).flatMap(({ method, body }) =>
      method === 'batchEmbedContents' &&
      typeof body === 'object' &&
      body !== null &&
      'requests' in body &&
      Array.isArray(body.requests)
        ? [body.requests.length]
        : [],
    );
    assert.deepEqual(
      sizes.sort((x, y) => x - y),
      [1, 50, 100, 100],
    );
    assert.ok(
      data.every(({ embedding }) => Math.abs(length(embedding) - 1) < 1e-3),
      'shortened vectors have unit length',
    );
  });

  test('a rate-limited key costs one attempt, and the answer is whole', async () => {
    const [first = ''] = geminiKeys(2);
    await stack.simulator.script([
      { match: { key: first }, error: { preset: 'rate_limit_minute', retryDelay: '20s' } },
    ]);
    const input = Array.from({ length: 120 }, (_, i) => `t${i}`);
    const { data } = await stack.openai.embeddings.create({ model: 'gemini-embedding-2', input });
    assert.equal(data.length, 120);
  });

  test('names of OpenAI answer when the operator says so', async () => {
    const answer = await stack.openai.embeddings.create({ model: 'text-embedding-3-small', input: 'x' });
    assert.equal(answer.model, 'text-embedding-3-small');
  });

  const bad: [what: string, body: unknown, param: string][] = [
    ['no input', { model }, 'input'],
    ['an empty text', { model, input: '' }, 'input'],
    ['an empty text among others', { model, input: ['a', ''] }, 'input[1]'],
    ['no texts', { model, input: [] }, 'input'],
    ['tokens', { model, input: [1, 2, 3] }, 'input'],
    ['lists of tokens', { model, input: [[1, 2]] }, 'input'],
    ['an object', { model, input: [{}] }, 'input[0]'],
    ['too many texts', { model, input: Array(2_049).fill('x') }, 'input'],
    ['dimensions out of range', { model, input: 'x', dimensions: 5_000 }, 'dimensions'],
    ['an unknown encoding', { model, input: 'x', encoding_format: 'hex' }, 'encoding_format'],
    ['no model', { input: 'x' }, 'model'],
  ];
  for (const [what, body, param] of bad) {
    test(`${what}: 400 at ${param}`, async () => {
      const request = stack.openai.post('/embeddings', { body });
      await assert.rejects(request, (error) => error instanceof OpenAI.BadRequestError && error.param === param);
    });
  }

  test('each request has one row, and nothing is left in flight', async () => {
    const rows = readDatabase(stack.gateway.folder, (database) =>
      database.prepare("SELECT count(*) FROM requests WHERE endpoint = 'embeddings' AND status = 200").pluck().get(),
    );
    assert.equal(rows, 6);
    assert.equal(await metric(stack.gateway, 'gemini_pool_leases'), 0);
    assert.equal(await metric(stack.gateway, 'gemini_pool_requests_in_flight'), 0);
  });
});
