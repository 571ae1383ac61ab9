/**
 * The promise about usage: whichever process is killed with -9, or thread ended, every answer that a client saw whole has
 * its usage row, exactly once, and the totals agree with the rows.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { adminToken, makeClientKey, type RunningGateway, startGateway } from '../../bench/running-gateway.ts';
import { startSimulator } from '../../bench/simulator/client.ts';
import { wrongSums } from '../../workers/e2e/usage-rows.ts';
import { chanceOf } from './chance.ts';
import { eventually, geminiKeys, readDatabase, testModel, writerPid } from './harness.ts';

const kills = 25;
const victims = ['gateway', 'writer', 'worker'] as const;
const clients = 12;
/** Between two kills, this many whole answers at the most. */
const answersBetweenMax = 150;

/** One client: asks again and again, streaming every other time, and notes the id of each answer that it saw whole. */
async function ask(
  gateway: RunningGateway,
  key: string,
  stream: boolean,
  content = 'Hello there',
): Promise<string | null> {
  try {
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ model: testModel, stream, messages: [{ role: 'user', content }] }),
    });
    const text = await answer.text();
    if (answer.status !== 200) return null;
    if (stream ? !text.endsWith('data: [DONE]\n\n') : !text.endsWith('}')) return null;
    return answer.headers.get('x-request-id');
  } catch {
    // Cut: the client can tell, so nothing was promised.
    return null;
  }
}

test(`${kills} kill -9 of gateway, writer or worker under load: no answer seen whole is without its row`, async (context) => {
  const seed = Math.floor(Math.random() * 1e9);
  context.diagnostic(`seed ${seed}`);
  const chance = chanceOf(seed);
  const folder = mkdtempSync(join(tmpdir(), 'gemini-pool-kill-'));
  const simulator = await startSimulator();
  const start = (): Promise<RunningGateway> =>
    startGateway({
      folder,
      preload: new URL('./thread-killer.mjs', import.meta.url).href,
      env: { GEMINI_API_KEYS: geminiKeys(3).join(','), GEMINI_BASE_URL: simulator.url, WORKER_THREADS: '2' },
    });
  const seen = new Set<string>();
  let gateway = await start();
  try {
    const { key } = await makeClientKey(gateway.url, await adminToken(gateway.url), 'durability');
    for (let kill = 0; kill < kills; kill++) {
      const victim = victims[Math.floor(chance() * victims.length)];
      const target = seen.size + 1 + Math.floor(chance() * answersBetweenMax);
      let isDown = false;
      const loops = Array.from({ length: clients }, async (_, client) => {
        for (let turn = client; !isDown; turn++) {
          const id = await ask(gateway, key, turn % 2 === 0);
          if (id === null) continue;
          assert.ok(!seen.has(id), 'two answers share an id');
          seen.add(id);
        }
      });
      await eventually(`answers before kill ${kill}`, () => seen.size >= target, 60_000);
      if (victim === 'gateway') {
        gateway.process.kill('SIGKILL');
        isDown = true;
        await gateway.ended;
        await Promise.all(loops);
        gateway = await start();
        continue;
      }
      const atKill = seen.size;
      if (victim === 'writer') {
        const pid = writerPid(gateway);
        assert.ok(pid !== null, 'the writer runs');
        process.kill(pid, 'SIGKILL');
      } else {
        // It ends the thread that reads it, and then is answered by the other.
        const id = await ask(gateway, key, false, `please die-once-${kill}`);
        assert.ok(id !== null);
        seen.add(id);
      }
      // Answers flow again: once a new writer has committed what the dead one had not, and on the threads that are left.
      await eventually('answers after the kill', () => seen.size >= atKill + clients, 60_000);
      isDown = true;
      await Promise.all(loops);
    }
    assert.equal(await gateway.stop(), 0);
    readDatabase(folder, (database) => {
      assert.equal(database.pragma('integrity_check', { simple: true }), 'ok');
      const ids = new Set(database.prepare('SELECT id FROM requests').pluck().all());
      const missing = [...seen].filter((id) => !ids.has(id));
      assert.deepEqual(missing, [], 'answers seen whole without a row');
      assert.deepEqual(wrongSums(database), [], 'rows, rollups and totals disagree');
    });
    assert.ok(seen.size > kills, 'the load did run');
  } finally {
    await gateway.stop();
    await simulator.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
