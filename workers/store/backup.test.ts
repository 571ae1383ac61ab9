/**
 * Backups: complete beside a writer that goes on, never over another file, never half there; and their way back, which
 * leaves no moment without a database and keeps what was there before.
 */
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { BackupRefused, backUpDatabase, restoreBackup } from './backup.ts';
import { type Connection, DatabaseRefused, lockDatabase, openCopy, openDatabase, openReadOnly } from './database.ts';
import { inspectDatabase } from './inspection.ts';
import { migrate, newestSchema } from './migrations.ts';

describe('backups', () => {
  let folder: string;
  let path: string;
  let live: Connection;
  let target: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gemini-pool-backup-'));
    path = join(folder, 'pool.db');
    target = join(folder, 'backup.db');
    live = openDatabase(path, 'normal', newestSchema);
    migrate(live);
    live.exec('CREATE TABLE notes (n INTEGER PRIMARY KEY, filler BLOB)');
  });
  afterEach(() => {
    live.close();
    rmSync(folder, { recursive: true });
  });

  const note = (count: number, bytes = 10): void => {
    const insert = live.prepare('INSERT INTO notes (filler) VALUES (zeroblob(?))');
    live.transaction(() => {
      for (let i = 0; i < count; i++) insert.run(bytes);
    })();
  };
  const countIn = (file: string): unknown => {
    const connection = openReadOnly(file);
    try {
      return connection.prepare('SELECT count(*) FROM notes').pluck().get();
    } finally {
      connection.close();
    }
  };
  const files = (): string[] => readdirSync(folder).filter((name) => !/^pool\.db/.test(name));

  test('a backup holds what was committed when it began, however much is committed meanwhile', async () => {
    // Several steps long.
    note(12_000, 4_000);
    let isOver = false;
    let commits = 0;
    const backup = backUpDatabase(path, target).finally(() => {
      isOver = true;
    });
    while (!isOver) {
      note(1);
      commits++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await backup;
    assert.ok(commits > 3, 'the writer was not kept waiting');
    const held = Number(countIn(target));
    assert.ok(held >= 12_000 && held < 12_000 + commits, `${held} of ${commits}`);
    assert.equal(inspectDatabase(target).damage, null);
  });

  test('it is one file that only its owner reads, with the sealing key beside it', async () => {
    note(5);
    writeFileSync(`${path}.key`, 'ab'.repeat(32), { mode: 0o600 });
    await backUpDatabase(path, target);
    assert.deepEqual(files().sort(), ['backup.db', 'backup.db.key']);
    assert.equal(statSync(target).mode & 0o777, 0o600);
    assert.equal(statSync(`${target}.key`).mode & 0o777, 0o600);
    assert.equal(countIn(target), 5, 'what is still in the log is in it');
    assert.deepEqual(inspectDatabase(target), { owner: 'ours', schema: newestSchema, damage: null });
  });

  for (const taken of ['backup.db', 'backup.db.key'])
    test(`${taken} is not overwritten`, async () => {
      writeFileSync(`${path}.key`, 'key', { mode: 0o600 });
      writeFileSync(join(folder, taken), 'mine');
      await assert.rejects(backUpDatabase(path, target), /is there already/);
      assert.deepEqual(files(), [taken]);
      assert.equal(readFileSync(join(folder, taken), 'utf8'), 'mine');
    });

  test('what a killed backup left behind is in nobody’s way', async () => {
    writeFileSync(`${target}.part`, 'half');
    await backUpDatabase(path, target);
    assert.deepEqual(files(), ['backup.db']);
  });

  test('without a database, or without a folder for the backup, it says so', async () => {
    await assert.rejects(backUpDatabase(join(folder, 'none.db'), target), /There is no database/);
    await assert.rejects(backUpDatabase(path, join(folder, 'none', 'x.db')), /There is no folder/);
    assert.deepEqual(files(), []);
  });

  test('a damaged database gives no backup that looks like one', async () => {
    note(2_000, 3_000);
    live.pragma('wal_checkpoint(TRUNCATE)');
    const bytes = readFileSync(path);
    bytes.fill(0xee, 4096 * 20, 4096 * 40);
    live.close();
    writeFileSync(path, bytes);
    await assert.rejects(backUpDatabase(path, target), BackupRefused);
    assert.deepEqual(files(), []);
  });

  test('a backup comes back, and what it replaces is kept whole', async () => {
    writeFileSync(`${path}.key`, 'ab'.repeat(32), { mode: 0o600 });
    note(3);
    await backUpDatabase(path, target);
    note(4);
    writeFileSync(`${path}.key`, 'cd'.repeat(32), { mode: 0o600 });
    live.close();
    const aside = join(folder, 'aside.db');
    assert.deepEqual(restoreBackup(target, path, aside), { keptAside: true });
    assert.equal(countIn(path), 3);
    assert.equal(countIn(aside), 7);
    assert.equal(readFileSync(`${path}.key`, 'utf8'), 'ab'.repeat(32));
    assert.equal(readFileSync(`${aside}.key`, 'utf8'), 'cd'.repeat(32));
    assert.ok(existsSync(target), 'the backup stays');
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.includes('restoring')),
      [],
    );
    live = openDatabase(path, 'normal', newestSchema);
    note(1);
    assert.equal(countIn(target), 3, 'and is not the file that is written now');
  });

  test('a damaged database is replaced, together with its log', async () => {
    note(3);
    await backUpDatabase(path, target);
    live.close();
    writeFileSync(path, 'no database at all, but not empty either'.repeat(50));
    writeFileSync(`${path}-wal`, 'a log of it');
    const aside = join(folder, 'aside.db');
    restoreBackup(target, path, aside);
    assert.equal(countIn(path), 3);
    assert.match(readFileSync(aside, 'utf8'), /^no database at all/);
    assert.equal(inspectDatabase(path).damage, null);
  });

  test('where there was no database, the backup becomes one', async () => {
    note(3);
    await backUpDatabase(path, target);
    const elsewhere = join(folder, 'elsewhere.db');
    assert.deepEqual(restoreBackup(target, elsewhere, join(folder, 'aside.db')), { keptAside: false });
    assert.equal(countIn(elsewhere), 3);
  });

  test('while a gateway writes the database nothing is restored', async () => {
    note(3);
    await backUpDatabase(path, target);
    const lock = lockDatabase(path);
    assert.throws(() => restoreBackup(target, path, join(folder, 'aside.db')), DatabaseRefused);
    lock.release();
    assert.equal(countIn(path), 3);
  });

  const bad: [string, (file: string) => void, RegExp][] = [
    ['a file that is none', (file) => writeFileSync(file, 'rain'.repeat(500)), /is no backup/],
    ['a missing file', (file) => rmSync(file), /There is no backup/],
    ['the database of another program', (file) => edit(file, 'PRAGMA application_id = 7'), /is no backup/],
    ['a newer schema', (file) => edit(file, `PRAGMA user_version = ${newestSchema + 1}`), /newer version/],
    ['a damaged file', (file) => damage(file), /is damaged|is no backup/],
  ];
  for (const [what, spoil, says] of bad)
    test(`${what} is not restored, and nothing is changed`, async () => {
      note(500, 3_000);
      await backUpDatabase(path, target);
      chmodSync(target, 0o600);
      spoil(target);
      live.close();
      const before = readFileSync(path);
      assert.throws(
        () => restoreBackup(target, path, join(folder, 'aside.db')),
        (error) => error instanceof BackupRefused && says.test(error.message),
      );
      assert.deepEqual(readFileSync(path), before);
      assert.ok(!existsSync(join(folder, 'aside.db')));
    });
});

function edit(file: string, sql: string): void {
  const connection = openCopy(file);
  connection.exec(sql);
  connection.close();
}

function damage(file: string): void {
  const bytes = readFileSync(file);
  bytes.fill(0xee, 4096 * 30, 4096 * 60);
  writeFileSync(file, bytes);
}
