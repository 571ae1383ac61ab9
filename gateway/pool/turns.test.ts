/** The order of the keys of one model: who is passed over keeps the place, and nobody is looked at over and over. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { newPoolKey, type PoolKey } from './pool-key.ts';
import { Queue } from './turns.ts';

function keysOf(count: number): Map<string, PoolKey> {
  const ids = Array.from({ length: count }, (_, i) => `k${i}`);
  return new Map(ids.map((id) => [id, newPoolKey({ id, key: `AIza-${id}`, source: 'environment' })]));
}

describe('the queue of a model', () => {
  test('property: the first in order that may serve has its turn, whoever rested in between', () => {
    const steps = fc.array(
      fc.record({ pauseMs: fc.integer({ min: 0, max: 40 }), restMs: fc.constantFrom(0, 0, 0, 30, 200, 3_000) }),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), steps, (count, disturbances) => {
        const queue = new Queue(keysOf(count));
        const expected = [...keysOf(count).keys()];
        const untilMs = new Map<string, number>();
        let nowMs = 0;
        const waitMs = ({ id }: PoolKey): number => Math.max(0, (untilMs.get(id) ?? 0) - nowMs);
        for (const { pauseMs, restMs } of disturbances) {
          nowMs += pauseMs;
          const place = expected.findIndex((id) => (untilMs.get(id) ?? 0) <= nowMs);
          const first = expected[place];
          const key = queue.next(nowMs, waitMs);
          assert.equal(key?.id, first);
          if (key === null || first === undefined) continue;
          queue.moveLast(key);
          expected.splice(place, 1);
          expected.push(first);
          if (restMs > 0) untilMs.set(key.id, nowMs + restMs);
        }
      }),
    );
  });

  test('keys that rest are not looked at by every lease', () => {
    const queue = new Queue(keysOf(1_000));
    let looks = 0;
    const restMs = ({ id }: PoolKey): number => {
      looks++;
      return id === 'k999' ? 0 : 60_000;
    };
    for (let i = 0; i < 100; i++) {
      const key = queue.next(i, restMs);
      assert.equal(key?.id, 'k999');
      if (key !== null) queue.moveLast(key);
    }
    assert.equal(looks, 999 + 100);
    queue.remove('k999');
    looks = 0;
    for (let i = 100; i < 200; i++) assert.equal(queue.next(i, restMs), null);
    assert.equal(looks, 0, 'that nobody is there is known as well');
  });

  test('of many keys that come back one by one each is there when nobody else is', () => {
    const queue = new Queue(keysOf(1_000));
    const waitMs =
      (nowMs: number) =>
      ({ id }: PoolKey): number =>
        Math.max(0, Number(id.slice(1)) + 1 - nowMs);
    assert.equal(queue.next(0, waitMs(0)), null);
    for (let nowMs = 1; nowMs <= 50; nowMs++) {
      const key = queue.next(nowMs, waitMs(nowMs));
      assert.equal(key?.id, `k${nowMs - 1}`);
      queue.remove(`k${nowMs - 1}`);
    }
  });

  test('what comes back earlier than it seemed is there within a second, and at once when that is told', () => {
    const queue = new Queue(keysOf(1));
    assert.equal(
      queue.next(0, () => 60_000),
      null,
    );
    const free = (): number => 0;
    assert.equal(queue.next(999, free), null);
    assert.equal(queue.next(1_000, free)?.id, 'k0');
    assert.equal(
      queue.next(1_000, () => 60_000),
      null,
    );
    queue.lookSoon();
    assert.equal(queue.next(1_000, free)?.id, 'k0');
  });
});
