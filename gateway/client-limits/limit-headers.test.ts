/** Durations as clients read them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { durationText } from './limit-headers.ts';

const durations: [ms: number, text: string][] = [
  [0, '0ms'],
  [119.2, '120ms'],
  [8_640, '8.64s'],
  [59_999.5, '1m0s'],
  [360_000, '6m0s'],
  [3_599_001, '59m59.001s'],
  [3_659_600, '1h1m0s'],
  [7_199_500, '2h0m0s'],
  [51_800_000, '14h23m20s'],
];

describe('a duration', () => {
  for (const [ms, text] of durations) test(`of ${ms} ms is ${text}`, () => assert.equal(durationText(ms), text));
});
