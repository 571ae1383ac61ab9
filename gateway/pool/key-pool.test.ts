import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FakeClock } from '../../shared/clock.ts';
import { limits } from '../../shared/limits.ts';
import { KeyPool } from './key-pool.ts';
import type { LeaseResult } from './lease.ts';
import { toEntries } from './pool-storage.ts';

function poolOf(count: number, clock = new FakeClock()): KeyPool {
  const pool = new KeyPool(clock);
  for (let i = 0; i < count; i++) pool.add({ id: `k${i}`, key: `AIza-key-${i}`, source: 'environment' });
  return pool;
}

const oneRequest = { requests: 1, tokens: 10 };

function ask(pool: KeyPool, model: string, tried: ReadonlySet<string> | null = null): LeaseResult {
  return pool.lease({ model, cost: oneRequest, tried, affinity: null });
}

function leaseId(
  pool: KeyPool,
  model: string,
  tried: ReadonlySet<string> | null = null,
): { id: string; leaseId: number } {
  const lease = ask(pool, model, tried);
  assert.ok(lease.ok, 'a key was expected');
  return { id: lease.keyId, leaseId: lease.leaseId };
}

describe('key pool', () => {
  test('keys take turns in order, for each model on its own', () => {
    const pool = poolOf(3);
    const turns = Array.from({ length: 6 }, () => leaseId(pool, 'm').id);
    assert.deepEqual(turns, ['k0', 'k1', 'k2', 'k0', 'k1', 'k2']);
    assert.equal(leaseId(pool, 'other').id, 'k0');
  });

  test('a rate-limited key rests for that model until its time is over, then takes the next turn', () => {
    const clock = new FakeClock();
    const pool = poolOf(2, clock);
    const first = leaseId(pool, 'm');
    pool.report(first.leaseId, { kind: 'rest', forMs: 17_000, reason: 'quota_minute' });
    assert.deepEqual([leaseId(pool, 'm').id, leaseId(pool, 'm').id], ['k1', 'k1']);
    assert.equal(leaseId(pool, 'other').id, 'k0', 'another model of the same key is not affected');
    clock.advance(16_999);
    assert.equal(leaseId(pool, 'm').id, 'k1');
    clock.advance(1);
    assert.equal(leaseId(pool, 'm').id, 'k0');
  });

  test('when all rest, the answer says how long until the first is back', () => {
    const clock = new FakeClock();
    const pool = poolOf(2, clock);
    pool.report(leaseId(pool, 'm').leaseId, { kind: 'rest', forMs: 30_000, reason: 'quota_minute' });
    pool.report(leaseId(pool, 'm').leaseId, { kind: 'rest', forMs: 10_000, reason: 'quota_minute' });
    clock.advance(4_000);
    assert.deepEqual(ask(pool, 'm'), { ok: false, retryAfterMs: 6_000, reason: 'quota_minute' });
  });

  test('a refused key is out for every model; without any key there is nothing to wait for', () => {
    const pool = poolOf(1);
    pool.report(leaseId(pool, 'm').leaseId, { kind: 'disable', reason: 'invalid' });
    assert.deepEqual(ask(pool, 'm'), { ok: false, retryAfterMs: null, reason: null });
    assert.deepEqual(ask(pool, 'other'), { ok: false, retryAfterMs: null, reason: null });
  });

  test('a key that was tried is passed over and keeps its place', () => {
    const pool = poolOf(3);
    assert.equal(leaseId(pool, 'm', new Set(['k0'])).id, 'k1');
    assert.equal(leaseId(pool, 'm').id, 'k0');
  });

  test('the same key is not taken twice, whatever its id', () => {
    const pool = poolOf(1);
    assert.equal(pool.add({ id: 'other', key: 'AIza-key-0', source: 'stored' }), false);
    assert.equal(pool.counts().total, 1);
  });

  test('a removed key gets no turn, and its open lease still ends', () => {
    const pool = poolOf(2);
    const open = leaseId(pool, 'm');
    pool.remove('k0');
    assert.deepEqual([leaseId(pool, 'm').id, leaseId(pool, 'm').id], ['k1', 'k1']);
    pool.report(open.leaseId, { kind: 'ok' });
    assert.equal(pool.counts().leases, 2);
  });

  test('made-up model names do not grow the pool without bound', () => {
    const pool = poolOf(1);
    for (let i = 0; i < limits.pooledModelsMax + 10; i++) {
      pool.report(leaseId(pool, `m${i}`).leaseId, { kind: 'rest', forMs: 1e9, reason: 'quota_minute' });
    }
    assert.equal(pool.find('k0')?.rests.size, limits.pooledModelsMax);
  });

  test('made-up model names push out those used longest ago, not those in use', () => {
    const pool = poolOf(1);
    pool.report(leaseId(pool, 'real').leaseId, { kind: 'rest', forMs: 1e9, reason: 'quota_day' });
    for (let i = 0; i < limits.pooledModelsMax + 10; i++) {
      ask(pool, `m${i}`);
      assert.equal(ask(pool, 'real').ok, false, `the rest is forgotten after ${i} other names`);
    }
  });

  test('made-up model names push out each other first: what is known of real ones stays', () => {
    const pool = poolOf(1);
    pool.report(leaseId(pool, 'real').leaseId, { kind: 'rest', forMs: 1e9, reason: 'quota_day' });
    for (let i = 0; i < 2 * limits.pooledModelsMax; i++)
      pool.report(leaseId(pool, `m${i}`).leaseId, { kind: 'neutral', reason: 'client' });
    assert.equal(ask(pool, 'real').ok, false);
  });

  test('what the open lease of a removed key ends with is forgotten with the key', () => {
    const clock = new FakeClock();
    const pool = poolOf(2, clock);
    const open = leaseId(pool, 'm');
    pool.report(leaseId(pool, 'm').leaseId, { kind: 'ok' });
    pool.remove('k0');
    const removed = toEntries(pool.changes.take(), pool, clock).filter(({ value }) => value === null);
    assert.deepEqual(
      removed.map(({ kind, id }) => [kind, id]),
      [
        ['quota', 'key k0'],
        ['key', 'k0'],
      ],
    );
    const limit = { of: 'requests_per_day', limit: 3 } as const;
    const refusal = { status: 429, message: '', project: null, limits: [limit], chargedModel: null };
    pool.report(open.leaseId, { kind: 'rest', forMs: 1_000, reason: 'quota_day', refusal });
    assert.deepEqual([...pool.ledger.models('key k0')], []);
    assert.equal(pool.counts().leases, 0);
  });

  test('property: while the same keys are available each gets its turn, give or take one', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.array(fc.record({ rest: fc.boolean(), retry: fc.boolean() }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 100 }),
        (keys, disturbances, run) => {
          const clock = new FakeClock();
          const pool = poolOf(keys, clock);
          for (const { rest, retry } of disturbances) {
            const lease = ask(pool, 'm');
            if (lease.ok) {
              pool.report(
                lease.leaseId,
                rest ? { kind: 'rest', forMs: 5_000, reason: 'quota_minute' } : { kind: 'ok' },
              );
              if (retry) ask(pool, 'm', new Set([lease.keyId]));
            }
            clock.advance(100);
          }
          clock.advance(60_000);
          // From here on all keys are available: the run itself must be even.
          const turns = new Map<string, number>();
          for (let i = 0; i < run; i++) {
            const { id } = leaseId(pool, 'm');
            turns.set(id, (turns.get(id) ?? 0) + 1);
          }
          const counts = Array.from({ length: keys }, (_, i) => turns.get(`k${i}`) ?? 0);
          assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `uneven: ${counts.join(',')}`);
        },
      ),
    );
  });
});
