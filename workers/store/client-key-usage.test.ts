/** What the gateway is told at its start of what client keys have used: by second, day and month, from rows and rollups. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeRow } from '../e2e/usage-rows.ts';
import { openSqliteStore } from './sqlite-store.ts';

const now = Date.UTC(2026, 10, 25, 0, 0, 30);
let folder: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'gemini-pool-usage-'));
});
after(() => rmSync(folder, { recursive: true }));

test('sums of the last minute, of today and of this month, by client key', async () => {
  const { store } = openSqliteStore({
    databasePath: join(folder, 'pool.db'),
    synchronous: 'normal',
    encryptionKey: null,
  });
  const usage = { prompt: 100, cached: 50, toolPrompt: 10, thoughts: 20, output: 30, estimated: false };
  const row = (clientKeyId: string, atMs: number, durationMs: number, costNano: number | null) =>
    makeRow({
      id: atMs.toString(16).padStart(12, '0') + clientKeyId.padEnd(20, '0'),
      clientKeyId,
      atMs,
      durationMs,
      usage,
      costNano,
    });
  await store.commit(
    [
      // The month before, this month, yesterday evening.
      row('a', Date.UTC(2026, 9, 31, 23, 59, 59), 0, 1),
      row('a', Date.UTC(2026, 10, 1), 0, 2),
      row('a', now - 40_000, 5_000, 3),
      // Began before the last minute and ended in it.
      row('a', now - 80_000, 50_000, 4),
      row('a', now - 10_000, 1_000, null),
      row('b', now - 10_000, 1_000, 5),
      row('c', now - 61_000, 500, 6),
    ],
    [],
  );
  const { clientKeyUsage } = await store.load(now);
  await store.close();
  const byId = new Map(clientKeyUsage.map((entry) => [entry.clientKeyId, entry]));
  const a = byId.get('a');
  assert.ok(a !== undefined);
  assert.deepEqual(a.today, { tokens: 160, costNano: 0, unpriced: 1 });
  assert.deepEqual(a.thisMonth, { tokens: 4 * 160, costNano: 2 + 3 + 4, unpriced: 1 });
  assert.equal(a.lastUsedAtMs, now - 10_000);
  const counted = a.recent.filter(({ requests, tokens }) => requests + tokens > 0);
  assert.deepEqual(
    counted.sort((one, other) => one.atMs - other.atMs || one.tokens - other.tokens),
    [
      { atMs: now - 80_000, requests: 1, tokens: 0 },
      { atMs: now - 40_000, requests: 1, tokens: 0 },
      { atMs: now - 35_000, requests: 0, tokens: 160 },
      { atMs: now - 30_000, requests: 0, tokens: 160 },
      { atMs: now - 10_000, requests: 1, tokens: 0 },
      { atMs: now - 9_000, requests: 0, tokens: 160 },
    ],
  );
  assert.deepEqual(byId.get('b')?.today, { tokens: 160, costNano: 5, unpriced: 0 });
  assert.deepEqual(byId.get('c')?.recent, []);
});
