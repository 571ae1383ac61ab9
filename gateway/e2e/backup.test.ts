/** A backup made while requests are served, and what the gateway is after it came back: keys, rows and totals. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import OpenAI from 'openai';
import { adminToken, makeClientKey, startGateway } from '../../bench/running-gateway.ts';
import { type Simulator, startSimulator } from '../../bench/simulator/client.ts';
import { geminiKeys, readDatabase, testModel } from './harness.ts';
import { runTool } from './operator-tool.ts';

describe('backup and restore', () => {
  let simulator: Simulator;
  let folder: string;
  before(async () => {
    simulator = await startSimulator();
    folder = mkdtempSync(join(tmpdir(), 'gemini-pool-backups-'));
  });
  after(async () => {
    await simulator?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = () =>
    startGateway({
      folder,
      env: { GEMINI_API_KEYS: geminiKeys(2).join(','), GEMINI_BASE_URL: simulator.url, WORKER_THREADS: '1' },
    });
  const tool = (name: 'backup' | 'restore', ...args: string[]) =>
    runTool(name, { args, cwd: folder, env: { DATABASE_URL: `sqlite:${join(folder, 'gemini_pool.db')}` } });
  const chat = async (url: string, apiKey: string): Promise<void> => {
    const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
    await openai.chat.completions.create({ model: testModel, messages: [{ role: 'user', content: 'Hello' }] });
  };
  const rows = (): unknown => readDatabase(folder, (db) => db.prepare('SELECT count(*) FROM requests').pluck().get());

  test('what the backup holds is what the gateway has after the restore', async () => {
    const first = await start();
    const { key } = await makeClientKey(first.url, await adminToken(first.url), 'kept');
    for (let i = 0; i < 5; i++) await chat(first.url, key);

    let isOver = false;
    const traffic = (async () => {
      while (!isOver) await chat(first.url, key);
    })();
    const made = await tool('backup', join(folder, 'today.db'));
    isOver = true;
    await traffic;
    assert.deepEqual({ ...made, stdout: '' }, { status: 0, stdout: '', stderr: '' });
    assert.equal(made.stdout, `${join(folder, 'today.db')}\n`);

    const again = await tool('backup', join(folder, 'today.db'));
    assert.equal(again.status, 1);
    assert.match(again.stderr, /^gemini-pool backup: .*today\.db is there already; it is not overwritten\.\n$/);

    const running = await tool('restore', join(folder, 'today.db'));
    assert.equal(running.status, 1);
    assert.match(running.stderr, /in use by another gateway\. Stop that one first/);
    const later = await makeClientKey(first.url, await adminToken(first.url), 'made after the backup');
    assert.equal(await first.stop(), 0);
    const rowsBefore = Number(rows());

    const restored = await tool('restore', join(folder, 'today.db'));
    assert.equal(restored.status, 0, restored.stderr);
    assert.match(
      restored.stdout,
      /is restored from .*today\.db\. What was there before is .*gemini_pool\.db\.replaced-/,
    );
    assert.ok(Number(rows()) >= 5 && Number(rows()) <= rowsBefore);

    const second = await start();
    await chat(second.url, key);
    await assert.rejects(chat(second.url, later.key), /is not known here/);
    assert.equal(await second.stop(), 0);
  });

  test('given a folder, or nothing, a backup gets a name with its time', async () => {
    const inFolder = await tool('backup', folder);
    assert.match(inFolder.stdout, /\/gemini_pool\.db\.backup-\d{8}T\d{6}Z\n$/);
    assert.ok(readdirSync(folder).some((name) => /^gemini_pool\.db\.backup-\d{8}T\d{6}Z$/.test(name)));
  });

  test('before an upgrade, a database of the present schema needs no copy', async () => {
    assert.deepEqual(await tool('backup', '--before-upgrade'), { status: 0, stdout: '', stderr: '' });
  });
});
