/** The report reader as the gateway runs it, beside a store that is being written. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { Piscina } from 'piscina';
import type { ReportAnswer, ReportQuery } from '../shared/messages.ts';
import { makeRow } from './e2e/usage-rows.ts';
import { openSqliteStore } from './store/sqlite-store.ts';

describe('report reader', () => {
  let folder: string;
  let databasePath: string;
  let pool: Piscina<ReportQuery, ReportAnswer>;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gemini-pool-reports-'));
    databasePath = join(folder, 'pool.db');
    const filename = import.meta.resolve('./report-reader.ts');
    pool = new Piscina({ filename, maxThreads: 1, atomics: 'disabled', workerData: { databasePath }, env: {} });
  });
  afterEach(async () => {
    await pool.destroy();
    rmSync(folder, { recursive: true });
  });

  test('totals are those of the last commit, by client key and over all; thoughts count as output, tools as input', async () => {
    const { store } = openSqliteStore({ databasePath, synchronous: 'normal', encryptionKey: null });
    assert.deepEqual(await pool.run({ report: 'totals' }), {
      report: 'totals',
      totals: { requests: 0, inputTokens: 0, outputTokens: 0, costNano: 0, unpriced: 0 },
    });
    for (let i = 1; i <= 3; i++) {
      const rows = ['a', 'b', 'a'].map((clientKeyId) =>
        makeRow({ clientKeyId, costNano: clientKeyId === 'a' ? 7 : null }),
      );
      await store.commit(rows, []);
      assert.deepEqual(await pool.run({ report: 'totals' }), {
        report: 'totals',
        totals: { requests: 3 * i, inputTokens: 27 * i, outputTokens: 24 * i, costNano: 14 * i, unpriced: i },
      });
    }
    assert.deepEqual(await pool.run({ report: 'client_keys' }), {
      report: 'client_keys',
      byClientKey: {
        a: { requests: 6, inputTokens: 54, outputTokens: 48, costNano: 42, unpriced: 0 },
        b: { requests: 3, inputTokens: 27, outputTokens: 24, costNano: 0, unpriced: 3 },
      },
    });
    await store.close();
  });

  test('without a database it says why, and answers once there is one', async () => {
    await assert.rejects(pool.run({ report: 'totals' }), { code: 'SQLITE_CANTOPEN' });
    const { store } = openSqliteStore({ databasePath, synchronous: 'normal', encryptionKey: null });
    await store.commit([makeRow()], []);
    assert.deepEqual(await pool.run({ report: 'totals' }), {
      report: 'totals',
      totals: { requests: 1, inputTokens: 9, outputTokens: 8, costNano: 36_825, unpriced: 0 },
    });
    await store.close();
  });
});
