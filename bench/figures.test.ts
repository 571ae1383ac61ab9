import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ratioOf, toSubject } from './figures.ts';
import { quantile, Samples, spreadOf } from './samples.ts';

test('median and range', () => {
  assert.deepEqual(spreadOf([3, 1, 2]), { median: 2, min: 1, max: 3 });
  assert.deepEqual(spreadOf([4, 1, 2, 3]), { median: 2.5, min: 1, max: 4 });
  assert.deepEqual(spreadOf([5]), { median: 5, min: 5, max: 5 });
});

test('samples keep all that is added, in order of size', () => {
  const samples = new Samples();
  for (let value = 3_000; value > 0; value--) samples.add(value);
  const sorted = samples.sorted();
  assert.deepEqual([sorted.length, sorted[0], sorted.at(-1)], [3_000, 1, 3_000]);
  assert.deepEqual([quantile(sorted, 0.5), quantile(sorted, 0.99), quantile(sorted, 1)], [1_501, 2_971, 3_000]);
});

test('a subject has every figure that a round had', () => {
  const { figures } = toSubject('gateway', [{ a: 1 }, { a: 3, b: 2 }]);
  assert.deepEqual(figures['a'], { median: 2, min: 1, max: 3 });
  assert.deepEqual(figures['b'], { median: 1, min: 0, max: 2 });
});

test('a ratio is that of the medians; its range that of the rounds', () => {
  const ratio = ratioOf('cpu', [{ cpu: 20 }, { cpu: 30 }, { cpu: 100 }], [{ cpu: 10 }, { cpu: 10 }, { cpu: 20 }]);
  assert.deepEqual(ratio, { median: 3, min: 2, max: 5 });
});
