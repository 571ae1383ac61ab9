/** Which files are opened and which are refused; a file that is refused stays as it was, byte by byte. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { makeRow } from '../e2e/usage-rows.ts';
import { DatabaseRefused, lockDatabase, openDatabase, openReadOnly, resolveDatabasePath } from './database.ts';
import { migrate, newestSchema } from './migrations.ts';
import { UsageStore } from './usage-store.ts';

describe('database', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gemini-pool-database-'));
    path = join(folder, 'pool.db');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const open = (): Database.Database => openDatabase(path, 'normal', newestSchema);
  const make = (rows = 0): void => {
    const connection = open();
    migrate(connection);
    new UsageStore(connection).insert(Array.from({ length: rows }, () => makeRow()));
    connection.close();
  };
  const assertRefused = (words: RegExp, attempt: () => unknown = open): void => {
    const before = existsSync(path) && statSync(path).isFile() ? readFileSync(path) : null;
    assert.throws(attempt, (error) => {
      assert.ok(error instanceof DatabaseRefused, String(error));
      assert.match(error.message, words);
      assert.ok(error.message.includes(path), 'the message names the file');
      assert.ok(!error.message.includes('\n'), 'the message is one line');
      return true;
    });
    if (before !== null) assert.deepEqual(readFileSync(path), before);
  };

  test('a new file is made, and opened again with what was in it', () => {
    make(3);
    const connection = open();
    assert.equal(connection.pragma('journal_mode', { simple: true }), 'wal');
    assert.equal(connection.pragma('synchronous', { simple: true }), 1);
    assert.equal(connection.prepare('SELECT count(*) FROM requests').pluck().get(), 3);
    connection.close();
    const full = openDatabase(path, 'full', newestSchema);
    assert.equal(full.pragma('synchronous', { simple: true }), 2);
    full.close();
  });

  test('an empty file is a new database', () => {
    writeFileSync(path, '');
    make();
  });

  test('a file that is no database is refused', () => {
    for (const bytes of ['hello', 'x'.repeat(5_000), 'SQLite format 3\0']) {
      writeFileSync(path, bytes);
      assertRefused(/is not an SQLite database/);
    }
    writeFileSync(path, Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(5_000, 7)]));
    assertRefused(/another program|not an SQLite/);
  });

  test('a database of a newer schema is refused, also when only its log says so', () => {
    make();
    const newer = new Database(path);
    newer.pragma(`user_version = ${newestSchema + 1}`);
    assert.throws(open, /newer version of this program/, 'still in the log');
    newer.close();
    assertRefused(/newer version of this program/);
  });

  test("another program's database is refused", () => {
    const other = new Database(path);
    other.exec('CREATE TABLE requests (id INTEGER PRIMARY KEY)');
    other.close();
    assertRefused(/another program/);
    const marked = new Database(path);
    marked.exec('DROP TABLE requests');
    marked.pragma('user_version = 1');
    marked.close();
    assertRefused(/another program/);
  });

  test('a damaged database is refused', () => {
    make(2_000);
    const whole = readFileSync(path);
    const cut = whole.subarray(0, whole.length - 8_192);
    const overwritten = Buffer.from(whole).fill(0xa5, 4_096 * 20, 4_096 * 21);
    for (const bytes of [cut, overwritten]) {
      writeFileSync(path, bytes);
      assertRefused(/is damaged/);
    }
  });

  test('garbage in the log does no harm: it is not taken for a commit', () => {
    make(5);
    writeFileSync(`${path}-wal`, Buffer.alloc(20_000, 0x5a));
    const connection = open();
    assert.equal(connection.prepare('SELECT count(*) FROM requests').pluck().get(), 5);
    connection.close();
  });

  test('a file that may not be written is refused, for root too', () => {
    make();
    chmodSync(path, 0o444);
    assertRefused(/cannot be written/);
  });

  test('a folder that is not there, a folder in the place of the file, and memory are refused', () => {
    assert.throws(() => resolveDatabasePath(join(folder, 'none', 'pool.db')), /folder of the database .* is not there/);
    assert.throws(() => resolveDatabasePath(':memory:'), /must be a file/);
    path = folder;
    assertRefused(/cannot be written/);
  });

  test('another program that holds the database is waited for, not for ever', () => {
    make();
    const holder = new Database(path);
    holder.pragma('locking_mode = EXCLUSIVE');
    holder.exec('BEGIN EXCLUSIVE');
    assertRefused(/locked by another program/);
    holder.close();
  });

  test('a reader can read while a writer holds its lock, and cannot write', () => {
    const lock = lockDatabase(path, 0);
    make(4);
    const reader = openReadOnly(path);
    assert.equal(reader.prepare('SELECT count(*) FROM requests').pluck().get(), 4);
    assert.throws(() => reader.exec('DELETE FROM requests'), /readonly|query_only/i);
    reader.close();
    lock.release();
  });

  test('there is one writer at a time, under whatever name it knows the file', () => {
    make();
    const link = join(folder, 'link.db');
    symlinkSync(path, link);
    const lock = lockDatabase(resolveDatabasePath(link), 0);
    const script = `
      import { lockDatabase, resolveDatabasePath } from ${JSON.stringify(import.meta.resolve('./database.ts'))};
      try { lockDatabase(resolveDatabasePath(${JSON.stringify(path)}), 0).release(); console.log('free'); }
      catch (error) { console.log(error.message); }`;
    const tryElsewhere = (): string =>
      spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { encoding: 'utf8' })
        .stdout;
    assert.match(tryElsewhere(), /in use by another gateway/);
    lock.release();
    assert.equal(tryElsewhere(), 'free\n');
  });

  test('the log stays small under load, also after a long reader', () => {
    const connection = open();
    migrate(connection);
    const usage = new UsageStore(connection);
    const insert = connection.transaction((n: number) => usage.insert(Array.from({ length: n }, () => makeRow())));
    const walBytes = (): number => statSync(`${path}-wal`).size;
    for (let i = 0; i < 60; i++) insert.immediate(500);
    assert.ok(walBytes() < 8 * 1024 * 1024, `${walBytes()} bytes without a reader`);

    const reader = openReadOnly(path);
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM client_keys').get();
    for (let i = 0; i < 250; i++) insert.immediate(1_000);
    assert.ok(walBytes() > 64 * 1024 * 1024, `${walBytes()} bytes: the reader did hold the log`);
    reader.exec('COMMIT');
    reader.close();
    for (let i = 0; i < 20; i++) insert.immediate(500);
    assert.ok(walBytes() <= 64 * 1024 * 1024, `${walBytes()} bytes after the reader`);
    connection.close();
  });
});
