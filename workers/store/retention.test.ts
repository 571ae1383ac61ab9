/** What is deleted with age, and that what stays answers for it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { makeRow } from '../e2e/usage-rows.ts';
import { readSummary } from '../reports/summary-report.ts';
import { addHistogramFunction } from '../reports/usage-sums.ts';
import { migrate } from './migrations.ts';
import { Pruner } from './retention.ts';
import { UsageStore } from './usage-store.ts';

const dayMs = 86_400_000;
const nowMs = Date.UTC(2026, 10, 25, 8);

function makeDatabase(days: number, rowsADay: number): Database.Database {
  const connection = new Database(':memory:');
  migrate(connection);
  addHistogramFunction(connection);
  const usage = new UsageStore(connection);
  for (let day = 0; day < days; day++)
    usage.insert(
      Array.from({ length: rowsADay }, (_, i) => {
        const atMs = nowMs - day * dayMs - i * 60_000;
        return makeRow({ id: `${atMs.toString(16).padStart(12, '0')}${String(i).padStart(20, '0')}`, atMs });
      }),
    );
  return connection;
}

describe('retention', () => {
  test('rows and small spans go piece by piece, days and totals stay, and the sums of every day can still be asked for', () => {
    const connection = makeDatabase(40, 100);
    const count = (sql: string): unknown => connection.prepare(sql).pluck().get();
    const requestsOf = (fromMs: number, toMs: number): number =>
      readSummary(connection, { report: 'summary', fromMs, toMs, clientKeyId: null, model: null }).summary.totals
        .requests;
    const pruner = new Pruner(connection, { requestDays: 10, minuteDays: 3, hourDays: 20 });
    const before = count('SELECT count(*) FROM requests');
    let pieces = 0;
    for (let left: unknown = before; pruner.prune(nowMs); pieces++) {
      const now = count('SELECT count(*) FROM requests');
      assert.ok(Number(left) - Number(now) <= 500);
      left = now;
    }
    assert.ok(pieces > 5);
    const today = nowMs - (nowMs % dayMs);
    assert.equal(count('SELECT count(*) FROM requests'), 1_100);
    assert.equal(count('SELECT min(at_ms) FROM requests'), nowMs - 10 * dayMs - 99 * 60_000);
    for (const table of ['rollups', 'overall_rollups', 'gemini_key_rollups']) {
      const first = (span: string): unknown => count(`SELECT min(start_ms) FROM ${table} WHERE span = '${span}'`);
      assert.equal(first('minute'), nowMs - 3 * dayMs - 99 * 60_000, table);
      assert.ok(Number(first('hour')) >= today - 20 * dayMs && Number(first('hour')) < today - 19 * dayMs, table);
      assert.equal(count(`SELECT sum(requests) FROM ${table} WHERE span = 'day'`), 4_000, table);
    }
    assert.equal(count('SELECT sum(requests) FROM client_key_totals'), 4_000);
    assert.equal(requestsOf(0, nowMs + dayMs), 4_000);
    assert.equal(requestsOf(today - 30 * dayMs, today - 29 * dayMs), 100);
    assert.equal(
      requestsOf(nowMs - dayMs - 9 * 60_000, nowMs - dayMs + 1),
      10,
      'to the minute where there are minutes',
    );
    assert.equal(
      requestsOf(nowMs - 15 * dayMs - 30 * 60_000, nowMs - 15 * dayMs + 1),
      61,
      'to the hour where there are hours',
    );
  });

  test('zero keeps everything', () => {
    const connection = makeDatabase(3, 10);
    const pruner = new Pruner(connection, { requestDays: 0, minuteDays: 0, hourDays: 0 });
    assert.equal(pruner.prune(nowMs + 10_000 * dayMs), false);
    assert.equal(connection.prepare('SELECT count(*) FROM requests').pluck().get(), 30);
  });
});
