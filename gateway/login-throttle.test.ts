/** Guessing gets slow, the right password works after the wait, and neither clock nor memory can be bent. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock } from '../shared/clock.ts';
import { LoginThrottle } from './login-throttle.ts';

function setUp(): {
  clock: FakeClock;
  throttle: LoginThrottle;
  fail: (n: number, account?: string, address?: string) => void;
} {
  const clock = new FakeClock();
  const throttle = new LoginThrottle(clock);
  /** Fails `n` times, each as soon as it is let. */
  const fail = (n: number, account = 'admin', address = '192.0.2.1'): void => {
    for (let i = 0; i < n; i++) {
      clock.advance(throttle.waitMs(account, address));
      throttle.failed(account, address);
    }
  };
  return { clock, throttle, fail };
}

describe('login throttle', () => {
  test('five failures are free, then the wait doubles from a second to five minutes', () => {
    const { throttle, fail } = setUp();
    const waits = Array.from({ length: 17 }, () => {
      fail(1);
      return throttle.waitMs('admin', '192.0.2.1') / 1000;
    });
    assert.deepEqual(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
  });

  test('the wait runs down by the clock and ends', () => {
    const { clock, throttle, fail } = setUp();
    fail(8);
    clock.advance(3_000);
    assert.equal(throttle.waitMs('admin', '192.0.2.1'), 1_000);
    clock.advance(1_000);
    assert.equal(throttle.waitMs('admin', '192.0.2.1'), 0);
  });

  test('an account is slowed down whatever the address', () => {
    const { throttle } = setUp();
    for (let i = 0; i < 6; i++) throttle.failed('admin', `192.0.2.${i}`);
    assert.equal(throttle.waitMs('admin', '198.51.100.1'), 1_000);
    assert.equal(throttle.waitMs('somebody else', '198.51.100.1'), 0);
  });

  test('an address is slowed down whatever the account', () => {
    const { throttle } = setUp();
    for (let i = 0; i < 6; i++) throttle.failed(`name-${i}`, '192.0.2.1');
    assert.equal(throttle.waitMs('admin', '192.0.2.1'), 1_000);
    assert.equal(throttle.waitMs('admin', '192.0.2.2'), 0);
  });

  test('an IPv6 network is one place, an IPv4 address written as IPv6 is itself', () => {
    const { throttle } = setUp();
    for (let i = 0; i < 6; i++) throttle.failed(`name-${i}`, `2001:0db8:0000:0001:0000:0000:0000:000${i}`);
    assert.equal(throttle.waitMs('x', '2001:0db8:0000:0001:ffff:0000:0000:0000'), 1_000);
    assert.equal(throttle.waitMs('x', '2001:0db8:0000:0002:0000:0000:0000:0001'), 0);
    // As a proxy writes them.
    for (const short of ['2001:db8:0:1::7', '2001:DB8:0:1:1::', '2001:db8::1:0:0:0:7', '2001:db8:0:1::192.0.2.7'])
      assert.equal(throttle.waitMs('x', short), 1_000, short);
    assert.equal(throttle.waitMs('x', '2001:db8::1'), 0);
    for (let i = 0; i < 6; i++) throttle.failed(`name-${i}`, '0000:0000:0000:0000:0000:ffff:c000:0201');
    assert.equal(throttle.waitMs('x', '0000:0000:0000:0000:0000:ffff:c000:0201'), 1_000);
    assert.equal(throttle.waitMs('x', '0000:0000:0000:0000:0000:ffff:c000:0202'), 0);
    assert.equal(throttle.waitMs('x', '::ffff:192.0.2.1'), 1_000);
    assert.equal(throttle.waitMs('x', '::ffff:192.0.2.2'), 0);
  });

  test('a success forgets the failures of both', () => {
    const { clock, throttle, fail } = setUp();
    fail(10);
    clock.advance(throttle.waitMs('admin', '192.0.2.1'));
    throttle.succeeded('admin', '192.0.2.1');
    fail(5);
    assert.equal(throttle.waitMs('admin', '192.0.2.1'), 0);
  });

  test('failures elsewhere do not keep out the place where logins have succeeded, its own do', () => {
    const { throttle, fail } = setUp();
    throttle.succeeded('admin', '192.0.2.1');
    fail(10, 'admin', '198.51.100.1');
    assert.equal(throttle.waitMs('admin', '192.0.2.1'), 0);
    assert.ok(throttle.waitMs('admin', '192.0.2.2') > 0);
    fail(6, 'admin', '192.0.2.1');
    assert.equal(throttle.waitMs('admin', '192.0.2.1'), 1_000);
  });

  test('the own logins of somebody who guesses in between make no guess quicker', () => {
    const { clock, throttle } = setUp();
    let guesses = 0;
    for (const endMs = clock.monotonicMs() + 100_000; clock.monotonicMs() < endMs; clock.advance(100)) {
      if (throttle.waitMs('viewer', '192.0.2.1') === 0) throttle.succeeded('viewer', '192.0.2.1');
      if (throttle.waitMs('admin', '192.0.2.1') > 0) continue;
      throttle.failed('admin', '192.0.2.1');
      guesses++;
    }
    assert.ok(guesses <= 12, `${guesses} guesses in 100 s`);
    assert.equal(throttle.waitMs('viewer', '192.0.2.2'), 0);
  });

  test('after an hour without a failure it begins anew', () => {
    const { clock, throttle, fail } = setUp();
    fail(9);
    clock.advance(3_600_000);
    fail(1);
    assert.equal(throttle.waitMs('admin', '192.0.2.1'), 0);
  });

  test('a flood of names and addresses does not wash out the account that is being guessed', () => {
    const { throttle, fail } = setUp();
    fail(12);
    const waitMs = throttle.waitMs('admin', '192.0.2.1');
    for (let i = 0; i < 30_000; i++) throttle.failed(`name-${i}`, `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    assert.equal(throttle.waitMs('admin', '192.0.2.1'), waitMs);
    assert.equal(throttle.waitMs('admin', '203.0.113.1'), waitMs);
  });
});
