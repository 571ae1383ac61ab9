/**
 * A database that the Rust program wrote, under the gateway: its client keys work, its usage is there and goes on being
 * counted, and nothing of its keys is left in the clear.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import Database from 'better-sqlite3';
import OpenAI from 'openai';
import { adminToken, type RunningGateway, startGateway } from '../../bench/running-gateway.ts';
import { type Simulator, startSimulator } from '../../bench/simulator/client.ts';
import { geminiKeys, readDatabase, testModel } from './harness.ts';
import { runTool } from './operator-tool.ts';

const activeKey = 'gp_0123456789abcdef0123456789abcdef';
const inactiveKey = 'gp_fedcba9876543210fedcba9876543210';
const activeId = 'b6f0c1de-1111-4222-8333-444455556666';
const inactiveId = 'b6f0c1de-7777-4888-8999-aaaabbbbcccc';

/** The tables as the Rust program makes them, with a key in use, one that is switched off, and three logs. */
function makeRustDatabase(path: string): void {
  const rust = new Database(path);
  rust.exec(`
    CREATE TABLE api_keys (
      id TEXT PRIMARY KEY, key_name TEXT NOT NULL, api_key TEXT NOT NULL UNIQUE, is_active BOOLEAN NOT NULL DEFAULT TRUE,
      created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, total_requests INTEGER NOT NULL DEFAULT 0,
      total_input_tokens INTEGER NOT NULL DEFAULT 0, total_output_tokens INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE usage_logs (
      id TEXT PRIMARY KEY, api_key_id TEXT NOT NULL, timestamp DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
      endpoint TEXT NOT NULL, model TEXT NOT NULL, input_tokens INTEGER NOT NULL DEFAULT 0,
      output_tokens INTEGER NOT NULL DEFAULT 0, success BOOLEAN NOT NULL DEFAULT TRUE,
      FOREIGN KEY (api_key_id) REFERENCES api_keys (id));
    INSERT INTO api_keys VALUES
      ('${activeId}', 'the old application', '${activeKey}', TRUE, '2025-07-01 10:00:00', 3, 120, 30),
      ('${inactiveId}', 'switched off', '${inactiveKey}', FALSE, '2025-07-02 10:00:00', 0, 0, 0);
    INSERT INTO usage_logs VALUES
      ('1', '${activeId}', '2025-07-03 08:00:00', '/v1/chat/completions', 'gemini-1.5-flash', 100, 20, TRUE),
      ('2', '${activeId}', '2025-07-03 08:00:01', '/v1/chat/completions', 'gemini-1.5-flash', 20, 10, TRUE),
      ('3', '${activeId}', '2025-07-03 08:00:02', '/v1/chat/completions', 'gemini-1.5-pro', 0, 0, FALSE);`);
  rust.close();
}

interface ListedKey {
  id: string;
  key_name: string;
  is_active: boolean;
  total_requests: number;
  total_input_tokens: number;
  total_output_tokens: number;
}

describe('moving from the original', () => {
  let simulator: Simulator;
  let folder: string;
  let gateway: RunningGateway;
  before(async () => {
    simulator = await startSimulator();
    folder = mkdtempSync(join(tmpdir(), 'gemini-pool-moving-'));
    makeRustDatabase(join(folder, 'gemini_pool.db'));
  });
  after(async () => {
    await gateway?.stop();
    await simulator?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = () =>
    startGateway({
      folder,
      env: {
        GEMINI_API_KEYS: geminiKeys(2).join(','),
        GEMINI_BASE_URL: simulator.url,
        WORKER_THREADS: '1',
        // Its logs are older than what is kept by default.
        RETENTION_DAYS: '0',
      },
    });
  const client = (apiKey: string) => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey, maxRetries: 0 });
  const listKeys = async (): Promise<ListedKey[]> => {
    const answer = await fetch(`${gateway.url}/admin/api/api-keys`, {
      headers: { authorization: `Bearer ${await adminToken(gateway.url)}` },
    });
    const { api_keys }: { api_keys: ListedKey[] } = JSON.parse(await answer.text());
    return api_keys;
  };
  const totalsOf = (keys: ListedKey[], id: string): number[] => {
    const key = keys.find((one) => one.id === id) ?? assert.fail(`no ${id}`);
    return [key.total_requests, key.total_input_tokens, key.total_output_tokens];
  };

  test('the doctor knows what it is, and a copy of it can be made before', async () => {
    const env = { DATABASE_URL: `sqlite:${join(folder, 'gemini_pool.db')}`, ADMIN_PASSWORD: 'x', JWT_SECRET: 'y' };
    const doctor = await runTool('doctor', { args: ['--only', 'database'], cwd: folder, env });
    assert.equal(doctor.status, 0, doctor.stdout);
    assert.match(doctor.stdout, /of the original program: the next start takes it over/);
    const copy = await runTool('backup', { args: ['--before-upgrade'], cwd: folder, env });
    assert.match(copy.stdout, /gemini_pool\.db\.before-upgrade-\S+\n$/, copy.stderr);
    const rust = new Database(copy.stdout.trim(), { readonly: true });
    assert.equal(rust.prepare('SELECT count(*) FROM api_keys').pluck().get(), 2);
    rust.close();
    rmSync(copy.stdout.trim());
  });

  test('an old client key works, and what it used goes on being counted', async () => {
    gateway = await start();
    assert.deepEqual(totalsOf(await listKeys(), activeId), [3, 120, 30]);
    const { usage } = await client(activeKey).chat.completions.create({
      model: testModel,
      messages: [{ role: 'user', content: 'Do you know me?' }],
    });
    assert.ok(usage !== undefined);
    const keys = await listKeys();
    assert.deepEqual(totalsOf(keys, activeId), [4, 120 + usage.prompt_tokens, 30 + usage.completion_tokens]);
    assert.equal(keys.find(({ id }) => id === activeId)?.key_name, 'the old application');
  });

  test('a key that was switched off still is', async () => {
    assert.equal((await listKeys()).find(({ id }) => id === inactiveId)?.is_active, false);
    await assert.rejects(client(inactiveKey).models.list(), { status: 401, code: 'api_key_disabled' });
  });

  test('its logs are requests now', () => {
    const rows = readDatabase(folder, (database) =>
      database
        .prepare(
          "SELECT at_ms, model_served, prompt_tokens, output_tokens, termination FROM requests WHERE model_served LIKE 'gemini-1.5%' ORDER BY at_ms",
        )
        .raw()
        .all(),
    );
    const at = Date.UTC(2025, 6, 3, 8);
    assert.deepEqual(rows, [
      [at, 'gemini-1.5-flash', 100, 20, 'complete'],
      [at + 1_000, 'gemini-1.5-flash', 20, 10, 'complete'],
      [at + 2_000, 'gemini-1.5-pro', 0, 0, 'error'],
    ]);
  });

  test('it is taken over once: a restart changes nothing, and no key is left in the clear', async () => {
    const before = totalsOf(await listKeys(), activeId);
    assert.equal(await gateway.stop(), 0);
    for (const name of readdirSync(folder)) {
      const text = readFileSync(join(folder, name), 'latin1');
      assert.ok(!text.includes(activeKey) && !text.includes(inactiveKey), name);
    }
    gateway = await start();
    assert.deepEqual(totalsOf(await listKeys(), activeId), before);
  });
});
