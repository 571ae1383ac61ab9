/** What the pool does not keep: names that clients made up, what is over, and what an operator wants tried again. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock } from '../../shared/clock.ts';
import type { KeyOutcome, QuotaLimit, RestReason } from '../../shared/key-outcome.ts';
import { limits } from '../../shared/limits.ts';
import type { PoolStateEntry } from '../../shared/pool-state.ts';
import { KeyPool } from './key-pool.ts';
import { PoolSaver } from './pool-saver.ts';
import { restorePool, toEntries } from './pool-storage.ts';

const noon = Date.parse('2026-11-25T20:00:00Z');
const dayMs = 24 * 3_600_000;

function stand(...ids: string[]): { pool: KeyPool; clock: FakeClock } {
  const clock = new FakeClock(noon);
  const pool = new KeyPool(clock);
  for (const id of ids) pool.add({ id, key: `AIza-${id}`, source: 'environment' });
  return { pool, clock };
}

function lease(pool: KeyPool, model: string): number {
  const result = pool.lease({ model, cost: { requests: 1, tokens: 1 }, tried: null, affinity: null });
  assert.ok(result.ok);
  return result.leaseId;
}

function retryAfterMs(pool: KeyPool, model: string): number | null {
  const result = pool.lease({ model, cost: { requests: 1, tokens: 1 }, tried: null, affinity: null });
  assert.ok(!result.ok);
  return result.retryAfterMs;
}

function rest(reason: RestReason, forMs: number, ...told: QuotaLimit[]): KeyOutcome {
  return {
    kind: 'rest',
    reason,
    forMs,
    refusal: { status: 429, message: '', project: null, limits: told, chargedModel: null },
  };
}

describe('names that clients make up', () => {
  test('are not written to the database, in whatever number they come', () => {
    const { pool, clock } = stand('a');
    for (let i = 0; i < 3 * limits.pooledModelsMax; i++)
      pool.report(lease(pool, `made-up-${i}`), { kind: 'neutral', reason: 'not_found' });
    assert.deepEqual(toEntries(pool.changes.take(), pool, clock), []);
    pool.report(lease(pool, 'real'), { kind: 'ok' });
    assert.deepEqual(
      toEntries(pool.changes.take(), pool, clock).map(({ kind, model }) => [kind, model]),
      [['quota', 'real']],
    );
  });

  test('leave nothing behind, though requests for them are in flight when they give way', () => {
    const { pool } = stand('a');
    const open = Array.from({ length: 100 }, (_, i) => lease(pool, `early-${i}`));
    for (let i = 0; i < limits.pooledModelsMax; i++)
      pool.report(lease(pool, `late-${i}`), { kind: 'neutral', reason: 'not_found' });
    for (const [i, id] of open.entries())
      pool.report(id, i % 2 === 0 ? rest('quota_day', 1_000, { of: 'requests_per_day', limit: 5 }) : { kind: 'ok' });
    const key = pool.find('a');
    assert.deepEqual(
      [...(key?.figures.keys() ?? [])].filter((model) => model.startsWith('early')),
      [],
    );
    assert.equal(key?.rests.size, 0);
    assert.ok([...pool.ledger.models('key a')].every((model) => model.startsWith('late')));
  });

  test('what was written of a model that gives way is taken out of the database', () => {
    const { pool, clock } = stand('a');
    pool.report(lease(pool, 'first'), { kind: 'ok' });
    pool.changes.take();
    for (let i = 0; i < limits.pooledModelsMax; i++) pool.report(lease(pool, `later-${i}`), { kind: 'ok' });
    const entries = toEntries(pool.changes.take(), pool, clock);
    assert.deepEqual(
      entries.filter(({ model }) => model === 'first'),
      [{ kind: 'quota', id: 'key a', model: 'first', value: null }],
    );
  });
});

describe('quotas that were written down', () => {
  const quota = (id: string, model: string, value: object): PoolStateEntry => ({
    kind: 'quota',
    id,
    model,
    value: JSON.stringify(value),
  });

  test('of another day and without a limit that is still believed are taken out; those of keys that are not here wait', () => {
    const { pool, clock } = stand('a');
    const today = '2026-11-25';
    const limit = (toldAtMs: number): unknown[] => [['requests_per_day', 5, toldAtMs]];
    restorePool(
      [
        quota('key a', 'yesterday', { limits: [], day: '2026-11-24', dayRequests: 9 }),
        quota('key a', 'old limit', { limits: limit(noon - 8 * dayMs), day: '2026-11-17', dayRequests: 9 }),
        quota('key a', 'limit', { limits: limit(noon - dayMs), day: '2026-11-24', dayRequests: 9 }),
        quota('key a', 'today', { limits: [], day: today, dayRequests: 9 }),
        quota('project gone', 'today', { limits: [], day: today, dayRequests: 9 }),
      ],
      pool,
      clock,
    );
    assert.deepEqual(toEntries(pool.changes.take(), pool, clock), [
      { kind: 'quota', id: 'key a', model: 'yesterday', value: null },
      { kind: 'quota', id: 'key a', model: 'old limit', value: null },
    ]);
    assert.deepEqual([...pool.ledger.models('key a')], ['limit', 'today']);
    assert.deepEqual([...pool.ledger.models('project gone')], []);
  });
});

describe('an operator', () => {
  test('has a key tried again: its rests are over, and its limits are no longer known', () => {
    const { pool } = stand('a');
    const perDay = { of: 'requests_per_day', limit: 1 } as const;
    pool.report(lease(pool, 'm'), { kind: 'ok' });
    pool.report(lease(pool, 'm'), rest('quota_day', 40_000, perDay));
    assert.ok(Number(retryAfterMs(pool, 'm')) > 3_600_000, 'the limit of the day is known and used up');
    pool.forgetLearnt('a');
    pool.report(lease(pool, 'm'), rest('quota_day', 40_000));
    assert.equal(retryAfterMs(pool, 'm'), 40_000, 'and the next refusal is a first one');
  });

  test('gives a key to another project: what the one before was refused does not count for it', () => {
    const { pool } = stand('a');
    pool.setProject('a', 'one', 'operator');
    pool.report(lease(pool, 'm'), rest('quota_minute', 40_000));
    pool.report(lease(pool, 'n'), rest('permission_denied', 40_000));
    pool.setProject('a', 'two', 'operator');
    pool.report(lease(pool, 'm'), { kind: 'ok' });
    assert.equal(retryAfterMs(pool, 'n'), 40_000, 'what the key itself was refused does');
  });
});

describe('writing the state down', () => {
  test('at the end also what has changed while the last was written', async () => {
    const { pool, clock } = stand('a', 'b');
    const written: string[][] = [];
    const waiting: (() => void)[] = [];
    const saver = new PoolSaver(pool, clock, (entries) => {
      written.push(entries.map(({ id }) => id));
      return new Promise<void>((resolve) => waiting.push(resolve));
    });
    pool.disable('a', 'switched_off', 'operator');
    void saver.flush();
    pool.disable('b', 'switched_off', 'operator');
    const stopped = saver.stop();
    waiting.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
    waiting.shift()?.();
    await stopped;
    assert.deepEqual(written, [['a'], ['b']]);
  });

  test('what could not be written is written with the next', async () => {
    const { pool, clock } = stand('a');
    let isDown = true;
    const written: string[] = [];
    const saver = new PoolSaver(pool, clock, async (entries) => {
      if (isDown) throw new Error('the writer is down');
      written.push(...entries.map(({ id }) => id));
    });
    pool.disable('a', 'switched_off', 'operator');
    await saver.flush();
    isDown = false;
    await saver.stop();
    assert.deepEqual(written, ['a']);
  });
});
