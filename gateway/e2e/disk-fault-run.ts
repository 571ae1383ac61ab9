/**
 * Run by disk-faults.test.ts in a process whose databases are on a faulty disk: a script of commits is run again and again,
 * with a fault at its first call to the disk, at one some calls later, and so on until it is through without one. Prints
 * the number of runs that met theirs.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv } from 'node:process';
import Database from 'better-sqlite3';
import type { FromWriter, StoreOptions } from '../../shared/messages.ts';
import { makeRow, wrongSums } from '../../workers/e2e/usage-rows.ts';
import { DatabaseRefused } from '../../workers/store/database.ts';
import { GroupCommit } from '../../workers/store/group-commit.ts';
import { openSqliteStore, type SqliteStore } from '../../workers/store/sqlite-store.ts';
import { type DiskFaults, FaultyDisk } from './faulty-disk.ts';

const [controlPath = '', mode = '', step = '1'] = argv.slice(2);
const disk = new FaultyDisk(controlPath);
const folder = mkdtempSync(join(tmpdir(), 'gemini-pool-fault-run-'));
const batches = 4;
/** The fault of one run, but for its place. */
const faults: Omit<DiskFaults, 'at'> =
  mode === 'once' ? { effect: 'fail' } : { effect: 'fail', times: 'always', error: 'ENOSPC' };

/** The ids that are stored, in a database that was found whole. */
function storedIds(databasePath: string): Set<unknown> {
  const database = new Database(databasePath, { readonly: true });
  try {
    assert.equal(database.pragma('integrity_check', { simple: true }), 'ok');
    return new Set(database.prepare('SELECT id FROM requests').pluck().all());
  } finally {
    database.close();
  }
}

/** Opens as the writer does; a start that is refused for the fault is begun again once it is mended. */
function open(options: StoreOptions): SqliteStore {
  try {
    return openSqliteStore(options).store;
  } catch (error) {
    assert.ok(error instanceof DatabaseRefused, String(error));
    assert.ok(disk.made > 0 && error.message.includes(options.databasePath), error.message);
    disk.mend();
    return openSqliteStore(options).store;
  }
}

/** The script, on a new database, with the fault at call number `at`; false when there was none. */
async function run(at: number): Promise<boolean> {
  const options: StoreOptions = { databasePath: join(folder, `${at}.db`), synchronous: 'full', encryptionKey: null };
  disk.set({ ...faults, at });
  const store = open(options);
  const sent = Array.from({ length: batches }, (_, seq) =>
    Array.from({ length: 4 }, () => makeRow({ atMs: seq * 1e7 })),
  );
  const acked = new Set<string>();
  /** Users with sessions, as the gateway knows of them. */
  let known = new Set<string>();
  const check = (): void => {
    const stored = storedIds(options.databasePath);
    assert.deepEqual(
      [...acked].filter((id) => !stored.has(id)),
      [],
      `acked but not stored, fault at ${at}`,
    );
  };
  const send = (message: FromWriter): void => {
    if (message.t === 'ack') for (const { id } of sent.slice(0, message.seq + 1).flat()) acked.add(id);
    if (message.t === 'result' && message.result === 'ok') known.add(`user-${message.id}`);
  };
  const wait = (_ms: number, callback: () => void): void => {
    // The database as somebody finds it who comes while it can't be written.
    if (disk.made < 3) disk.without(check);
    else disk.mend();
    setImmediate(callback);
  };
  const onRecovered = async (): Promise<void> => {
    known = new Set((await store.load(0)).userSessions.map(({ userId }) => userId));
  };
  const onImpossible = (what: string): void => assert.fail(`dropped: ${what}`);
  const commits = new GroupCommit({ store, send, wait, onRecovered, onImpossible });
  for (const [seq, rows] of sent.entries()) {
    commits.addRows(seq, rows);
    const userId = `user-${seq}`;
    commits.addCommand(seq, { op: 'end_sessions', userId });
    await commits.idle();
  }
  await store.close();
  const wasThrough = disk.made === 0;
  disk.mend();
  assert.equal(acked.size, 4 * batches, 'all is acknowledged in the end');
  check();
  const again = openSqliteStore(options).store;
  const { userSessions } = await again.load(0);
  await again.close();
  assert.deepEqual(
    new Set(userSessions.map(({ userId }) => userId)),
    known,
    `memory is as the database, fault at ${at}`,
  );
  const database = new Database(options.databasePath, { readonly: true });
  assert.equal(database.prepare('SELECT count(*) FROM requests').pluck().get(), 4 * batches, 'each row once');
  assert.deepEqual(wrongSums(database), []);
  database.close();
  for (const suffix of ['', '-wal', '-shm', '.lock']) rmSync(`${options.databasePath}${suffix}`, { force: true });
  return !wasThrough;
}

let runs = 0;
try {
  while (await run(1 + runs * Number(step))) runs++;
  process.stdout.write(`${runs}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
