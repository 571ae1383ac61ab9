/** kill -9 in the midst: clients see a cut, the next start is quick, and what was promised is there. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { adminToken, makeClientKey, type RunningGateway, startGateway } from '../../bench/running-gateway.ts';
import { type Simulator, startSimulator } from '../../bench/simulator/client.ts';
import { complete, eventually, geminiKeys, readDatabase, testModel, writerPid } from './harness.ts';

const streams = 50;
const adminKills = 5;

describe('kill -9', () => {
  let simulator: Simulator;
  let folder: string;
  let gateway: RunningGateway;

  const start = (): Promise<RunningGateway> =>
    startGateway({
      folder,
      env: { GEMINI_API_KEYS: geminiKeys(3).join(','), GEMINI_BASE_URL: simulator.url, WORKER_THREADS: '2' },
    });

  before(async () => {
    simulator = await startSimulator();
    folder = mkdtempSync(join(tmpdir(), 'gemini-pool-kill-'));
    gateway = await start();
  });
  after(async () => {
    await gateway.stop();
    await simulator.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test(`C-4 ${streams} streams are cut, none of them ends; those that had ended have their rows, once`, async () => {
    const { key } = await makeClientKey(gateway.url, await adminToken(gateway.url), 'c-4');
    await simulator.script([
      { match: { model: testModel }, chunks: 6, chunkSize: 8, holdUntilReleased: 'never', holdAfterEvents: 3 },
    ]);
    const ended = await Promise.all(
      Array.from({ length: 10 }, () => complete(gateway, key, { stream: true, model: 'gemini-3.6-flash' })),
    );
    const open = Array.from({ length: streams }, () => complete(gateway, key, { stream: true }));
    await eventually('all flow', async () => (await simulator.stats()).held['never'] === streams);
    gateway.process.kill('SIGKILL');
    await gateway.ended;
    for (const seen of await Promise.all(open)) {
      assert.ok(seen.isCut);
      assert.doesNotMatch(seen.text, /\[DONE\]|"finish_reason":"/);
    }
    await eventually('Gemini sees them leave', async () => (await simulator.stats()).openStreams === 0);
    gateway = await start();
    await eventually('it is ready', async () => (await fetch(`${gateway.url}/ready`)).status === 200, 3_000);
    const rows = readDatabase(folder, (database) => database.prepare('SELECT id FROM requests').pluck().all());
    assert.deepEqual(rows.toSorted(), ended.map(({ headers }) => headers.get('x-request-id')).toSorted());
    await simulator.reset();
    assert.equal((await complete(gateway, key, {})).status, 200, 'the client key is still good');
  });

  test(`W-12 what the admin API said was done is done, though the process dies with the answer (${adminKills} kills)`, async () => {
    const kept: string[] = [];
    for (let kill = 0; kill < adminKills; kill++) {
      const token = await adminToken(gateway.url);
      const writer = writerPid(gateway);
      const { key } = await makeClientKey(gateway.url, token, `kept ${kill}`);
      // The gateway first, so that it can do nothing for a writer that dies.
      gateway.process.kill('SIGKILL');
      if (writer !== null && kill % 2 === 0) process.kill(writer, 'SIGKILL');
      kept.push(key);
      await gateway.ended;
      gateway = await start();
      for (const known of kept) assert.equal((await complete(gateway, known, {})).status, 200, `after kill ${kill}`);
    }
  });
});
