/** Quotas of Google: learnt from refusals, shared by the keys of a project, and known before they are hit. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FakeClock } from '../../shared/clock.ts';
import type { KeyOutcome, QuotaLimit, Refusal, RestReason } from '../../shared/key-outcome.ts';
import { limits } from '../../shared/limits.ts';
import { KeyPool } from './key-pool.ts';
import { MinuteWindow } from './minute-window.ts';
import { restorePool, toEntries } from './pool-storage.ts';

const noon = Date.parse('2026-11-25T20:00:00Z');
const midnight = Date.parse('2026-11-26T08:00:00Z');

function stand(projects: Record<string, string | null>): { pool: KeyPool; clock: FakeClock } {
  const clock = new FakeClock(noon);
  const pool = new KeyPool(clock);
  for (const [id, project] of Object.entries(projects)) {
    pool.add({ id, key: `AIza-${id}`, source: 'environment' });
    if (project !== null) pool.setProject(id, project, 'operator');
  }
  return { pool, clock };
}

const refusal = (limits: readonly QuotaLimit[] = [], more: Partial<Refusal> = {}): Refusal => ({
  status: 429,
  message: '',
  project: null,
  limits,
  chargedModel: null,
  ...more,
});

const rest = (reason: RestReason, forMs: number, told: Refusal = refusal()): KeyOutcome => ({
  kind: 'rest',
  reason,
  forMs,
  refusal: told,
});

/** One use of a key; gives its id, or how long until one may serve. */
function use(pool: KeyPool, model: string, outcome: KeyOutcome = { kind: 'ok' }, tokens = 10): string | number | null {
  const lease = pool.lease({ model, cost: { requests: 1, tokens }, tried: null, affinity: null });
  if (!lease.ok) return lease.retryAfterMs;
  pool.report(lease.leaseId, outcome);
  return lease.keyId;
}

describe('day quotas', () => {
  test('§10.87: first the stated delay, and when it comes again after that, until midnight in California', () => {
    const { pool, clock } = stand({ a: null });
    use(pool, 'm', rest('quota_day', 46_000));
    assert.equal(use(pool, 'm'), 46_000);
    clock.advance(46_000);
    use(pool, 'm', rest('quota_day', 46_000));
    assert.equal(use(pool, 'm'), midnight - noon - 46_000);
    assert.equal(use(pool, 'other'), 'a', 'other models of the key are not affected');
    clock.advance(midnight - noon - 46_000);
    assert.equal(use(pool, 'm'), 'a');
  });

  test('requests that were refused together are one refusal', () => {
    const { pool } = stand({ a: null });
    const wish = { model: 'm', cost: { requests: 1, tokens: 1 }, tried: null, affinity: null };
    const leases = [1, 2, 3].map(() => pool.lease(wish));
    for (const lease of leases) if (lease.ok) pool.report(lease.leaseId, rest('quota_day', 46_000));
    assert.equal(use(pool, 'm'), 46_000);
  });

  test('a success in between makes the next refusal a first one', () => {
    const { pool, clock } = stand({ a: null });
    use(pool, 'm', rest('quota_day', 46_000));
    clock.advance(46_000);
    use(pool, 'm');
    use(pool, 'm', rest('quota_day', 46_000));
    assert.equal(use(pool, 'm'), 46_000);
  });

  test('a success of a request from before the refusal says nothing about the time after it', () => {
    const { pool, clock } = stand({ a: null });
    const early = pool.lease({ model: 'm', cost: { requests: 1, tokens: 1 }, tried: null, affinity: null });
    assert.ok(early.ok);
    use(pool, 'm', rest('quota_day', 46_000));
    pool.report(early.leaseId, { kind: 'ok' });
    clock.advance(46_000);
    use(pool, 'm', rest('quota_day', 46_000));
    assert.equal(use(pool, 'm'), midnight - noon - 46_000);
  });

  test('a delay of hours is taken at its word', () => {
    const { pool, clock } = stand({ a: null });
    use(pool, 'm', rest('quota_day', 3 * 3_600_000));
    clock.advance(3 * 3_600_000);
    use(pool, 'm', rest('quota_day', 2 * 3_600_000));
    assert.equal(use(pool, 'm'), 2 * 3_600_000);
  });

  test("just after midnight Google's day may not have begun yet: the next day is not given up", () => {
    const { pool, clock } = stand({ a: null });
    clock.advance(midnight - noon + 60_000);
    use(pool, 'm', rest('quota_day', 30_000));
    clock.advance(30_000);
    use(pool, 'm', rest('quota_day', 30_000));
    assert.equal(use(pool, 'm'), 5 * 60_000);
  });

  test('§10.96: a wall clock that jumps changes no rest', () => {
    const clock = new FakeClock(noon);
    let jump = 0;
    const pool = new KeyPool({ monotonicMs: () => clock.monotonicMs(), wallMs: () => clock.wallMs() + jump });
    pool.add({ id: 'a', key: 'AIza-a', source: 'environment' });
    use(pool, 'm', rest('quota_minute', 17_000));
    jump = 24 * 3_600_000;
    assert.equal(use(pool, 'm'), 17_000);
    jump = -24 * 3_600_000;
    clock.advance(17_000);
    assert.equal(use(pool, 'm'), 'a');
  });
});

describe('projects', () => {
  test('what one key of a project was refused, its others are not sent to hear again', () => {
    const { pool } = stand({ a: 'p', b: 'p', c: null });
    use(pool, 'm', rest('quota_minute', 20_000));
    assert.deepEqual([use(pool, 'm'), use(pool, 'm')], ['c', 'c']);
    assert.equal(use(pool, 'other'), 'a');
  });

  test('a refusal without a word about quotas is about the key alone', () => {
    const { pool } = stand({ a: 'p', b: 'p' });
    use(pool, 'm', rest('exhausted', 60_000));
    assert.equal(use(pool, 'm'), 'b');
  });

  test('a project is learnt from what an error says, and never against the operator', () => {
    const { pool } = stand({ a: null, b: 'mine' });
    use(pool, 'm', rest('exhausted', 1_000, refusal([], { project: '77' })));
    use(pool, 'm', rest('exhausted', 1_000, refusal([], { project: '77' })));
    assert.deepEqual([pool.find('a')?.project, pool.find('b')?.project], ['77', 'mine']);
  });

  test('§10.91: a project out of credit, suspended or denied takes all its keys with it', () => {
    for (const reason of ['billing', 'suspended', 'project_denied', 'service_disabled']) {
      const { pool } = stand({ a: 'p', b: 'p', c: 'q' });
      use(pool, 'm', { kind: 'disable', reason });
      assert.deepEqual(
        pool.enabledKeys().map(({ id }) => id),
        ['c'],
        reason,
      );
    }
    const { pool } = stand({ a: 'p', b: 'p' });
    use(pool, 'm', { kind: 'disable', reason: 'leaked' });
    assert.equal(pool.counts().enabled, 1, 'a leaked key is one key');
  });

  test('a key that joins a project brings what it took and rests with it', () => {
    const { pool } = stand({ a: 'p', b: null });
    use(pool, 'm', rest('quota_minute', 30_000));
    pool.setProject('b', 'p', 'operator');
    assert.equal(use(pool, 'm'), 30_000);
  });

  test('an alias is one with the model that its quota is charged to', () => {
    const { pool } = stand({ a: null });
    use(pool, 'gemini-flash-latest', rest('quota_minute', 9_000, refusal([], { chargedModel: 'gemini-3.8-flash' })));
    assert.equal(use(pool, 'gemini-3.8-flash'), 9_000);
    assert.equal(use(pool, 'gemini-flash-latest'), 9_000);
  });

  test('an alias that Google charges to another model from now on takes the model before along nowhere', () => {
    const { pool, clock } = stand({ a: null });
    use(pool, 'latest', rest('quota_minute', 1_000, refusal([], { chargedModel: 'gemini-3.8' })));
    clock.advance(1_000);
    use(pool, 'latest', rest('quota_minute', 9_000, refusal([], { chargedModel: 'gemini-3.9' })));
    assert.deepEqual([pool.charged.of('latest'), pool.charged.of('gemini-3.8')], ['gemini-3.9', 'gemini-3.8']);
    assert.deepEqual([use(pool, 'latest'), use(pool, 'gemini-3.9')], [9_000, 9_000]);
    assert.equal(use(pool, 'gemini-3.8'), 'a');
    clock.advance(9_000);
    use(pool, 'latest', rest('quota_minute', 9_000, refusal([], { chargedModel: 'latest' })));
    assert.equal(pool.charged.of('latest'), 'latest');
    assert.equal(use(pool, 'gemini-3.9'), 'a');
  });

  test('what a key took in this minute counts in its project too, once that is known', () => {
    const { pool } = stand({ a: null });
    const wish = { model: 'm', cost: { requests: 1, tokens: 10 }, tried: null, affinity: null };
    const open = pool.lease(wish);
    assert.ok(open.ok);
    for (let i = 0; i < 4; i++) use(pool, 'm');
    const perDay: QuotaLimit = { of: 'requests_per_day', limit: 6 };
    use(
      pool,
      'm',
      rest('quota_minute', 1_000, refusal([{ of: 'requests_per_minute', limit: 6 }, perDay], { project: '77' })),
    );
    const left = (): unknown => {
      const quota = pool.ledger.find('project 77', 'm')?.left(0, noon);
      return [quota?.requests_per_minute.left, quota?.requests_per_day.left];
    };
    assert.deepEqual(left(), [1, 1]);
    pool.report(open.leaseId, { kind: 'neutral', reason: 'internal', isFree: true });
    assert.deepEqual(left(), [2, 2], 'what is given back is given back where it counts now');
  });

  test('so does what the next key took that joins the project, also what is still under way', () => {
    const { pool, clock } = stand({ a: null, b: null });
    const wish = { model: 'm', cost: { requests: 1, tokens: 100 }, tried: null, affinity: null };
    const open = [pool.lease(wish), pool.lease(wish)];
    for (let i = 0; i < 6; i++) use(pool, 'm', { kind: 'ok' }, 100);
    pool.setProject('a', 'p', 'learnt');
    pool.setProject('b', 'p', 'learnt');
    const used = (): unknown => {
      const left = pool.ledger.find('project p', 'm')?.left(clock.monotonicMs(), noon) ?? assert.fail();
      return [left.requests_per_minute.used, left.tokens_per_minute.used, left.requests_per_day.used];
    };
    assert.deepEqual(used(), [8, 800, 8]);
    for (const lease of open) {
      assert.ok(lease.ok);
      const isOfA = lease.keyId === 'a';
      pool.report(lease.leaseId, isOfA ? { kind: 'ok', promptTokens: 30 } : rest('quota_minute', 1_000));
    }
    assert.deepEqual(used(), [7, 630, 7]);
    clock.advance(61_000);
    assert.deepEqual(used(), [0, 0, 7]);
  });
});

describe('limits that are known', () => {
  const perMinute: QuotaLimit = { of: 'requests_per_minute', limit: 5 };

  test('keys are passed over before they fail, and have their turn when the window has room', () => {
    const { pool, clock } = stand({ a: null });
    use(pool, 'm', rest('quota_minute', 1_000, refusal([perMinute])));
    clock.advance(120_000);
    for (let i = 0; i < 5; i++) assert.equal(use(pool, 'm'), 'a');
    const wait = use(pool, 'm');
    assert.ok(typeof wait === 'number' && wait > 59_000 && wait < 62_000, `waits ${wait}`);
    clock.advance(wait);
    assert.equal(use(pool, 'm'), 'a');
  });

  test('§10.97: two requests at once never take the same last place', () => {
    const { pool, clock } = stand({ a: null });
    use(pool, 'm', rest('quota_minute', 1_000, refusal([perMinute])));
    clock.advance(120_000);
    const wish = { model: 'm', cost: { requests: 1, tokens: 1 }, tried: null, affinity: null };
    const leases = Array.from({ length: 6 }, () => pool.lease(wish).ok);
    assert.deepEqual(leases, [true, true, true, true, true, false]);
  });

  test('§10.97: what Google did not count gives its place back', () => {
    const { pool, clock } = stand({ a: null });
    use(pool, 'm', rest('quota_minute', 1_000, refusal([perMinute])));
    clock.advance(120_000);
    for (let i = 0; i < 20; i++)
      assert.equal(use(pool, 'm', { kind: 'neutral', reason: 'UND_ERR_CONNECT_TIMEOUT', isFree: true }), 'a');
    for (let i = 0; i < 5; i++) use(pool, 'm', { kind: 'neutral', reason: 'client' });
    assert.equal(typeof use(pool, 'm'), 'number');
  });

  test('tokens are counted as guessed, then as they were; what alone is too much is let through', () => {
    const { pool, clock } = stand({ a: null });
    use(pool, 'm', rest('quota_minute', 1_000, refusal([{ of: 'tokens_per_minute', limit: 1_000 }])));
    clock.advance(120_000);
    assert.equal(use(pool, 'm', { kind: 'ok', promptTokens: 100 }, 900), 'a');
    assert.equal(use(pool, 'm', { kind: 'ok', promptTokens: 900 }, 900), 'a');
    assert.equal(typeof use(pool, 'm', { kind: 'ok' }, 10), 'number');
    clock.advance(120_000);
    assert.equal(use(pool, 'm', { kind: 'ok' }, 5_000), 'a', 'Google has the last word');
  });

  test('how long until a key is back is told anew after a lease has taken what had come back', () => {
    const { pool, clock } = stand({ a: null });
    const limit = refusal([{ of: 'requests_per_minute', limit: 2 }]);
    use(pool, 'm', rest('quota_minute', 1, limit));
    clock.advance(10);
    use(pool, 'm');
    clock.advance(30_000);
    use(pool, 'm');
    clock.advance(30_300);
    assert.equal(use(pool, 'm'), 200);
    clock.advance(250);
    const wish = { model: 'm', cost: { requests: 1, tokens: 10 }, tried: null, affinity: null };
    assert.ok(pool.lease(wish).ok);
    assert.equal(use(pool, 'm'), 29_950);
  });

  test('an answer that goes on books each call once, though its key was removed meanwhile', () => {
    const { pool, clock } = stand({ a: 'p', b: 'p' });
    const cost = (tokens: number) => ({ requests: 1, tokens });
    const lease = pool.lease({ model: 'm', cost: cost(1_000), tried: null, affinity: null });
    assert.ok(lease.ok);
    pool.remove('a');
    pool.callAgain(lease.leaseId, 100, cost(500));
    pool.report(lease.leaseId, { kind: 'ok', promptTokens: 300 });
    const { tokens_per_minute, requests_per_minute } =
      pool.ledger.find('project p', 'm')?.left(clock.monotonicMs(), noon) ?? assert.fail();
    assert.deepEqual([requests_per_minute.used, tokens_per_minute.used], [2, 400]);
  });

  test('a further call of an answer whose key or model is forgotten leaves nothing behind', () => {
    const { pool } = stand({ a: null, b: null });
    const wish = { model: 'm', cost: { requests: 1, tokens: 10 }, tried: null, affinity: null };
    const [first, second] = [pool.lease(wish), pool.lease(wish)];
    assert.ok(first.ok && second.ok);
    pool.remove('a');
    for (let i = 0; i < limits.pooledModelsMax; i++) use(pool, `other-${i}`);
    for (const { leaseId } of [first, second]) {
      pool.callAgain(leaseId, 10, wish.cost);
      pool.report(leaseId, { kind: 'ok' });
    }
    assert.equal(pool.ledger.find('key a', 'm'), null);
    assert.equal(pool.ledger.find('key b', 'm'), null);
  });

  test('a day quota that is used up by our own count ends the day for the whole project', () => {
    const { pool, clock } = stand({ a: 'p', b: 'p' });
    use(pool, 'm');
    use(pool, 'm', rest('quota_day', 5_000, refusal([{ of: 'requests_per_day', limit: 3 }])));
    clock.advance(5_000);
    assert.notEqual(typeof use(pool, 'm'), 'number');
    assert.notEqual(typeof use(pool, 'm'), 'number');
    assert.equal(use(pool, 'm'), midnight - noon - 5_000);
  });

  test('each text of a batch of embeddings counts', () => {
    const { pool, clock } = stand({ a: null });
    use(pool, 'm', rest('quota_minute', 1_000, refusal([{ of: 'requests_per_minute', limit: 100 }])));
    clock.advance(120_000);
    const batch = { model: 'm', tried: null, affinity: null };
    assert.equal(pool.lease({ ...batch, cost: { requests: 90, tokens: 1 } }).ok, true);
    assert.equal(pool.lease({ ...batch, cost: { requests: 20, tokens: 1 } }).ok, false);
    assert.equal(pool.lease({ ...batch, cost: { requests: 10, tokens: 1 } }).ok, true);
  });

  test('a limit that nobody has confirmed for a week is tried again', () => {
    const { pool, clock } = stand({ a: null });
    use(pool, 'm', rest('quota_minute', 1_000, refusal([{ of: 'requests_per_minute', limit: 1 }])));
    clock.advance(8 * 24 * 3_600_000);
    assert.deepEqual([use(pool, 'm'), use(pool, 'm')], ['a', 'a']);
  });

  test('property: in no minute is more taken than the limit, wherever it begins', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.integer({ min: 0, max: 9_000 }), { minLength: 1, maxLength: 200 }),
        (limit, pauses) => {
          const window = new MinuteWindow();
          const taken: number[] = [];
          let nowMs = 0;
          for (const pause of pauses) {
            nowMs += pause;
            if (window.freeInMs(nowMs, limit - 1, Infinity) > 0) continue;
            window.take(nowMs, 1, 0);
            taken.push(nowMs);
          }
          for (const start of taken)
            assert.ok(taken.filter((at) => at >= start && at < start + 60_000).length <= limit, `from ${start}`);
        },
      ),
    );
  });
});

describe('a refusal without a word', () => {
  test('rests longer each time it comes again, up to ten minutes', () => {
    const { pool, clock } = stand({ a: null });
    const waits: unknown[] = [];
    for (let i = 0; i < 6; i++) {
      use(pool, 'm', rest('exhausted', 60_000));
      const wait = use(pool, 'm');
      waits.push(wait);
      clock.advance(Number(wait));
    }
    assert.deepEqual(waits, [60_000, 120_000, 240_000, 480_000, 600_000, 600_000]);
  });
});

describe('affinity', () => {
  test('§10.98: requests of one conversation stay with their key as long as it may serve', () => {
    const { pool, clock } = stand({ a: null, b: null, c: null });
    const ask = (affinity: string | null): string => {
      const lease = pool.lease({ model: 'm', cost: { requests: 1, tokens: 1 }, tried: null, affinity });
      assert.ok(lease.ok);
      pool.report(lease.leaseId, { kind: 'ok' });
      return lease.keyId;
    };
    const first = ask('talk');
    assert.deepEqual([ask(null), ask('talk'), ask(null), ask('talk')], ['b', first, 'c', first]);
    const lease = pool.lease({ model: 'm', cost: { requests: 1, tokens: 1 }, tried: null, affinity: 'talk' });
    assert.ok(lease.ok);
    pool.report(lease.leaseId, rest('quota_minute', 60_000));
    const second = ask('talk');
    assert.notEqual(second, first);
    clock.advance(60_000);
    assert.equal(ask('talk'), second, 'it moved, and stays where it is now');
  });
});

describe('a restart', () => {
  test('§10.96: keeps rests, limits, counts, projects and what Google or the operator switched off', () => {
    const first = stand({ a: 'p', b: 'p', c: null, d: null });
    const { pool } = first;
    use(pool, 'm', rest('quota_minute', 50_000, refusal([{ of: 'requests_per_day', limit: 2 }])));
    use(pool, 'm', { kind: 'disable', reason: 'leaked' });
    pool.disable('d', 'switched off', 'operator');
    use(pool, 'n');
    use(pool, 'alias', rest('exhausted', 40_000, refusal([], { chargedModel: 'model' })));
    const entries = toEntries(pool.changes.take(), pool, first.clock);

    // Another process: its monotonic clock begins anew, and ten seconds have gone by.
    const clock = new FakeClock(noon + 10_000);
    const again = new KeyPool(clock);
    for (const id of ['a', 'b', 'c', 'd']) again.add({ id, key: `AIza-${id}`, source: 'environment' });
    restorePool(entries, again, clock);
    assert.equal(again.find('c')?.disabled?.reason, 'leaked');
    assert.equal(again.find('d')?.disabled?.by, 'operator');
    assert.deepEqual([again.find('a')?.project, again.find('b')?.project], ['p', 'p']);
    assert.equal(use(again, 'm'), 40_000);
    clock.advance(40_000);
    assert.deepEqual([use(again, 'm'), use(again, 'm')], ['a', 'b'], 'refused requests were not counted');
    assert.ok(Number(use(again, 'm')) > 3_600_000, 'the limit of the day was kept');
    assert.equal(again.charged.of('alias'), 'model');
  });

  test('what is over is taken out of the database', () => {
    const { pool, clock } = stand({ a: null });
    const entries = [
      { kind: 'rest', id: 'a', model: 'over', value: JSON.stringify({ untilWallMs: noon - 1, reason: 'quota_day' }) },
      { kind: 'rest', id: 'a', model: 'on', value: JSON.stringify({ untilWallMs: noon + 9_000, reason: 'quota_day' }) },
      { kind: 'rest', id: 'gone', model: 'm', value: JSON.stringify({ untilWallMs: noon - 1, reason: 'quota_day' }) },
    ] as const;
    restorePool(entries, pool, clock);
    assert.deepEqual(toEntries(pool.changes.take(), pool, clock), [
      { kind: 'rest', id: 'a', model: 'over', value: null },
      { kind: 'rest', id: 'gone', model: 'm', value: null },
    ]);
    assert.equal(use(pool, 'on'), 9_000);
  });

  test('what cannot be read is left out', () => {
    const { pool, clock } = stand({ a: null });
    const bad = ['', '{', 'null', '{"untilWallMs":"x"}', '{"limits":[["nonsense",1,1]],"day":"","dayRequests":0}'];
    for (const kind of ['key', 'rest', 'quota', 'charged'] as const)
      restorePool(
        bad.map((value) => ({ kind, id: 'a', model: 'm', value })),
        pool,
        clock,
      );
    assert.equal(use(pool, 'm'), 'a');
  });
});
