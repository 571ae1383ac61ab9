/** The figures of the last minutes: what they count, for how long, and that they keep nothing that grows. */
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { FakeClock } from '../shared/clock.ts';
import type { UsageRow } from '../shared/rows.ts';
import { noUsage } from '../shared/usage.ts';
import { LiveFigures } from './live-figures.ts';

const row: UsageRow = {
  id: 'r1',
  atMs: 0,
  clientKeyId: 'c1',
  geminiKeyId: 'g1',
  endpoint: 'chat.completions',
  modelAsked: 'm',
  modelServed: 'm',
  stream: false,
  status: 200,
  termination: 'complete',
  endedBy: 'upstream',
  phase: 'streaming',
  errorCode: null,
  errorMessage: null,
  errorParam: null,
  warnings: '',
  finishReason: 'stop',
  usage: { ...noUsage, prompt: 6, cached: 5, toolPrompt: 1, thoughts: 1, output: 2 },
  costNano: null,
  firstTokenMs: 20,
  durationMs: 100,
  attempts: [],
};
const failed: UsageRow = { ...row, status: 503, termination: 'error', errorCode: 'upstream_overloaded' };

let clock: FakeClock;
let figures: LiveFigures;

beforeEach(() => {
  clock = new FakeClock();
  figures = new LiveFigures(clock);
});

describe('live figures', () => {
  test('without requests nothing is known, and nothing is 0 that was not measured', () => {
    assert.deepEqual(figures.look(), {
      requestsPerSecond: 0,
      tokensPerSecond: 0,
      successRate: null,
      latencyMs: null,
      firstTokenMs: null,
      errorsByReason: {},
    });
  });

  test('rates are over the last five whole seconds; cached tokens are part of the prompt', () => {
    for (let i = 0; i < 10; i++) figures.observe(row);
    assert.equal(figures.look().requestsPerSecond, 0);
    clock.advance(1_000);
    assert.equal(figures.look().requestsPerSecond, 2);
    assert.equal(figures.look().tokensPerSecond, 20);
    clock.advance(4_000);
    assert.equal(figures.look().requestsPerSecond, 2);
    clock.advance(1_000);
    assert.equal(figures.look().requestsPerSecond, 0);
  });

  test('who left is neither success nor failure', () => {
    for (let i = 0; i < 3; i++) figures.observe(row);
    figures.observe(failed);
    figures.observe({ ...row, termination: 'client_gone', status: 499, errorCode: null });
    assert.equal(figures.look().successRate, 0.75);
    assert.deepEqual(figures.look().errorsByReason, { upstream_overloaded: 1 });
  });

  test('percentiles are by nearest rank', () => {
    for (let ms = 1; ms <= 100; ms++) figures.observe({ ...row, durationMs: ms, firstTokenMs: null });
    assert.deepEqual(figures.look().latencyMs, { p50: 50, p95: 95, p99: 99 });
    assert.equal(figures.look().firstTokenMs, null);
  });

  test('after five minutes all is forgotten but the totals', () => {
    figures.observe(row);
    figures.observe(failed);
    clock.advance(299_000);
    assert.equal(figures.look().successRate, 0.5);
    clock.advance(61_000);
    const { successRate, latencyMs, errorsByReason } = figures.look();
    assert.deepEqual(
      { successRate, latencyMs, errorsByReason },
      { successRate: null, latencyMs: null, errorsByReason: {} },
    );
    assert.deepEqual([figures.totalRequests, figures.totalTokens], [2, 20]);
  });

  test('the newest fifty rows are kept, and each is told to who watches', () => {
    const told: string[] = [];
    figures.onRow = ({ id }) => void told.push(id);
    for (let i = 0; i < 60; i++) figures.observe({ ...row, id: String(i) });
    assert.equal(told.length, 60);
    assert.deepEqual(
      figures.recentRows().map(({ id }) => id),
      told.slice(10),
    );
  });
});
