/** Usage over time: whatever zone, span and group, each row is in the point of its time, once. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import type { SeriesReport } from '../../shared/usage-reports.ts';
import { makeRow } from '../e2e/usage-rows.ts';
import { migrate } from '../store/migrations.ts';
import { Pruner } from '../store/retention.ts';
import { UsageStore } from '../store/usage-store.ts';
import { readSeries } from './series-report.ts';
import { addHistogramFunction } from './usage-sums.ts';

const hourMs = 3_600_000;
/** Around the end of summer time in Europe, and its begin in Lord Howe, where it is half an hour. */
const firstMs = Date.UTC(2026, 9, 2);
const lastMs = Date.UTC(2026, 9, 28);
const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Kiritimati',
];

interface Placed {
  atMs: number;
  clientKeyId: string;
  modelServed: string;
}

function makeDatabase(rows: readonly Placed[]): Database.Database {
  const connection = new Database(':memory:');
  migrate(connection);
  addHistogramFunction(connection);
  new UsageStore(connection).insert(rows.map((row) => makeRow(row)));
  return connection;
}

const anyRows = fc.array(
  fc.record({
    atMs: fc.integer({ min: firstMs, max: lastMs }),
    clientKeyId: fc.constantFrom('a', 'b'),
    modelServed: fc.constantFrom('m', 'n'),
  }),
  { maxLength: 60 },
);

function asked(changes: Partial<SeriesReport>): SeriesReport {
  return {
    report: 'series',
    span: 'day',
    groupBy: 'none',
    fromMs: firstMs,
    toMs: lastMs,
    clientKeyId: null,
    model: null,
    timeZone: 'UTC',
    ...changes,
  };
}

describe('series', () => {
  test('each row is in the point of its time, in its group, and nowhere else', () => {
    fc.assert(
      fc.property(
        anyRows,
        fc.constantFrom(...zones),
        fc.constantFrom('hour' as const, 'day' as const),
        fc.constantFrom('none' as const, 'model' as const, 'client_key' as const),
        fc.constantFrom(null, 'a'),
        (rows, timeZone, span, groupBy, clientKeyId) => {
          const connection = makeDatabase(rows);
          const { series, toMs } = readSeries(connection, asked({ timeZone, span, groupBy, clientKeyId }));
          const counted = rows.filter((row) => clientKeyId === null || row.clientKeyId === clientKeyId);
          let found = 0;
          for (const { group, points } of series)
            for (const [index, point] of points.entries()) {
              const start = Date.parse(point.start);
              const end = index + 1 < points.length ? Date.parse(points[index + 1]?.start ?? '') : toMs;
              const there = counted.filter((row) => {
                const own = groupBy === 'none' ? null : groupBy === 'model' ? row.modelServed : row.clientKeyId;
                return own === group && row.atMs >= start && row.atMs < end;
              });
              assert.equal(point.requests, there.length, `${timeZone} ${span} ${point.start}`);
              found += point.requests;
            }
          assert.equal(found, counted.length);
          connection.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  test('days begin at midnight of the zone, also when clocks are changed', () => {
    const connection = makeDatabase([]);
    for (const timeZone of zones) {
      const { series } = readSeries(connection, asked({ timeZone }));
      for (const { start } of series[0]?.points ?? []) {
        const local = new Intl.DateTimeFormat('en-GB', { timeZone, timeStyle: 'short' }).format(Date.parse(start));
        assert.equal(local, '00:00', `${timeZone} ${start}`);
      }
    }
    const berlin = readSeries(connection, asked({ timeZone: 'Europe/Berlin' })).series[0]?.points ?? [];
    const lengths = berlin
      .slice(1)
      .map(({ start }, i) => (Date.parse(start) - Date.parse(berlin[i]?.start ?? '')) / hourMs);
    assert.deepEqual([...new Set(lengths)].sort(), [24, 25]);
  });

  test('where small spans were deleted nothing is counted twice and nothing is left out', () => {
    const rows = Array.from({ length: 600 }, (_, i) => ({
      atMs: firstMs + i * hourMs,
      clientKeyId: 'a',
      modelServed: 'm',
    }));
    const connection = makeDatabase(rows);
    const pruner = new Pruner(connection, { requestDays: 0, minuteDays: 5, hourDays: 12 });
    while (pruner.prune(lastMs));
    for (const timeZone of zones) {
      const { series } = readSeries(connection, asked({ timeZone, fromMs: firstMs - 48 * hourMs }));
      const found = series[0]?.points.reduce((sum, { requests }) => sum + requests, 0);
      assert.equal(found, rows.length, timeZone);
    }
    connection.close();
  });

  test('of very many groups the smallest are one together', () => {
    const rows = Array.from({ length: 50 }, (_, i) => ({
      atMs: firstMs,
      clientKeyId: `key-${i % 30}`,
      modelServed: 'm',
    }));
    const { series } = readSeries(makeDatabase(rows), asked({ groupBy: 'client_key' }));
    assert.equal(series.length, 21);
    assert.equal(series.at(-1)?.group, null);
    assert.equal(series.at(-1)?.points[0]?.requests, 10);
  });
});
