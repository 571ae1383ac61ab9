/**
 * A disk whose writes, flushes and truncations fail, or in the middle of which the writer dies: what was acknowledged is
 * stored, once, the database stays whole, and all goes on by itself once the disk works.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { startGateway } from '../../bench/running-gateway.ts';
import { wrongSums } from '../../workers/e2e/usage-rows.ts';
import { newestSchema } from '../../workers/store/migrations.ts';
import { FaultyDisk, type FaultyDiskFiles, makeFaultyDisk } from './faulty-disk.ts';
import { complete, eventually, expectQuiet, readDatabase, startStack, writerPid } from './harness.ts';

/** Makes the gateway's writer run on the disk; for `startStack` and `startGateway`. */
const onDisk = ({ env }: FaultyDiskFiles) => ({
  preload: new URL('./faulty-writer.mjs', import.meta.url).href,
  env: { FAULTY_DISK_LIBRARY: env.LD_PRELOAD, FAULTY_DISK_CONTROL: env.FAULTY_DISK_CONTROL },
});

/** The database of a folder is whole, and its sums are those of its rows. */
function assertWhole(folder: string): void {
  readDatabase(folder, (database) => {
    assert.equal(database.pragma('integrity_check', { simple: true }), 'ok');
    assert.deepEqual(wrongSums(database), []);
  });
}

describe('faults of the disk', { concurrency: 2 }, () => {
  const disks: FaultyDiskFiles[] = [];
  const newDisk = (): FaultyDiskFiles => {
    const disk = makeFaultyDisk();
    disks.push(disk);
    return disk;
  };
  after(() => {
    for (const disk of disks) disk.remove();
  });

  // Each run is a database of its own, from its first page to its last: the second kind looks at every seventh place.
  for (const [what, mode, step, runsMin] of [
    ['fails once, at every place', 'once', 1, 150],
    ['is full from one of many places on', 'always', 7, 20],
  ] as const)
    test(`W-7 the disk ${what}: what was acknowledged is stored, all lands in the end, memory knows what is stored`, async () => {
      const { env, controlPath } = newDisk();
      const script = fileURLToPath(new URL('./disk-fault-run.ts', import.meta.url));
      const run = spawn(process.execPath, ['--import', 'tsx', script, controlPath, mode, String(step)], {
        env: { PATH: process.env['PATH'], ...env },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let said = '';
      for await (const chunk of run.stdout) said += String(chunk);
      assert.ok(Number(said) >= runsMin, `runs: ${said}`);
    });

  test('W-5 writes and flushes fail while requests come: each answer is whole, each row is stored once, by the same writer', async () => {
    const files = newDisk();
    const disk = new FaultyDisk(files.controlPath);
    const { preload, env } = onDisk(files);
    const stack = await startStack({ preload, env: { ...env, SQLITE_SYNCHRONOUS: 'full' } });
    const { gateway, clientKey } = stack;
    try {
      const pid = writerPid(gateway);
      const ids = new Set<unknown>();
      // A commit makes dozens of writes and one flush: some succeed, others fail at different places.
      for (const [kind, every] of [
        ['writes', 67],
        ['flushes', 4],
      ] as const) {
        disk.set({ effect: 'fail', kind, at: 2, times: 6, every });
        for (let round = 0; round < 5; round++) {
          const answers = Array.from({ length: 8 }, (_, i) => complete(gateway, clientKey, { stream: i % 2 === 0 }));
          for (const seen of await Promise.all(answers)) {
            assert.equal(seen.status, 200);
            assert.ok(!seen.isCut);
            ids.add(seen.headers.get('x-request-id'));
          }
        }
        assert.ok(disk.made >= 3, `${disk.made} faults`);
        disk.mend();
        await expectQuiet(gateway);
      }
      const faults = gateway.lines.filter((line) => line.includes('the database cannot be written'));
      assert.ok(faults.length > 0 && faults.every((line) => /"code":"SQLITE_IOERR/.test(line)), faults.join('\n'));
      const health: unknown = await (await fetch(`${gateway.url}/health`)).json();
      assert.match(JSON.stringify(health), /"status":"ok"/);
      assert.equal(writerPid(gateway), pid, 'it needed no other process');
      assertWhole(gateway.folder);
      const stored = readDatabase(gateway.folder, (database) =>
        database.prepare('SELECT id FROM requests').pluck().all(),
      );
      assert.deepEqual(stored.toSorted(), [...ids].toSorted());
    } finally {
      disk.mend();
      disk.close();
      await stack.stop();
    }
  });

  test('W-5 a change whose commit fails at its last step: 503, and then the gateway knows what the database holds', async () => {
    const files = newDisk();
    const disk = new FaultyDisk(files.controlPath);
    const { preload, env } = onDisk(files);
    const stack = await startStack({ preload, env: { ...env, SQLITE_SYNCHRONOUS: 'full' } });
    const { gateway, adminToken } = stack;
    try {
      await expectQuiet(gateway);
      // That of the commit, and then those that would undo it: the next to open the database finds it committed.
      disk.set({ effect: 'fail', kind: 'flushes', at: 1, times: 2 });
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${adminToken}` };
      const change = await fetch(`${gateway.url}/admin/api/api-keys`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ key_name: 'doubtful' }),
      });
      assert.ok(disk.made > 0);
      assert.equal(change.status, 503);
      await eventually('it can be written', () => gateway.lines.some((line) => line.includes('can be written again')));
      const listed = await (await fetch(`${gateway.url}/admin/api/api-keys`, { headers })).text();
      const stored = readDatabase(gateway.folder, (database) =>
        database.prepare('SELECT name FROM client_keys').pluck().all(),
      );
      assert.equal(listed.includes('"doubtful"'), stored.includes('doubtful'), `stored: ${stored}`);
    } finally {
      disk.close();
      await stack.stop();
    }
  });

  describe('W-9 a migration', { concurrency: 1 }, () => {
    const keys = Array.from({ length: 200 }, (_, i) => `gp_${String(i).padStart(32, '0')}`);
    const logs = 2_000;
    const keepAll = { RETENTION_DAYS: '0', MINUTE_RETENTION_DAYS: '0', HOUR_RETENTION_DAYS: '0' };
    let folder: string;

    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'gemini-pool-migration-'));
      const rust = new Database(join(folder, 'gemini_pool.db'));
      rust.exec(`
        CREATE TABLE api_keys (
          id TEXT PRIMARY KEY, key_name TEXT NOT NULL, api_key TEXT NOT NULL UNIQUE, is_active BOOLEAN NOT NULL DEFAULT TRUE,
          created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, total_requests INTEGER NOT NULL DEFAULT 0,
          total_input_tokens INTEGER NOT NULL DEFAULT 0, total_output_tokens INTEGER NOT NULL DEFAULT 0);
        CREATE TABLE usage_logs (
          id TEXT PRIMARY KEY, api_key_id TEXT NOT NULL, timestamp DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
          endpoint TEXT NOT NULL, model TEXT NOT NULL, input_tokens INTEGER NOT NULL DEFAULT 0,
          output_tokens INTEGER NOT NULL DEFAULT 0, success BOOLEAN NOT NULL DEFAULT TRUE);`);
      rust.transaction(() => {
        for (const [i, key] of keys.entries())
          rust
            .prepare('INSERT INTO api_keys VALUES (?, ?, ?, TRUE, ?, ?, ?, ?)')
            .run(`id-${i}`, `key ${i}`, key, '2025-07-01 10:00:00', logs / keys.length, 1_000, 200);
        const log = rust.prepare("INSERT INTO usage_logs VALUES (?, ?, ?, '/v1/chat/completions', 'm', 100, 20, TRUE)");
        for (let i = 0; i < logs; i++) log.run(`log-${i}`, `id-${i % keys.length}`, '2025-07-03 08:00:00');
      })();
      rust.close();
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    test('W-9 the writer dies in the middle of it, five times: the next goes on, and all is there', async () => {
      const files = newDisk();
      const disk = new FaultyDisk(files.controlPath);
      const kills = 5;
      disk.set({ effect: 'kill', at: 5, times: kills, every: 37 });
      const { preload, env } = onDisk(files);
      const gateway = await startGateway({ folder, preload, env: { ...env, ...keepAll } });
      try {
        assert.equal(disk.made, kills);
        for (const key of [keys[0], keys.at(-1)]) {
          const models = await fetch(`${gateway.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
          assert.notEqual(models.status, 401, 'an old client key is known');
        }
        assertWhole(folder);
        const counts = readDatabase(folder, (database) => [
          database.pragma('user_version', { simple: true }),
          database.prepare('SELECT count(*) FROM client_keys').pluck().get(),
          database.prepare('SELECT count(*), sum(prompt_tokens) FROM requests').raw().get(),
        ]);
        assert.deepEqual(counts, [newestSchema, keys.length, [logs, 100 * logs]]);
      } finally {
        await gateway.stop();
        disk.close();
      }
      for (const name of readdirSync(folder))
        assert.doesNotMatch(readFileSync(join(folder, name), 'latin1'), /gp_0{20}/, `no key in the clear in ${name}`);
    });

    test('W-9 a database of a newer program is refused, with both versions, and left as it was', async () => {
      const path = join(folder, 'gemini_pool.db');
      const database = new Database(path);
      database.pragma(`user_version = ${newestSchema + 1}`);
      database.close();
      const bytes = readFileSync(path);
      await assert.rejects(startGateway({ folder }), (error) => {
        assert.ok(error instanceof Error);
        assert.match(error.message, /ended with 1 /);
        assert.match(
          error.message,
          new RegExp(`its schema is ${newestSchema + 1}, this program knows ${newestSchema}`),
        );
        assert.ok(error.message.includes(path));
        return true;
      });
      assert.ok(readFileSync(path).equals(bytes));
    });
  });
});
