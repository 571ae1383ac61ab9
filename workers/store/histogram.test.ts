import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  addEncoded,
  addHistogram,
  addTime,
  bucketOf,
  encodeHistogram,
  type Histogram,
  middleOf,
  percentile,
} from './histogram.ts';

const time = fc.oneof(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 0, max: 2 ** 31 - 1 }));

function histogramOf(times: readonly number[]): Histogram {
  const histogram: Histogram = new Map();
  for (const ms of times) addTime(histogram, ms);
  return histogram;
}

describe('histogram', () => {
  test('buckets keep the order of times, fit into a byte, and are off by a sixteenth at the most', () => {
    fc.assert(
      fc.property(time, time, (a, b) => {
        const [bucketA, bucketB] = [bucketOf(a), bucketOf(b)];
        assert.ok(bucketA <= 255 && (a <= b ? bucketA <= bucketB : bucketA >= bucketB));
        assert.ok(Math.abs(middleOf(bucketA) - a) <= a / 16);
      }),
    );
  });

  test('what was encoded apart and read together is what was counted together', () => {
    fc.assert(
      fc.property(fc.array(time), fc.array(time), fc.nat(100_000), (some, others, times) => {
        const a = histogramOf(some);
        const b = histogramOf(others);
        for (const bucket of a.keys()) a.set(bucket, times + 1);
        const together: Histogram = new Map();
        addHistogram(together, a);
        addHistogram(together, b);
        const read: Histogram = new Map();
        addEncoded(read, encodeHistogram(a));
        addEncoded(read, encodeHistogram(b));
        assert.deepEqual(encodeHistogram(read), encodeHistogram(together));
      }),
    );
  });

  test('percentiles', () => {
    const hundred = histogramOf(Array.from({ length: 100 }, (_, i) => i + 1));
    for (const [share, ms] of [
      [0.5, 50],
      [0.95, 95],
      [0.99, 99],
      [1, 100],
    ] as const)
      assert.ok(Math.abs((percentile(hundred, share) ?? 0) - ms) <= ms / 16, String(share));
    assert.equal(percentile(new Map(), 0.5), null);
    assert.equal(percentile(histogramOf([7]), 0.99), 7);
  });
});
