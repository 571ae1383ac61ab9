/** The line of calls that wait for a key: turns by client key, bounds, and who has waited long enough. */
import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';
import { FakeClock } from '../../shared/clock.ts';
import { limits } from '../../shared/limits.ts';
import { KeyPool } from './key-pool.ts';
import { LeaseLine } from './lease-line.ts';

const request = { model: 'm', cost: { requests: 1, tokens: 1 }, tried: null, affinity: null };

/** One key that rests for `restMs`, and a line of up to eight seconds; `advance` moves clock and timers. */
function stand(restMs: number) {
  const clock = new FakeClock();
  const pool = new KeyPool(clock);
  pool.add({ id: 'k', key: 'AIza-k', source: 'environment' });
  const lease = pool.lease(request);
  assert.ok(lease.ok);
  pool.report(lease.leaseId, { kind: 'rest', forMs: restMs, reason: 'exhausted' });
  const line = new LeaseLine(pool, clock, 8_000);
  const told: string[] = [];
  const join = (clientKeyId: string) =>
    line.join({
      request,
      clientKeyId,
      onLease: () => void told.push(clientKeyId),
      onGiveUp: ({ retryAfterMs }) => void told.push(`${clientKeyId} gave up, ${retryAfterMs}`),
    });
  const advance = (ms: number): void => {
    clock.advance(ms);
    mock.timers.tick(ms);
  };
  return { pool, line, told, join, advance };
}

describe('the line for keys', () => {
  const timed = (name: string, run: () => void): void =>
    void test(name, () => {
      mock.timers.enable({ apis: ['setTimeout'] });
      try {
        run();
      } finally {
        mock.timers.reset();
      }
    });

  timed('client keys take turns, and within one the first comes first', () => {
    const { told, join, advance, line } = stand(3_000);
    for (const who of ['a', 'a', 'a', 'b', 'a', 'c']) assert.notEqual(join(who), null);
    advance(2_999);
    assert.deepEqual(told, []);
    advance(1);
    assert.deepEqual(told, ['a', 'b', 'c', 'a', 'a', 'a']);
    assert.equal(line.length, 0);
    assert.equal(line.isOpen('m'), false);
  });

  timed('nobody joins for a key that comes back too late, or when there is none', () => {
    assert.equal(stand(8_001).join('a'), null);
    const { pool, join } = stand(1_000);
    pool.disable('k', 'leaked', 'google');
    assert.equal(join('a'), null);
  });

  timed('one client key cannot fill the line', () => {
    const { join } = stand(3_000);
    for (let i = 0; i < limits.leaseLinePerClientMax; i++) assert.notEqual(join('greedy'), null);
    assert.equal(join('greedy'), null);
    assert.notEqual(join('modest'), null);
  });

  timed('who has waited long enough is told when to come again', () => {
    const { pool, told, join, advance } = stand(7_000);
    join('a');
    advance(6_000);
    // Another refusal makes the rest longer than the wait.
    pool.restoreRest('k', 'm', { untilMs: 60_000, reason: 'exhausted' });
    advance(1_000);
    assert.deepEqual(told, []);
    advance(1_000);
    assert.deepEqual(told, ['a gave up, 52000']);
  });

  timed('when a key is back late, those whose time is over are served first and only then let go', () => {
    const { told, join, advance } = stand(7_000);
    join('a');
    // The event loop was busy: both times are over when it comes to its timers.
    advance(9_000);
    assert.deepEqual(told, ['a']);
  });

  timed('what a request gives back of its quota serves who waits for it, without waiting for the minute', () => {
    const { pool, told, join, advance } = stand(1_000);
    const perMinute = [{ of: 'tokens_per_minute', limit: 1_000 } as const];
    const told429 = { status: 429, message: '', project: null, limits: perMinute, chargedModel: null };
    advance(1_000);
    const taught = pool.lease(request);
    assert.ok(taught.ok);
    pool.report(taught.leaseId, { kind: 'rest', forMs: 1_000, reason: 'quota_minute', refusal: told429 });
    advance(55_000);
    const large = pool.lease({ ...request, cost: { requests: 1, tokens: 1_000 } });
    assert.ok(large.ok);
    advance(55_000);
    assert.notEqual(join('a'), null);
    advance(1_000);
    assert.deepEqual(told, []);
    pool.report(large.leaseId, { kind: 'ok', promptTokens: 10 });
    advance(1);
    assert.deepEqual(told, ['a']);
  });

  timed('a large call that waits for tokens holds up no small one, of whatever client key', () => {
    const { pool, line, told, advance } = stand(1_000);
    const perMinute = [{ of: 'tokens_per_minute', limit: 1_000 } as const];
    const told429 = { status: 429, message: '', project: null, limits: perMinute, chargedModel: null };
    advance(1_000);
    const taught = pool.lease(request);
    assert.ok(taught.ok);
    pool.report(taught.leaseId, { kind: 'rest', forMs: 1_000, reason: 'quota_minute', refusal: told429 });
    advance(1_000);
    assert.ok(pool.lease({ ...request, cost: { requests: 1, tokens: 500 } }).ok);
    advance(55_000);
    const join = (clientKeyId: string, tokens: number) =>
      line.join({
        request: { ...request, cost: { requests: 1, tokens } },
        clientKeyId,
        onLease: () => void told.push(`${clientKeyId} ${tokens}`),
        onGiveUp: () => assert.fail('nobody waits in vain'),
      });
    assert.notEqual(join('a', 900), null);
    assert.notEqual(join('a', 800), null);
    assert.notEqual(join('a', 20), null);
    assert.notEqual(join('b', 10), null);
    advance(1);
    assert.deepEqual(told, ['a 20', 'b 10']);
    advance(5_499);
    assert.deepEqual(told, ['a 20', 'b 10', 'a 900']);
  });

  timed('an alias stands in the line of its model', () => {
    const { pool, line, told, join, advance } = stand(3_000);
    pool.charged.learn('alias', 'm');
    join('a');
    assert.equal(line.isOpen('alias'), true);
    const onLease = (): void => void told.push('b');
    line.join({ request: { ...request, model: 'alias' }, clientKeyId: 'b', onLease, onGiveUp: () => assert.fail() });
    join('a');
    advance(3_000);
    assert.deepEqual(told, ['a', 'b', 'a']);
  });

  timed('who leaves is not served, and the line closes behind the last', () => {
    const { told, join, advance, line } = stand(3_000);
    const leave = join('a');
    leave?.();
    leave?.();
    assert.equal(line.length, 0);
    assert.equal(line.isOpen('m'), false);
    advance(5_000);
    assert.deepEqual(told, []);
  });

  timed('a key that is added serves at once', () => {
    const { pool, told, join } = stand(7_000);
    join('a');
    pool.add({ id: 'new', key: 'AIza-new', source: 'stored' });
    assert.deepEqual(told, ['a']);
  });
});
