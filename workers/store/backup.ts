/**
 * Backups of the database while the gateway runs, and their way back. A backup is one file, complete and checked, or it is
 * not there; the file with the sealing key, where there is one, lies beside it as it does beside the database.
 */
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { checkpoint, lockDatabase, openCopy, openReadOnly, resolveDatabasePath } from './database.ts';
import { inspectDatabase } from './inspection.ts';
import { newestSchema } from './migrations.ts';

/** Pages a step: the event loop is let go in between. */
const pagesAtOnce = 4_096;
/** Nobody waits for a lock by hand: a gateway that runs is to be stopped first. */
const lockMsMax = 500;

/** The backup or restore can't be done; the message says in one line why, and nothing was changed. */
export class BackupRefused extends Error {}

/** Copies the database at `databasePath` to the new file `target`, beside its writer. Throws a BackupRefused. */
export async function backUpDatabase(databasePath: string, target: string): Promise<void> {
  const path = resolveDatabasePath(databasePath);
  if (!existsSync(path)) throw new BackupRefused(`There is no database ${path}.`);
  const keyFile = `${path}.key`;
  for (const file of [target, `${target}.key`])
    if (existsSync(file)) throw new BackupRefused(`${file} is there already; it is not overwritten.`);
  if (!existsSync(dirname(target))) throw new BackupRefused(`There is no folder ${dirname(target)}.`);
  const part = `${target}.part`;
  rmSync(part, { force: true });
  try {
    await copyPages(path, part);
    finishCopy(part);
    if (existsSync(keyFile)) publish(copyOf(keyFile, `${target}.key.part`), `${target}.key`);
    publish(part, target);
  } catch (error) {
    rmSync(`${target}.key.part`, { force: true });
    throw refusal(`The backup ${target} could not be made`, error);
  } finally {
    for (const rest of [part, `${part}-wal`, `${part}-shm`, `${part}-journal`]) rmSync(rest, { force: true });
  }
}

/** From one snapshot: without it, each commit of the gateway would make SQLite begin anew. */
async function copyPages(path: string, part: string): Promise<void> {
  // Made first, for its mode: what it gets may be for nobody else.
  closeSync(openSync(part, 'wx', 0o600));
  const connection = openReadOnly(path);
  try {
    connection.exec('BEGIN');
    connection.prepare('SELECT count(*) FROM sqlite_schema').get();
    await connection.backup(part, { progress: () => pagesAtOnce });
    connection.exec('COMMIT');
  } finally {
    connection.close();
  }
}

/** Makes a copy a file that needs no others, proves that it is whole, and forces it to the disk. */
function finishCopy(part: string): void {
  const copy = openCopy(part);
  try {
    copy.pragma('journal_mode = DELETE');
  } finally {
    copy.close();
  }
  const { damage } = inspectDatabase(part);
  if (damage !== null) throw new BackupRefused(`The database is damaged: ${damage}.`);
  sync(part);
}

/** Gives a finished file its name, unless that is taken. */
function publish(part: string, target: string): void {
  try {
    linkSync(part, target);
    rmSync(part);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) throw new BackupRefused(`${target} is there already; it is not overwritten.`);
    // A file system without hard links.
    if (existsSync(target)) throw new BackupRefused(`${target} is there already; it is not overwritten.`);
    renameSync(part, target);
  }
  sync(dirname(target));
}

/**
 * Puts the backup in the place of the database, of which no gateway may be running. What was there before is kept under
 * `asideName`, which is resolved as a new name beside it. Throws a BackupRefused, or DatabaseRefused for the lock.
 */
export function restoreBackup(backup: string, databasePath: string, asideName: string): { keptAside: boolean } {
  const path = resolveDatabasePath(databasePath);
  refuseBadBackup(backup);
  if (existsSync(asideName)) throw new BackupRefused(`${asideName} is there already; it is not overwritten.`);
  const lock = lockDatabase(path, lockMsMax);
  try {
    const fresh = copyOf(backup, `${path}.restoring`);
    const freshKey = existsSync(`${backup}.key`) ? copyOf(`${backup}.key`, `${path}.key.restoring`) : null;
    const keptAside = existsSync(path) && statSync(path).size > 0;
    if (keptAside) setAside(path, asideName);
    if (freshKey !== null) {
      if (existsSync(`${path}.key`)) copyOf(`${path}.key`, `${asideName}.key`);
      renameSync(freshKey, `${path}.key`);
    }
    // In one step: at no time is there no database, which a gateway would take for the first start.
    renameSync(fresh, path);
    sync(dirname(path));
    return { keptAside };
  } catch (error) {
    throw refusal(`The backup ${backup} could not be restored`, error);
  } finally {
    for (const rest of [`${path}.restoring`, `${path}.key.restoring`]) rmSync(rest, { force: true });
    lock.release();
  }
}

function refuseBadBackup(backup: string): void {
  if (!existsSync(backup)) throw new BackupRefused(`There is no backup ${backup}.`);
  let facts: ReturnType<typeof inspectDatabase>;
  try {
    facts = inspectDatabase(backup);
  } catch (error) {
    throw refusal(`${backup} is no backup`, error);
  }
  if (facts.damage !== null) throw new BackupRefused(`${backup} is damaged: ${facts.damage}.`);
  if (facts.owner === 'other' || facts.owner === 'empty') throw new BackupRefused(`${backup} is no backup.`);
  if (facts.schema > newestSchema)
    throw new BackupRefused(
      `${backup} was made by a newer version of this program (its schema is ${facts.schema}, this program knows ${newestSchema}).`,
    );
}

/** Gives the database a second name, with all that belongs to it; where it lies it is only without its log. */
function setAside(path: string, asideName: string): void {
  try {
    const connection = openCopy(path);
    checkpoint(connection);
    connection.close();
  } catch {
    // Damaged, which may be why it is replaced: then its log goes along as it is.
  }
  try {
    linkSync(path, asideName);
  } catch {
    copyOf(path, asideName);
  }
  for (const suffix of ['-wal', '-journal'])
    if (existsSync(path + suffix)) renameSync(path + suffix, asideName + suffix);
  rmSync(`${path}-shm`, { force: true });
}

function copyOf(from: string, to: string): string {
  rmSync(to, { force: true });
  copyFileSync(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  sync(to);
  return to;
}

function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function refusal(what: string, error: unknown): BackupRefused {
  if (error instanceof BackupRefused) return error;
  return new BackupRefused(`${what}: ${error instanceof Error ? error.message : 'unknown error'}.`, { cause: error });
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
