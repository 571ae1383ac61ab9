/** What can't run says so in words an operator can act on, ends with 1 at once, and changes and leaves nothing. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { startGateway } from '../../bench/running-gateway.ts';
import { eventually } from './harness.ts';

const secret = 'hunter2-hunter2';

interface Start {
  child: ChildProcess;
  said: () => string;
  ended: Promise<number | string>;
}

describe('starts that are refused', { concurrency: 2 }, () => {
  let folder: string;
  let databases = 0;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'gemini-pool-refused-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const newDatabase = (): string => join(folder, `${databases++}.db`);

  function start(env: Record<string, string>): Start {
    const main = fileURLToPath(new URL('../main.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), main], {
      cwd: folder,
      env: { PATH: process.env['PATH'], LISTEN_ADDR: '127.0.0.1:0', DATABASE_URL: `sqlite:${newDatabase()}`, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk) => {
        said += String(chunk);
      });
    const ended = new Promise<number | string>((resolve) =>
      child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown')),
    );
    return { child, said: () => said, ended };
  }

  async function refusal(env: Record<string, string>): Promise<string> {
    const { said, ended } = start(env);
    assert.equal(await ended, 1, said());
    return said();
  }

  const wrong: Record<string, string> = {
    GEMINI_API_KEYS: `${secret} with spaces`,
    LISTEN_ADDR: 'nowhere',
    DATABASE_URL: 'mysql://root@localhost/db',
    GEMINI_BASE_URL: 'ftp://example.org',
    ENCRYPTION_KEY: secret,
    MAX_BODY_BYTES: '-1',
    WORKER_THREADS: 'many',
    LOG_LEVEL: 'loud',
    CORS_ORIGINS: 'not an origin',
    STRICT_PARAMETERS: 'perhaps',
  };
  test('G-1 all problems are told in one message, by name, without a secret or a stack, and no database is made', async () => {
    const said = await refusal(wrong);
    assert.match(said, new RegExp(`^gemini-pool cannot start: .*${Object.keys(wrong).length} problems:`));
    for (const name of Object.keys(wrong)) assert.match(said, new RegExp(`\n${name} `));
    assert.doesNotMatch(said, /hunter2|\n +at /);
    const databasePath = newDatabase();
    assert.match(
      await refusal({ LOG_LEVEL: 'loud', DATABASE_URL: `sqlite:${databasePath}` }),
      /a problem:\nLOG_LEVEL /,
    );
    assert.ok(!existsSync(databasePath));
  });

  test('G-5 a port in use, and one that may not be taken', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    assert.match(await refusal({ LISTEN_ADDR: `127.0.0.1:${port}` }), /cannot listen on 127\.0\.0\.1:\d+/);
    server.close();
    assert.match(await refusal({ LISTEN_ADDR: '203.0.113.1:8080' }), /cannot listen on 203\.0\.113\.1:8080/);
  });

  test('W-6 two gateways never share a database: the second is refused, the first goes on', async () => {
    const first = await startGateway();
    try {
      const said = await refusal({ DATABASE_URL: `sqlite:${join(first.folder, 'gemini_pool.db')}` });
      assert.match(said, /in use by another gateway/);
      assert.equal((await fetch(`${first.url}/ready`)).status, 200);
    } finally {
      await first.stop();
    }
  });

  const unreadable: [what: string, make: (path: string) => void, said: RegExp][] = [
    ['no database', (path) => writeFileSync(path, 'a letter to a friend'), /is not an SQLite database/],
    [
      'a database cut short',
      (path) => {
        const database = new Database(path);
        database.exec(`CREATE TABLE t (x); ${'INSERT INTO t VALUES (zeroblob(9000));'.repeat(20)}`);
        database.close();
        truncateSync(path, 50_000);
      },
      /cannot start: .+/,
    ],
    [
      'a database of another program',
      (path) => {
        const database = new Database(path);
        database.exec('CREATE TABLE diary (entry)');
        database.close();
      },
      /cannot start: .+/,
    ],
  ];
  for (const [what, make, message] of unreadable)
    test(`W-8 ${what} is refused, named, and left as it was`, async () => {
      const path = newDatabase();
      make(path);
      const before = readFileSync(path);
      const said = await refusal({ DATABASE_URL: `sqlite:${path}` });
      assert.match(said, message);
      assert.ok(said.includes(path), said);
      assert.ok(readFileSync(path).equals(before), 'the file is untouched');
    });

  test('D-4 SIGTERM while it starts: it ends, and leaves no process behind', async () => {
    for (const delayMs of [20, 150, 400]) {
      const { child, said, ended } = start({});
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ').filter(Boolean);
      child.kill('SIGTERM');
      const how = await ended;
      assert.ok(how === 0 || how === 'SIGTERM', `${how} after ${delayMs} ms: ${said()}`);
      await eventually('no child is left', () => children.every((pid) => !existsSync(`/proc/${pid}`)), 3_000);
    }
  });
});
