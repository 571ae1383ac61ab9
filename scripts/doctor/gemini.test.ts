/** How far the clock of this machine may be from Google's before the doctor minds. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkClock } from './gemini.ts';

const date = 'Wed, 25 Nov 2026 10:00:00 GMT';
const dateMs = Date.UTC(2026, 10, 25, 10);

describe('the clock, to the doctor', () => {
  for (const [aheadMs, level, says] of [
    [0, 'ok', /is right/],
    [-29_000, 'ok', /is right/],
    [31_000, 'warning', /31 s ahead of/],
    [-31_000, 'warning', /31 s behind/],
    [301_000, 'problem', /301 s ahead of/],
    [-86_400_000, 'problem', /86400 s behind/],
  ] as const)
    test(`a clock that is ${aheadMs} ms ahead: ${level}`, () => {
      const finding = checkClock(date, dateMs + aheadMs);
      assert.equal(finding.level, level);
      assert.match(finding.text, says);
    });

  test('an upstream that says no time, or nonsense, proves nothing against the clock', () => {
    assert.equal(checkClock(null, dateMs).level, 'ok');
    assert.equal(checkClock('yesterday', dateMs).level, 'ok');
  });
});
