/** A writer that falls behind: rows at their bound are refused at the door, and a log that a reader holds is cut afterwards. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { wrongSums } from '../../workers/e2e/usage-rows.ts';
import { openReadOnly } from '../../workers/store/database.ts';
import {
  complete,
  eventually,
  expectQuiet,
  metric,
  readDatabase,
  startStack,
  testModel,
  writerPid,
} from './harness.ts';

const storedIds = (folder: string): unknown[] =>
  readDatabase(folder, (database) => database.prepare('SELECT id FROM requests ORDER BY id').pluck().all());

describe('a writer that falls behind', { concurrency: 2 }, () => {
  test('W-3 rows at their bound: new requests get 503, what was begun ends, none is dropped, all land', async () => {
    const bound = 12;
    const folder = mkdtempSync(join(tmpdir(), 'gemini-pool-backlog-'));
    writeFileSync(join(folder, 'rows-waiting-max'), String(bound));
    const stack = await startStack({ folder, preload: new URL('./few-rows.mjs', import.meta.url).href });
    const { gateway, clientKey, simulator } = stack;
    const pid = writerPid(gateway);
    assert.ok(pid !== null);
    try {
      await simulator.script([
        { match: { model: testModel }, chunks: 4, chunkSize: 8, holdUntilReleased: 'full', holdAfterEvents: 2 },
      ]);
      const begun = Array.from({ length: 3 }, () => complete(gateway, clientKey, { stream: true }));
      await eventually('they flow', async () => (await simulator.stats()).held['full'] === 3);
      process.kill(pid, 'SIGSTOP');
      const model = 'gemini-3.6-flash';
      const served = Array.from({ length: bound }, () => complete(gateway, clientKey, { model }));
      await eventually(
        'the bound is reached',
        async () => (await metric(gateway, 'gemini_pool_rows_waiting')) >= bound,
      );
      for (const stream of [false, true]) {
        const refused = await complete(gateway, clientKey, { model, stream });
        assert.equal(refused.status, 503);
        assert.match(refused.text, /"code":"usage_backlog"/);
        assert.ok(Number(refused.headers.get('retry-after')) >= 1);
      }
      assert.match(await (await fetch(`${gateway.url}/health`)).text(), /too many usage rows wait/);
      await simulator.release('full');
      const alerts = (): string[] => gateway.lines.filter((line) => line.includes('too many usage rows wait'));
      await eventually('the log tells', () => alerts().length > 0);
      await eventually(
        'what was begun has ended',
        async () => (await metric(gateway, 'gemini_pool_rows_waiting')) === bound + begun.length,
      );
      process.kill(pid, 'SIGCONT');
      const answers = await Promise.all([...begun, ...served]);
      await expectQuiet(gateway);
      for (const { status, isCut } of answers) assert.deepEqual([status, isCut], [200, false]);
      assert.deepEqual(
        storedIds(folder),
        answers.map(({ headers }) => headers.get('x-request-id')).toSorted(),
        'each answer has its row, and nothing else has',
      );
      assert.match(alerts()[0] ?? '', /"level":"error"/);
      assert.equal((await complete(gateway, clientKey, { model })).status, 200, 'and then there is room again');
      assert.match(await (await fetch(`${gateway.url}/health`)).text(), /"status":"ok"/);
    } finally {
      process.kill(pid, 'SIGCONT');
      await stack.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('W-10 a reader that stays long: all is stored meanwhile, and once it is gone the log grows no more', async () => {
    const stack = await startStack();
    const { gateway, clientKey } = stack;
    const path = join(gateway.folder, 'gemini_pool.db');
    const walBytes = (): number => statSync(`${path}-wal`).size;
    /** More than the log may grow by before it is copied back. */
    const checkpointBytes = 4 * 1024 * 1024;
    let requests = 0;
    const load = async (until: () => boolean): Promise<void> => {
      while (!until()) {
        const { status } = await complete(gateway, clientKey, { stream: requests % 2 === 0 });
        assert.equal(status, 200);
        requests++;
      }
    };
    const reader = openReadOnly(path);
    try {
      reader.exec('BEGIN');
      assert.equal(reader.prepare('SELECT count(*) FROM requests').pluck().get(), 0);
      await load(() => walBytes() > 1.1 * checkpointBytes);
      assert.equal(reader.prepare('SELECT count(*) FROM requests').pluck().get(), 0, 'it sees what it saw');
      assert.equal(storedIds(gateway.folder).length, requests, 'others see all');
      reader.exec('COMMIT');
      const before = walBytes();
      const from = requests;
      // As many again would double it.
      await load(() => requests >= 2 * from);
      assert.ok(walBytes() <= before + checkpointBytes / 4, `${before} and then ${walBytes()} bytes`);
      await expectQuiet(gateway);
      assert.deepEqual(readDatabase(gateway.folder, wrongSums), []);
      reader.close();
      gateway.process.kill('SIGTERM');
      assert.equal(await gateway.ended, 0);
      assert.ok(!existsSync(`${path}-wal`), 'a stop leaves no log');
      assert.equal(storedIds(gateway.folder).length, requests);
    } finally {
      reader.close();
      await stack.stop();
    }
  });
});
