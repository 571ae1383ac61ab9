import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock } from '../shared/clock.ts';
import { RetryBudget } from './retry-budget.ts';

/** How many of `count` retries are granted. */
function granted(budget: RetryBudget, count: number): number {
  return Array.from({ length: count }, () => budget.take()).filter(Boolean).length;
}

describe('the budget of retries', () => {
  test('a few are always there, and come back with time', () => {
    const clock = new FakeClock();
    const budget = new RetryBudget(clock);
    assert.equal(granted(budget, 50), 10);
    assert.equal(budget.refused, 40);
    clock.advance(3_000);
    assert.equal(granted(budget, 50), 3);
    clock.advance(3_600_000);
    assert.equal(granted(budget, 50), 10);
  });

  test('beyond them a fifth of the requests may be made again', () => {
    const budget = new RetryBudget(new FakeClock());
    granted(budget, 10);
    for (let i = 0; i < 100; i++) budget.earn();
    assert.equal(granted(budget, 100), 20);
  });

  test('what is saved in quiet times is bounded', () => {
    const budget = new RetryBudget(new FakeClock());
    for (let i = 0; i < 100_000; i++) budget.earn();
    assert.equal(granted(budget, 1_000), 100);
  });
});
