/**
 * The schema's steps, and the take-over of a database of the Rust program: its client keys stay valid, its totals and
 * usage are kept, and none of its keys is left in any file in the clear.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { noLimits } from '../../shared/client-key.ts';
import { wrongSums } from '../e2e/usage-rows.ts';
import { openDatabase } from './database.ts';
import { migrate, newestSchema } from './migrations.ts';
import { openSqliteStore } from './sqlite-store.ts';

const keys = Array.from({ length: 40 }, (_, i) => `gp_${createHash('md5').update(`key ${i}`).digest('hex')}`);
const deletedKeys = Array.from(
  { length: 3_000 },
  (_, i) => `gp_${createHash('md5').update(`gone ${i}`).digest('hex')}`,
);
/** The step of the schema that takes over the rows; the next one cleans. */
const takeOverStep = 2;
const customKey = 'my own: schlüssel';
const firstLogMs = Date.UTC(2025, 5, 1, 12, 0, 0);

/** As the Rust program makes it and uses it, with times as SQLite writes them and as its libraries may. */
function makeRustDatabase(path: string, journalMode: 'wal' | 'delete', logs: number): void {
  const rust = new Database(path);
  rust.pragma(`journal_mode = ${journalMode}`);
  rust.exec(`
    CREATE TABLE IF NOT EXISTS api_keys (
      id TEXT PRIMARY KEY, key_name TEXT NOT NULL, api_key TEXT NOT NULL UNIQUE, is_active BOOLEAN NOT NULL DEFAULT TRUE,
      created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, total_requests INTEGER NOT NULL DEFAULT 0,
      total_input_tokens INTEGER NOT NULL DEFAULT 0, total_output_tokens INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE IF NOT EXISTS usage_logs (
      id TEXT PRIMARY KEY, api_key_id TEXT NOT NULL, timestamp DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
      endpoint TEXT NOT NULL, model TEXT NOT NULL, input_tokens INTEGER NOT NULL DEFAULT 0,
      output_tokens INTEGER NOT NULL DEFAULT 0, success BOOLEAN NOT NULL DEFAULT TRUE,
      FOREIGN KEY (api_key_id) REFERENCES api_keys (id));`);
  const addKey = rust.prepare('INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, 0, 0, 0)');
  rust.transaction(() => {
    for (const [i, key] of [...deletedKeys, ...keys].entries())
      addKey.run(`id-${key.slice(3, 11)}`, `name ${i}`, key, i % 3 === 0 ? 0 : 1, '2025-05-01 08:30:00');
    addKey.run('id-custom', 'custom', customKey, 1, '2025-05-01T08:30:00.250+02:00');
  })();
  const addLog = rust.prepare('INSERT INTO usage_logs VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
  const count = rust.prepare(
    `UPDATE api_keys SET total_requests = total_requests + 1, total_input_tokens = total_input_tokens + ?,
       total_output_tokens = total_output_tokens + ? WHERE id = ?`,
  );
  rust.transaction(() => {
    for (let i = 0; i < logs; i++) {
      const id = `id-${keys[i % keys.length]?.slice(3, 11)}`;
      const at = new Date(firstLogMs + i * 7_000).toISOString().slice(0, 19).replace('T', ' ');
      const succeeded = i % 10 === 0 ? 0 : 1;
      const uuid = createHash('md5').update(`log ${i}`).digest('hex');
      addLog.run(uuid, id, at, '/v1/chat/completions', `gemini-${i % 3}`, 100 + i, 10, succeeded);
      count.run(100 + i, 10, id);
    }
  })();
  // What the counters knew of logs that were deleted since.
  rust.exec("UPDATE api_keys SET total_requests = 5000000000, total_input_tokens = 70 WHERE id = 'id-custom'");
  const removeKey = rust.prepare('DELETE FROM api_keys WHERE api_key = ?');
  rust.transaction(() => {
    for (const key of deletedKeys) removeKey.run(key);
  })();
  rust.close();
}

describe('migrations', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gemini-pool-migrations-'));
    path = join(folder, 'pool.db');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const options = () => ({ databasePath: path, synchronous: 'normal' as const, encryptionKey: 'cd'.repeat(32) });
  /** The keys that stand in the clear in any file of the folder. */
  const keysInFiles = (): Set<string> => {
    const bytes = Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name))));
    const found = bytes.toString('latin1').match(/gp_[0-9a-f]{32}/g) ?? [];
    return new Set(bytes.includes(customKey) ? [...found, customKey] : found);
  };

  test('a new database has the newest schema, and stays as it is when opened again', async () => {
    for (const from of [0, newestSchema]) {
      const { store, migration } = openSqliteStore(options());
      assert.deepEqual(migration, { from, to: newestSchema });
      await store.close();
    }
  });

  test('each step from an older schema leads to the same tables', () => {
    const schemaOf = (connection: Database.Database): unknown =>
      connection.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY name').all();
    const whole = new Database(':memory:');
    migrate(whole);
    for (let version = 1; version <= newestSchema; version++) {
      const partly = new Database(':memory:');
      migrate(partly, version);
      assert.equal(partly.pragma('user_version', { simple: true }), version);
      migrate(partly);
      assert.deepEqual(schemaOf(partly), schemaOf(whole));
    }
  });

  test('a step that fails changes nothing', () => {
    const connection = new Database(':memory:');
    connection.exec("CREATE TABLE api_keys (id TEXT PRIMARY KEY); INSERT INTO api_keys VALUES ('x')");
    assert.throws(() => migrate(connection), /no such column/);
    assert.equal(connection.pragma('user_version', { simple: true }), 1);
    assert.deepEqual(connection.prepare('SELECT id FROM api_keys').all(), [{ id: 'x' }]);
  });

  for (const journalMode of ['wal', 'delete'] as const)
    test(`a database of the Rust program (journal: ${journalMode}) is taken over, once`, async () => {
      const logs = 6_000;
      makeRustDatabase(path, journalMode, logs);
      const before = keysInFiles();
      assert.ok([...keys, customKey].every((key) => before.has(key)));
      assert.ok(
        deletedKeys.some((key) => before.has(key)),
        'deleted keys are still in free pages',
      );

      const { store, migration } = openSqliteStore(options());
      assert.deepEqual(migration, { from: 0, to: newestSchema });
      const { clientKeys } = await store.load(0);
      assert.deepEqual([...keysInFiles()], []);

      assert.equal(clientKeys.length, keys.length + 1);
      for (const [i, key] of keys.entries()) {
        const found = clientKeys.find(({ hash }) => hash === createHash('sha256').update(key).digest('hex'));
        assert.deepEqual(found, {
          id: `id-${key.slice(3, 11)}`,
          name: `name ${deletedKeys.length + i}`,
          hash: createHash('sha256').update(key).digest('hex'),
          masked: `${key.slice(0, 5)}••••${key.slice(-4)}`,
          isActive: (deletedKeys.length + i) % 3 !== 0,
          createdAtMs: Date.UTC(2025, 4, 1, 8, 30),
          version: 1,
          note: '',
          expiresAtMs: null,
          limits: { ...noLimits },
          allowedModels: null,
        });
      }
      const custom = clientKeys.find(({ id }) => id === 'id-custom');
      assert.equal(custom?.createdAtMs, Date.UTC(2025, 4, 1, 6, 30, 0, 250));
      await store.close();

      const connection = openDatabase(path, 'normal', newestSchema);
      assert.deepEqual(wrongSums(connection), [
        // The one whose counters say more than the logs: counters are kept as they were.
        {
          client_key_id: 'id-custom',
          requests: 5_000_000_000,
          completed: 0,
          client_gone: 0,
          unpriced: 5_000_000_000,
          cost_nano: 0,
          prompt_tokens: 70,
          cached_tokens: 0,
          tool_prompt_tokens: 0,
          thoughts_tokens: 0,
          output_tokens: 0,
          last_at_ms: null,
        },
      ]);
      const rows = connection
        .prepare<[], [string, ...unknown[]]>('SELECT id, at_ms, prompt_tokens, termination, status FROM requests')
        .raw()
        .all();
      assert.equal(rows.length, logs);
      assert.deepEqual(
        rows.map(([id, ...rest]) => [id.slice(0, 12), ...rest]),
        Array.from({ length: logs }, (_, i) => {
          const atMs = firstLogMs + i * 7_000;
          const end = i % 10 === 0 ? ['error', 0] : ['complete', 200];
          return [atMs.toString(16).padStart(12, '0'), atMs, 100 + i, ...end];
        }),
      );
      const tables = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all();
      assert.ok(!tables.includes('api_keys') && !tables.includes('usage_logs'));
      assert.equal(connection.pragma('integrity_check', { simple: true }), 'ok');
      connection.close();

      const again = openSqliteStore(options());
      assert.deepEqual(again.migration, { from: newestSchema, to: newestSchema });
      assert.deepEqual((await again.store.load(0)).clientKeys, clientKeys);
      await again.store.close();
    });

  test('killed between the take-over and the cleaning of its traces, the next start cleans', async () => {
    makeRustDatabase(path, 'delete', 10);
    const connection = openDatabase(path, 'normal', newestSchema);
    migrate(connection, takeOverStep);
    connection.close();
    assert.ok(keysInFiles().size > 0);
    const { store } = openSqliteStore(options());
    assert.deepEqual([...keysInFiles()], []);
    assert.equal((await store.load(0)).clientKeys.length, keys.length + 1);
    await store.close();
  });
});
