/** Which names of models a list of allowed ones covers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isModelAllowed } from './allowed-models.ts';

const cases: [allowed: string[] | null, names: string[], isAllowed: boolean][] = [
  [null, ['anything'], true],
  [['gemini-3.8-flash'], ['gemini-3.8-flash'], true],
  [['gemini-3.8-flash'], ['models/gemini-3.8-flash'], true],
  [['models/gemini-3.8-flash'], ['gemini-3.8-flash'], true],
  [['gemini-3.8-flash'], ['gemini-3.8-flash-lite'], false],
  [['gemini-3.8-*'], ['gemini-3.8-flash-lite'], true],
  [['gemini-3.8-*'], ['gemini-3.6-flash'], false],
  [['gpt-4o'], ['gpt-4o', 'gemini-3.8-flash'], true],
  [['gemini-3.8-flash'], ['gpt-4o', 'gemini-3.8-flash'], true],
  [['gpt-4o'], ['gemini-3.8-flash'], false],
  [['a.b*'], ['aXbc'], false],
];

for (const [allowed, names, isAllowed] of cases)
  test(`${JSON.stringify(allowed)} ${isAllowed ? 'allows' : 'does not allow'} ${names.join(' for ')}`, () => {
    assert.equal(isModelAllowed(allowed, names), isAllowed);
  });
