/**
 * The SQLite file: how it is opened for writing and for reports, the lock that keeps a second writer out, and what its
 * errors mean. The one importer of better-sqlite3. A file that is refused is left as it was.
 */
import { accessSync, closeSync, constants, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Database from 'better-sqlite3';

export type Connection = Database.Database;
export type Statement<P extends unknown[] = unknown[], R = unknown> = Database.Statement<P, R>;

/** "GemP": in the header of our files, so that another program's database is told from ours. */
export const applicationId = 0x47656d50;
/** A new writer may start while the old one is still dying. */
const lockMsMax = 5_000;
/** A commit that finds the database locked, by a backup for example, blocks the writer this long before it is a fault. */
const busyMsMax = 1_000;
/** Pages in the log, 4 MB, after which a commit copies them back: that commit takes longer by one flush of so much. */
const checkpointPages = 1_000;
/** Once its frames are copied back, a log that had grown larger behind a long reader is cut to this. */
const walBytesKept = 64 * 1024 * 1024;
const cacheKibibytes = 65_536;
const headerBytes = 100;
/** A file up to this size is checked whole at the start: about a tenth of a second. */
const checkedBytesMax = 64 * 1024 * 1024;

/** The database can't be used as it is; the message tells an operator in one line which file it is and what to do. */
export class DatabaseRefused extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'DatabaseRefused';
  }
}

/** The code of an SQLite or system error, `SQLITE_FULL` for example; null for an error of another kind. */
export function storageCode(error: unknown): string | null {
  if (error instanceof Database.SqliteError) return error.code;
  if (error instanceof Error && 'code' in error && 'syscall' in error && typeof error.code === 'string')
    return error.code;
  return null;
}

/** The path of the database with links resolved, so that one file has one lock under whatever name it is opened. */
export function resolveDatabasePath(path: string): string {
  if (path === ':memory:' || path === '')
    throw new DatabaseRefused('The database must be a file. Set DATABASE_URL to a path, like sqlite:./gemini_pool.db.');
  try {
    return realpathSync(path);
  } catch {
    // Not there yet: its folder must be.
  }
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch (error) {
    throw new DatabaseRefused(
      `The folder of the database ${path} is not there. Create it, or set DATABASE_URL to another path.`,
      error,
    );
  }
}

/** Held as long as this process writes the database; the kernel lets it go when the process dies in whatever way. */
export interface WriterLock {
  release(): void;
}

/**
 * Takes the writer's lock. It is held in a second file beside the database: an exclusive lock on the database itself
 * would shut out the reader of reports.
 */
export function lockDatabase(path: string, waitMs = lockMsMax): WriterLock {
  let lock: Connection | null = null;
  try {
    lock = new Database(`${path}.lock`, { readonly: false, fileMustExist: false, timeout: waitMs });
    lock.pragma('journal_mode = DELETE');
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock?.close();
    if (isBusy(error))
      throw new DatabaseRefused(`The database ${path} is in use by another gateway. Stop that one first.`, error);
    throw explain(path, error);
  }
  const held = lock;
  return { release: () => held.close() };
}

/**
 * Opens the database for writing, making the file when there is none. To be called under the writer's lock; throws
 * DatabaseRefused, before anything was written, for a file that is not ours, damaged, read-only or too new.
 */
export function openDatabase(path: string, synchronous: 'normal' | 'full', newestSchema: number): Connection {
  refuseForeignHeader(path, newestSchema);
  let connection: Connection | null = null;
  try {
    connection = new Database(path, { readonly: false, fileMustExist: false, timeout: busyMsMax });
    // Asked again of SQLite: what a killed writer left in the log may be newer than the header in the file.
    refuseForeignSchema(connection, path, newestSchema);
    refuseDamage(connection, path);
    if (connection.pragma('journal_mode = WAL', { simple: true }) !== 'wal')
      throw new DatabaseRefused(
        `The database ${path} lies on a file system without shared memory. Move it to a local disk.`,
      );
    connection.pragma(`synchronous = ${synchronous.toUpperCase()}`);
    connection.pragma('foreign_keys = ON');
    connection.pragma(`cache_size = -${cacheKibibytes}`);
    connection.pragma(`wal_autocheckpoint = ${checkpointPages}`);
    connection.pragma(`journal_size_limit = ${walBytesKept}`);
    return connection;
  } catch (error) {
    connection?.close();
    throw explain(path, error);
  }
}

/** Opens the database for reports: it can't write, and what it reads never waits for the writer. */
export function openReadOnly(path: string): Connection {
  const connection = new Database(resolveDatabasePath(path), {
    readonly: true,
    fileMustExist: true,
    timeout: busyMsMax,
  });
  connection.pragma('query_only = ON');
  return connection;
}

/** Opens a database file that no gateway uses, as it is: a backup, or what is to be replaced by one. */
export function openCopy(path: string): Connection {
  return new Database(path, { readonly: false, fileMustExist: true, timeout: busyMsMax });
}

/** Copies what is in the log into the database and cuts the log to nothing, as far as readers allow. */
export function checkpoint(connection: Connection): void {
  connection.pragma('wal_checkpoint(TRUNCATE)');
}

/** A whole number that a pragma gives. */
export function pragmaNumber(connection: Connection, name: string): number {
  const value = connection.pragma(name, { simple: true });
  return typeof value === 'number' ? value : Number.NaN;
}

/** Looks at the header with plain reads, which change nothing, not even by recovering a log. */
function refuseForeignHeader(path: string, newestSchema: number): void {
  const header = Buffer.alloc(headerBytes);
  let bytes: number;
  try {
    const { mode } = statSync(path);
    accessSync(path, constants.R_OK | constants.W_OK);
    // Root may write anything, but a file without any right to write was meant to stay as it is.
    if ((mode & 0o222) === 0) throw new DatabaseRefused(cannotWrite(path));
    const file = openSync(path, 'r');
    try {
      bytes = readSync(file, header, 0, headerBytes, 0);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw explain(path, error);
  }
  if (bytes === 0) return;
  if (bytes < headerBytes || header.toString('latin1', 0, 16) !== 'SQLite format 3\0')
    throw new DatabaseRefused(notDatabase(path));
  refuseVersion(path, header.readInt32BE(60), header.readInt32BE(68), newestSchema);
}

function refuseForeignSchema(connection: Connection, path: string, newestSchema: number): void {
  const version = pragmaNumber(connection, 'user_version');
  const owner = pragmaNumber(connection, 'application_id');
  refuseVersion(path, version, owner, newestSchema);
  if (owner === applicationId) return;
  // Unmarked: new, or of the Rust program that this one replaces.
  const tables = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all();
  if (tables.length > 0 && !tables.includes('api_keys')) throw new DatabaseRefused(foreign(path));
}

function refuseVersion(path: string, version: number, owner: number, newestSchema: number): void {
  if (owner !== applicationId && (owner !== 0 || version !== 0)) throw new DatabaseRefused(foreign(path));
  if (version > newestSchema)
    throw new DatabaseRefused(
      `The database ${path} was written by a newer version of this program (its schema is ${version}, this program knows ${newestSchema}). Run that version, or restore a backup made before the upgrade.`,
    );
}

/** A small file is checked whole; of a large one only what the gateway needs in order to run, which is small. */
function refuseDamage(connection: Connection, path: string): void {
  const bytes = pragmaNumber(connection, 'page_count') * pragmaNumber(connection, 'page_size');
  const checks =
    bytes <= checkedBytesMax
      ? ['quick_check(1)']
      : connection
          .prepare<[], string>(
            "SELECT name FROM sqlite_schema WHERE name IN ('client_keys', 'gemini_keys', 'client_key_totals')",
          )
          .pluck()
          .all()
          .map((table) => `quick_check(${table})`);
  for (const check of checks) {
    const found = connection.pragma(check, { simple: true });
    if (found !== 'ok')
      throw new DatabaseRefused(damaged(path), new Database.SqliteError(String(found), 'SQLITE_CORRUPT'));
  }
}

function isBusy(error: unknown): boolean {
  const code = storageCode(error);
  return code?.startsWith('SQLITE_BUSY') === true || code?.startsWith('SQLITE_LOCKED') === true;
}

/** An error at opening, in words that tell what to do. */
function explain(path: string, error: unknown): DatabaseRefused {
  if (error instanceof DatabaseRefused) return error;
  const code = storageCode(error) ?? '';
  if (isBusy(error))
    return new DatabaseRefused(`The database ${path} is locked by another program. Stop that one first.`, error);
  if (code === 'SQLITE_NOTADB') return new DatabaseRefused(notDatabase(path), error);
  if (code.startsWith('SQLITE_CORRUPT')) return new DatabaseRefused(damaged(path), error);
  if (/^(SQLITE_READONLY|SQLITE_CANTOPEN|SQLITE_PERM|EACCES|EPERM|EROFS|EISDIR)/.test(code))
    return new DatabaseRefused(`${cannotWrite(path)} (${code})`, error);
  const reason = error instanceof Error ? error.message : 'unknown error';
  return new DatabaseRefused(`The database ${path} cannot be opened: ${reason} (${code || 'no code'}).`, error);
}

function cannotWrite(path: string): string {
  return `The database ${path} cannot be written. The user of this program needs the right to write the file and its folder.`;
}

function notDatabase(path: string): string {
  return `${path} is not an SQLite database. Set DATABASE_URL to another path, or move this file away.`;
}

function foreign(path: string): string {
  return `${path} is the database of another program. Set DATABASE_URL to another path.`;
}

function damaged(path: string): string {
  return `The database ${path} is damaged. Keep a copy of it, then restore a backup, or recover it with: sqlite3 ${path} .recover`;
}
