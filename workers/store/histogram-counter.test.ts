import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { addTime, bucketOf, encodeHistogram, type Histogram } from './histogram.ts';
import { HistogramCounter } from './histogram-counter.ts';

const time = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 2 ** 31 - 1 }));

/** Counts on both sides of where one byte more is needed. */
const count = fc.constantFrom(1, 126, 127, 16_382, 16_383, 2_097_150, 2_097_151, 2 ** 35 - 1);

describe('histogram counter', () => {
  test('going on from any histogram, it is at each step what the whole histogram encodes to', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(time, count)), fc.array(time, { maxLength: 300 }), (before, times) => {
        const histogram: Histogram = new Map(before.map(([ms, counted]) => [bucketOf(ms), counted]));
        const counter = new HistogramCounter(encodeHistogram(histogram));
        for (const ms of [...times, ...before.map(([known]) => known), ...times]) {
          addTime(histogram, ms);
          counter.add(ms);
          assert.ok(encodeHistogram(histogram).equals(counter.bytes));
        }
      }),
    );
  });

  test('without times it has no bytes, and all buckets at once fit', () => {
    const counter = new HistogramCounter(null);
    assert.equal(counter.bytes.length, 0);
    const histogram: Histogram = new Map();
    for (let round = 0; round < 200; round++)
      for (let bits = 0; bits < 31; bits++)
        for (let eighth = 0; eighth < 8; eighth++) {
          const ms = 2 ** bits + Math.floor((2 ** bits * eighth) / 8);
          addTime(histogram, ms);
          counter.add(ms);
        }
    assert.ok(encodeHistogram(histogram).equals(counter.bytes));
  });
});
