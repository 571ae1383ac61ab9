/** The list of models: whose keys are asked, and what of their answers serves. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock } from '../shared/clock.ts';
import { GatewayError } from '../shared/errors.ts';
import { ModelList } from './models.ts';
import { KeyPool } from './pool/key-pool.ts';
import type { ModelsResult } from './pool/models-jobs.ts';

const model = { id: 'gemini-x', methods: [], inputTokenLimit: null, outputTokenLimit: null };

function stand(count: number, answer: (key: number) => ModelsResult) {
  const clock = new FakeClock();
  const pool = new KeyPool(clock);
  for (let i = 0; i < count; i++) pool.add({ id: `k${i}`, key: String(i), source: 'environment' });
  const asked: string[] = [];
  const jobs = {
    ask: (key: string): Promise<ModelsResult> => {
      asked.push(key);
      return Promise.resolve(answer(Number(key)));
    },
  };
  return { pool, asked, models: new ModelList(clock, pool, jobs) };
}

const invalid: ModelsResult = {
  error: { code: 'no_available_keys' },
  outcome: { kind: 'disable', reason: 'invalid_key' },
};

describe('the list of models', () => {
  test('keys that Google does not know hide no list that others have, and are out of the pool', async () => {
    const { models, pool } = stand(12, (key) => (key < 7 ? invalid : { models: [model] }));
    assert.deepEqual([...(await models.list()).keys()], ['gemini-x']);
    assert.deepEqual(
      pool.enabledKeys().map(({ id }) => id),
      ['k7', 'k8', 'k9', 'k10', 'k11'],
    );
  });

  test('when Gemini has trouble a few keys are enough to tell', async () => {
    const outcome = { kind: 'neutral', reason: 'overloaded' } as const;
    const { models, asked } = stand(100, () => ({ error: { code: 'upstream_overloaded' }, outcome }));
    await assert.rejects(
      models.list(),
      (error) => error instanceof GatewayError && error.code === 'upstream_overloaded',
    );
    assert.equal(asked.length, 5);
  });

  test('a list is fetched once for all who ask at the same time', async () => {
    const { models, asked } = stand(1, () => ({ models: [model] }));
    await Promise.all([models.list(), models.list()]);
    await models.list();
    assert.equal(asked.length, 1);
  });
});
