/** What a refused call is told is true at that moment, though it is not worked out anew for each. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FakeClock } from '../../shared/clock.ts';
import type { KeyOutcome, QuotaLimit } from '../../shared/key-outcome.ts';
import { KeyPool } from './key-pool.ts';
import { quotaOwner } from './pool-key.ts';
import { SoonestReturn } from './soonest-return.ts';

const noon = Date.parse('2026-11-25T20:00:00Z');
const tokens = fc.constantFrom(1, 10, 100, 1_000);
const keyId = fc.constantFrom('k0', 'k1', 'k2');
const limit: fc.Arbitrary<QuotaLimit> = fc.constantFrom(
  { of: 'requests_per_minute', limit: 2 },
  { of: 'tokens_per_minute', limit: 150 },
  { of: 'requests_per_day', limit: 5 },
);
const refused: fc.Arbitrary<KeyOutcome> = fc
  .record({
    forMs: fc.constantFrom(100, 1_500, 30_000),
    reason: fc.constantFrom('quota_minute', 'quota_day', 'exhausted'),
    project: fc.constantFrom(null, null, 'p'),
    limits: fc.array(limit, { maxLength: 2 }),
  })
  .map(({ forMs, reason, project, limits }) => ({
    kind: 'rest',
    forMs,
    reason,
    refusal: { status: 429, message: '', project, limits, chargedModel: null },
  }));
const outcome: fc.Arbitrary<KeyOutcome> = fc.oneof(
  fc.constantFrom<KeyOutcome[]>({ kind: 'ok', promptTokens: 5 }, { kind: 'ok' }, { kind: 'neutral', reason: 'client' }),
  refused,
);
/** What may happen to the pool; `leases` are those that are out. */
type Step = (pool: KeyPool, clock: FakeClock, leases: number[]) => void;
const again: fc.Arbitrary<Step> = fc
  .record({ read: tokens, next: tokens })
  .map(({ read, next }) => (pool, _clock, leases) => {
    pool.callAgain(leases[0] ?? 0, read, { requests: 1, tokens: next });
  });
const moved: fc.Arbitrary<Step> = fc.record({ id: keyId, project: fc.constantFrom(null, 'p', 'q') }).map(
  ({ id, project }) =>
    (pool) =>
      pool.setProject(id, project, 'operator'),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(1, 50, 300, 999, 5_000, 61_000).map(
      (ms): Step =>
        (_, clock) =>
          clock.advance(ms),
    ),
  },
  {
    weight: 4,
    arbitrary: outcome.map(
      (said): Step =>
        (pool, _, leases) =>
          pool.report(leases.shift() ?? 0, said),
    ),
  },
  again,
  moved,
  keyId.map(
    (id): Step =>
      (pool) =>
        pool.disable(id, 'switched_off', 'operator'),
  ),
  keyId.map(
    (id): Step =>
      (pool) =>
        pool.enable(id),
  ),
  keyId.map(
    (id): Step =>
      (pool) =>
        pool.forgetLearnt(id),
  ),
);

test('property: a key that may serve is found, and if there is none, when the first is back is told exactly', () => {
  const steps = fc.array(fc.record({ step, wants: fc.array(tokens, { maxLength: 3, size: 'max' }) }), {
    maxLength: 60,
    size: 'max',
  });
  fc.assert(
    fc.property(steps, (all) => {
      const clock = new FakeClock(noon);
      const pool = new KeyPool(clock);
      for (const id of ['k0', 'k1', 'k2']) pool.add({ id, key: `AIza-${id}`, source: 'environment' });
      const leases: number[] = [];
      for (const { step, wants } of all) {
        step(pool, clock, leases);
        for (const wanted of wants) {
          const cost = { requests: 1, tokens: wanted };
          const lease = pool.lease({ model: 'm', cost, tried: null, affinity: null });
          if (lease.ok) {
            leases.push(lease.leaseId);
            continue;
          }
          const anew = new SoonestReturn(new Map(Array.from(pool.keys(), (key) => [key.id, key])), pool.ledger, clock);
          const { retryAfterMs } = anew.of('m', cost);
          assert.equal(lease.retryAfterMs, retryAfterMs);
          assert.notEqual(retryAfterMs, 0, 'a key was there');
        }
      }
      for (const leaseId of leases) pool.report(leaseId, { kind: 'ok', promptTokens: 1 });
      assert.equal(pool.counts().leases, 0);
      clock.advance(61_000);
      for (const key of pool.keys()) {
        const left = pool.ledger.find(quotaOwner(key), 'm')?.left(clock.monotonicMs(), clock.wallMs());
        assert.deepEqual([left?.tokens_per_minute.used ?? 0, left?.requests_per_minute.used ?? 0], [0, 0]);
      }
    }),
    { numRuns: 500 },
  );
});
