import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pacificDayOf } from './pacific-day.ts';

const hours = 3_600_000;

describe("Google's day", () => {
  const cases: [name: string, wall: string, day: string, start: string, lengthHours: number][] = [
    ['winter', '2026-11-25T12:00:00Z', '2026-11-25', '2026-11-25T08:00:00Z', 24],
    ['just before midnight in winter', '2026-11-25T07:59:59.999Z', '2026-11-24', '2026-11-24T08:00:00Z', 24],
    ['summer', '2026-07-01T06:59:59Z', '2026-06-30', '2026-06-30T07:00:00Z', 24],
    ['midnight itself begins the day', '2026-07-01T07:00:00Z', '2026-07-01', '2026-07-01T07:00:00Z', 24],
    ['the day that loses an hour', '2026-03-08T20:00:00Z', '2026-03-08', '2026-03-08T08:00:00Z', 23],
    ['the day that gains an hour', '2026-11-01T09:30:00Z', '2026-11-01', '2026-11-01T07:00:00Z', 25],
    ['the end of a year', '2027-01-01T07:00:00Z', '2026-12-31', '2026-12-31T08:00:00Z', 24],
  ];
  for (const [name, wall, day, start, lengthHours] of cases) {
    test(`§10.96: ${name}`, () => {
      const found = pacificDayOf(Date.parse(wall));
      assert.equal(found.name, day);
      assert.equal(new Date(found.startMs).toISOString(), new Date(start).toISOString());
      assert.equal(found.endMs - found.startMs, lengthHours * hours);
    });
  }

  test('a clock that goes back finds the day before again', () => {
    pacificDayOf(Date.parse('2026-11-25T12:00:00Z'));
    assert.equal(pacificDayOf(Date.parse('2026-11-24T12:00:00Z')).name, '2026-11-24');
  });
});
