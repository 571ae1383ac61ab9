/** What a key's limits let through, to the request; that nothing stays taken when a request ends; and what clients are told. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type ClientKey, type ClientKeyLimits, noLimits } from '../../shared/client-key.ts';
import { FakeClock } from '../../shared/clock.ts';
import { GatewayError } from '../../shared/errors.ts';
import type { UsageRow } from '../../shared/rows.ts';
import { makeRow } from '../../workers/e2e/usage-rows.ts';
import { type Admission, ClientLimits } from './client-limits.ts';

const minuteMs = 60_000;
/** A Wednesday of November, eight in the morning. */
const start = Date.UTC(2026, 10, 25, 8, 0, 0);

function keyWith(limits: Partial<ClientKeyLimits>, changes: Partial<ClientKey> = {}): ClientKey {
  return {
    id: 'key',
    name: 'a key',
    hash: '',
    masked: '',
    isActive: true,
    createdAtMs: 0,
    version: 1,
    note: '',
    expiresAtMs: null,
    limits: { ...noLimits, ...limits },
    allowedModels: null,
    ...changes,
  };
}

/** A row of this many output tokens that arrived at `atMs`. */
function rowOf(tokens: number, atMs: number, costNano: number | null = 0): UsageRow {
  const usage = { prompt: 0, cached: 0, toolPrompt: 0, thoughts: 0, output: tokens, estimated: false };
  return makeRow({ atMs, usage, costNano });
}

interface Refusal {
  code: string;
  retryAfterMs: number;
  message: string;
  retryable: boolean | undefined;
}

/** The admission, or why there is none. */
function tryAdmit(limits: ClientLimits, key: ClientKey, bytes: number | null = 4): Admission | Refusal {
  try {
    return limits.admit(key, bytes);
  } catch (error) {
    assert.ok(error instanceof GatewayError);
    const { code, message, detail } = error;
    return { code, message, retryAfterMs: detail.retryAfterMs ?? 0, retryable: detail.retryable };
  }
}

function admitted(outcome: Admission | Refusal): Admission {
  assert.ok(!('code' in outcome), 'code' in outcome ? outcome.message : '');
  return outcome;
}

function refused(outcome: Admission | Refusal): Refusal {
  assert.ok('code' in outcome, 'was admitted');
  return outcome;
}

function setUp(): { clock: FakeClock; limits: ClientLimits } {
  const clock = new FakeClock(start);
  return { clock, limits: new ClientLimits(clock) };
}

describe('requests a minute', () => {
  for (const limit of [1, 7, 600, 5_000, 30_000])
    test(`a limit of ${limit} holds within one request at 1,000 requests a second, in every minute`, () => {
      const { clock, limits } = setUp();
      const key = keyWith({ requestsPerMinute: limit });
      const times: number[] = [];
      for (let ms = 0; ms < 5 * minuteMs; ms++) {
        clock.advance(1);
        const outcome = tryAdmit(limits, key);
        if ('code' in outcome) continue;
        outcome.release();
        times.push(clock.monotonicMs());
      }
      for (const [index, ms] of times.entries()) {
        const later = times[index + limit];
        assert.ok(later === undefined || later - ms >= minuteMs, `more than ${limit} in the minute from ${ms}`);
      }
      assert.ok(Math.abs(times.length - 5 * limit) <= 1, `${times.length} in five minutes`);
    });

  test('Retry-After is the time after which another try works, and not sooner', () => {
    const { clock, limits } = setUp();
    const key = keyWith({ requestsPerMinute: 2 });
    admitted(tryAdmit(limits, key)).release();
    clock.advance(20_000);
    admitted(tryAdmit(limits, key)).release();
    clock.advance(20_000);
    const refusal = refused(tryAdmit(limits, key));
    assert.equal(refusal.code, 'rate_limit_requests');
    assert.match(
      refusal.message,
      /requests per min \(RPM\): Limit 2, Used 2, Requested 1\. Please try again in 20\.\d+s\.$/,
    );
    clock.advance(refusal.retryAfterMs - 1);
    refused(tryAdmit(limits, key));
    clock.advance(1);
    admitted(tryAdmit(limits, key));
  });

  test('whenever requests come: never more than the limit in a minute, and each Retry-After is enough', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(30_000), { maxLength: 100 }), fc.integer({ min: 1, max: 6 }), (pauses, limit) => {
        const { clock, limits } = setUp();
        const key = keyWith({ requestsPerMinute: limit });
        const times: number[] = [];
        for (const pauseMs of pauses) {
          clock.advance(pauseMs);
          const outcome = tryAdmit(limits, key);
          if ('code' in outcome) {
            clock.advance(outcome.retryAfterMs);
            admitted(tryAdmit(limits, key)).release();
          } else outcome.release();
          times.push(clock.monotonicMs());
        }
        for (const [index, ms] of times.entries()) assert.ok((times[index + limit] ?? ms + minuteMs) - ms >= minuteMs);
      }),
    );
  });

  test('a refused request takes nothing, whichever limit refused it', () => {
    const { limits } = setUp();
    const key = keyWith({ requestsPerMinute: 5, concurrentStreams: 1 });
    const first = admitted(tryAdmit(limits, key));
    for (let i = 0; i < 100; i++) assert.equal(refused(tryAdmit(limits, key)).code, 'rate_limit_streams');
    first.release();
    for (let i = 0; i < 4; i++) admitted(tryAdmit(limits, key)).release();
    assert.equal(refused(tryAdmit(limits, key)).code, 'rate_limit_requests');
  });

  test('a jump of the wall clock changes nothing', () => {
    class Jumping extends FakeClock {
      offsetMs = 0;
      override wallMs(): number {
        return super.wallMs() + this.offsetMs;
      }
    }
    const clock = new Jumping(start);
    const limits = new ClientLimits(clock);
    const key = keyWith({ requestsPerMinute: 1 });
    admitted(tryAdmit(limits, key)).release();
    for (const offsetMs of [-86_400_000, 3_600_000, 400 * 86_400_000]) {
      clock.offsetMs = offsetMs;
      assert.equal(refused(tryAdmit(limits, key)).code, 'rate_limit_requests');
    }
  });
});

describe('tokens', () => {
  test('an estimate is held back while a request is in flight, what it really took counts from its end on', () => {
    const { clock, limits } = setUp();
    const key = keyWith({ tokensPerMinute: 1_000 });
    const first = admitted(tryAdmit(limits, key, 2_400));
    assert.equal(refused(tryAdmit(limits, key, 1_604)).code, 'rate_limit_tokens');
    const second = admitted(tryAdmit(limits, key, 1_600));
    refused(tryAdmit(limits, key, 1));
    first.settle(rowOf(50, clock.wallMs()));
    second.settle(rowOf(900, clock.wallMs()));
    assert.equal(limits.current('key').tokensThisMinute, 950);
    const refusal = refused(tryAdmit(limits, key, 204));
    assert.match(refusal.message, /tokens per min \(TPM\): Limit 1000, Used 950, Requested 51\./);
    admitted(tryAdmit(limits, key, 200)).release();
    clock.advance(refusal.retryAfterMs);
    admitted(tryAdmit(limits, key, 204));
  });

  test('a size that is known only with the body counts from then on', () => {
    const { limits } = setUp();
    const key = keyWith({ tokensPerMinute: 1_000 });
    const first = admitted(tryAdmit(limits, key, null));
    first.sized(4_000);
    assert.equal(refused(tryAdmit(limits, key, 4)).code, 'rate_limit_tokens');
    first.release();
    admitted(tryAdmit(limits, key, 4));
  });

  test('a request larger than the limit is let through alone', () => {
    const { clock, limits } = setUp();
    const key = keyWith({ tokensPerMinute: 100 });
    const large = admitted(tryAdmit(limits, key, 10_000_000));
    refused(tryAdmit(limits, key, 10_000_000));
    large.settle(rowOf(5_000, clock.wallMs()));
    refused(tryAdmit(limits, key, 4));
    clock.advance(minuteMs + 50);
    admitted(tryAdmit(limits, key, 10_000_000));
  });
});

describe('budgets', () => {
  const budgets: [what: keyof ClientKeyLimits, limit: number, word: RegExp, endsAt: number][] = [
    ['tokensPerDay', 100, /tokens per day: Limit 100, Used 100, Requested 1\./, Date.UTC(2026, 10, 26)],
    ['tokensPerMonth', 100, /tokens per month: Limit 100, Used 100, Requested 1\./, Date.UTC(2026, 11, 1)],
    ['costNanoPerDay', 2_500_000, /dollars per day: Limit 0\.0025, Used 0\.0025\./, Date.UTC(2026, 10, 26)],
    ['costNanoPerMonth', 2_500_000, /dollars per month: Limit 0\.0025, Used 0\.0025\./, Date.UTC(2026, 11, 1)],
  ];
  for (const [what, limit, word, endsAt] of budgets)
    test(`${what}: used up until midnight UTC, and SDKs are told not to try again`, () => {
      const { clock, limits } = setUp();
      const key = keyWith({ [what]: limit });
      admitted(tryAdmit(limits, key)).settle(rowOf(100, clock.wallMs(), 2_500_000));
      const refusal = refused(tryAdmit(limits, key));
      assert.equal(refusal.code, 'insufficient_quota');
      assert.match(refusal.message, word);
      assert.equal(refusal.retryAfterMs, endsAt - clock.wallMs());
      assert.equal(refusal.retryable, false);
      clock.advance(refusal.retryAfterMs - 1);
      refused(tryAdmit(limits, key));
      clock.advance(1);
      admitted(tryAdmit(limits, key));
    });

  test('a day counts what arrived in it, and comes back when the clock jumps over midnight and back', () => {
    const { clock, limits } = setUp();
    const key = keyWith({ tokensPerDay: 100 });
    const evening = clock.wallMs();
    const late = admitted(tryAdmit(limits, key));
    clock.advance(17 * 3_600_000);
    late.settle(rowOf(100, evening));
    assert.equal(limits.current('key').today.tokens, 0);
    assert.equal(limits.current('key').thisMonth.tokens, 100);
    admitted(tryAdmit(limits, key)).release();
    clock.advance(-17 * 3_600_000);
    assert.equal(refused(tryAdmit(limits, key)).code, 'insufficient_quota');
  });

  test('the limit that takes longest to mend is the one that is told', () => {
    const { clock, limits } = setUp();
    const key = keyWith({ requestsPerMinute: 1, tokensPerDay: 100 });
    admitted(tryAdmit(limits, key)).settle(rowOf(100, clock.wallMs()));
    assert.equal(refused(tryAdmit(limits, key)).code, 'insufficient_quota');
  });

  test('what has no price costs nothing and is said to be unpriced', () => {
    const { clock, limits } = setUp();
    const key = keyWith({ costNanoPerDay: 1 });
    admitted(tryAdmit(limits, key)).settle(rowOf(100, clock.wallMs(), null));
    admitted(tryAdmit(limits, key)).release();
    assert.deepEqual(limits.current('key').today, { tokens: 100, costNano: 0, unpriced: 1 });
  });
});

describe('requests at once', () => {
  test('whatever happens, in whatever order and however often, no more than the limit are let in and none stays', () => {
    const event = fc.record({
      what: fc.constantFrom('admit', 'settle', 'release', 'sized'),
      which: fc.nat(30),
      ms: fc.nat(500),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), fc.integer({ min: 1, max: 5 }), (events, limit) => {
        const { clock, limits } = setUp();
        const key = keyWith({ concurrentStreams: limit });
        const all: Admission[] = [];
        const open = new Set<Admission>();
        for (const { what, which, ms } of events) {
          clock.advance(ms);
          const one = all[which % Math.max(1, all.length)];
          if (what === 'admit') {
            const outcome = tryAdmit(limits, key, which);
            assert.equal('code' in outcome, open.size >= limit);
            if ('code' in outcome) continue;
            all.push(outcome);
            open.add(outcome);
          } else if (one !== undefined) {
            if (what === 'sized') one.sized(which * 1_000);
            else if (what === 'settle') one.settle(rowOf(which, clock.wallMs()));
            else one.release();
            if (what !== 'sized') open.delete(one);
          }
          assert.equal(limits.current('key').inFlight, open.size);
        }
        for (const admission of open) admission.release();
        assert.equal(limits.current('key').inFlight, 0);
        // Nothing is held back either: the whole of a token limit is free again.
        clock.advance(2 * minuteMs);
        const headers = new Map(limits.headers(keyWith({ tokensPerMinute: 10 })));
        assert.equal(headers.get('x-ratelimit-remaining-tokens'), '10');
      }),
    );
  });
});

describe('what a client is shown', () => {
  test('its limits, what is left of them and when they are whole again; nothing for a key without limits', () => {
    const { clock, limits } = setUp();
    const key = keyWith({
      requestsPerMinute: 3,
      tokensPerMinute: 1_000,
      concurrentStreams: 2,
      costNanoPerDay: 5_000_000_000,
    });
    admitted(tryAdmit(limits, key)).settle(rowOf(100, clock.wallMs(), 1_250_000_000));
    clock.advance(18_000);
    const first = admitted(tryAdmit(limits, key, 80));
    assert.deepEqual(limits.headers(key), [
      ['x-ratelimit-limit-requests', '3'],
      ['x-ratelimit-remaining-requests', '1'],
      ['x-ratelimit-reset-requests', '1m0.05s'],
      ['x-ratelimit-limit-tokens', '1000'],
      ['x-ratelimit-remaining-tokens', '880'],
      ['x-ratelimit-reset-tokens', '42.05s'],
      ['x-ratelimit-limit-cost', '5'],
      ['x-ratelimit-remaining-cost', '3.75'],
      ['x-ratelimit-reset-cost', '15h59m42s'],
      ['x-ratelimit-limit-streams', '2'],
      ['x-ratelimit-remaining-streams', '1'],
    ]);
    first.release();
    assert.deepEqual(limits.headers(keyWith({})), []);
  });

  test('of several limits of tokens the one with the least left', () => {
    const { clock, limits } = setUp();
    const key = keyWith({ tokensPerMinute: 1_000, tokensPerDay: 1_050, tokensPerMonth: 5_000 });
    admitted(tryAdmit(limits, key)).settle(rowOf(400, clock.wallMs()));
    clock.advance(2 * minuteMs);
    const headers = new Map(limits.headers(key));
    assert.equal(headers.get('x-ratelimit-limit-tokens'), '1050');
    assert.equal(headers.get('x-ratelimit-remaining-tokens'), '650');
    assert.equal(headers.get('x-ratelimit-reset-tokens'), '15h58m0s');
  });
});

describe('models', () => {
  test('a request is decided by its first model: a stand-in needs no permission of its own', () => {
    const { limits } = setUp();
    const admission = limits.admit(keyWith({}, { allowedModels: ['gemini-3.8-flash'] }), 4);
    assert.equal(admission.refuseModel('gpt-4o', 'gemini-3.8-flash'), null);
    assert.equal(admission.refuseModel('gpt-4o', 'gemini-3.6-flash'), null);
    const other = limits.admit(keyWith({}, { allowedModels: ['gemini-3.8-flash'] }), 4);
    assert.equal(other.refuseModel('gemini-3.6-flash', 'gemini-3.6-flash')?.code, 'model_not_allowed');
    assert.equal(other.refuseModel('gemini-3.6-flash', 'gemini-3.8-flash')?.code, 'model_not_allowed');
  });
});

describe('bodies whose size was not announced', () => {
  test('are held against what is left once they are there, however many came at once', () => {
    const { limits } = setUp();
    const key = keyWith({ tokensPerMinute: 1_000, requestsPerMinute: 50 });
    const waiting = Array.from({ length: 50 }, () => admitted(tryAdmit(limits, key, null)));
    const served = waiting.filter((admission) => {
      try {
        admission.sized(1_200);
        return true;
      } catch (error) {
        assert.ok(error instanceof GatewayError && error.code === 'rate_limit_tokens', String(error));
        admission.release();
        return false;
      }
    });
    // 300 tokens each; those that still wait hold one each.
    assert.equal(served.length, 3);
    for (const admission of served) admission.release();
    assert.equal(limits.current('key').inFlight, 0);
  });

  test('one that is larger than the limit is let through alone', () => {
    const { limits } = setUp();
    const key = keyWith({ tokensPerMinute: 1_000 });
    admitted(tryAdmit(limits, key, null)).sized(100_000);
    assert.equal(refused(tryAdmit(limits, key)).code, 'rate_limit_tokens');
  });
});

describe('after a restart', () => {
  test('counting goes on from what the database knows, once', () => {
    const { clock, limits } = setUp();
    const key = keyWith({ requestsPerMinute: 3, tokensPerMinute: 1_000, tokensPerDay: 2_000 });
    const usage = {
      clientKeyId: 'key',
      recent: [
        { atMs: start - 10_000, requests: 0, tokens: 300 },
        { atMs: start - 30_000, requests: 2, tokens: 0 },
      ],
      today: { tokens: 700, costNano: 1, unpriced: 0 },
      thisMonth: { tokens: 900, costNano: 2, unpriced: 1 },
      lastUsedAtMs: start - 30_000,
    };
    limits.restore([usage]);
    limits.restore([usage]);
    assert.deepEqual(limits.current('key'), {
      requestsThisMinute: 2,
      tokensThisMinute: 300,
      today: usage.today,
      thisMonth: usage.thisMonth,
      inFlight: 0,
      lastUsedAtMs: start - 30_000,
    });
    admitted(tryAdmit(limits, key)).release();
    const refusal = refused(tryAdmit(limits, key));
    assert.ok(refusal.retryAfterMs >= 30_000 && refusal.retryAfterMs <= 30_050, `${refusal.retryAfterMs}`);
    clock.advance(refusal.retryAfterMs);
    admitted(tryAdmit(limits, key));
  });
});
