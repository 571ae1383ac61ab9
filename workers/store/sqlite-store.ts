/** The store in one SQLite file: lock, connection, schema, and one transaction a commit. */
import type { Retention, StoreCommand, StoredState, StoreOptions, StoreResult } from '../../shared/messages.ts';
import type { UsageRow } from '../../shared/rows.ts';
import { CommandStore } from './command-store.ts';
import {
  type Connection,
  checkpoint,
  DatabaseRefused,
  lockDatabase,
  openDatabase,
  resolveDatabasePath,
  storageCode,
  type WriterLock,
} from './database.ts';
import { type Migration, migrate, newestSchema } from './migrations.ts';
import { Pruner } from './retention.ts';
import { openSealer, type Sealer } from './sealing.ts';
import { type Store, StoreFault } from './store.ts';
import { UsageStore } from './usage-store.ts';

const keepAll: Retention = { requestDays: 0, minuteDays: 0, hourDays: 0 };

interface SqliteParts {
  /** Let go when the store is closed. */
  lock: WriterLock;
  sealer: Sealer;
  /** Opens a database that has its schema. */
  connect: () => Connection;
  retention: Retention;
}

interface Bound {
  connection: Connection;
  commands: CommandStore;
  commit: (rows: readonly UsageRow[], commands: readonly StoreCommand[]) => StoreResult[];
  prune: (nowMs: number) => boolean;
}

export class SqliteStore implements Store {
  readonly #parts: SqliteParts;
  /** Null before the first use, and after an error that leaves the connection doubtful: the next use connects anew. */
  #bound: Bound | null = null;

  constructor(parts: SqliteParts) {
    this.#parts = parts;
  }

  async load(nowMs: number): Promise<StoredState> {
    return this.#guarded(({ commands }) => commands.load(nowMs));
  }

  async commit(rows: readonly UsageRow[], commands: readonly StoreCommand[]): Promise<StoreResult[]> {
    return this.#guarded(({ commit }) => commit(rows, commands));
  }

  async prune(nowMs: number): Promise<boolean> {
    return this.#guarded(({ prune }) => prune(nowMs));
  }

  async close(): Promise<void> {
    try {
      if (this.#bound !== null) checkpoint(this.#bound.connection);
    } catch {
      // What is committed is safe in the log as well; the next start reads it from there.
    }
    this.#abandon();
    this.#parts.lock.release();
  }

  #guarded<T>(use: (bound: Bound) => T): T {
    try {
      return use(this.#use());
    } catch (error) {
      const fault = faultOf(error);
      if (/^SQLITE_(IOERR|CORRUPT|NOTADB)/.test(fault.code)) this.#abandon();
      throw fault;
    }
  }

  #use(): Bound {
    this.#bound ??= bind(this.#parts);
    return this.#bound;
  }

  /** After a failed read or write, what the connection holds in memory may differ from the file. */
  #abandon(): void {
    try {
      this.#bound?.connection.close();
    } catch {
      // It is given up anyway.
    }
    this.#bound = null;
  }
}

/** Opens the database of the options under the writer's lock and brings it to the present schema. Throws DatabaseRefused. */
export function openSqliteStore(options: StoreOptions): { store: SqliteStore; migration: Migration } {
  const path = resolveDatabasePath(options.databasePath);
  const lock = lockDatabase(path);
  const connect = (): Connection => openDatabase(path, options.synchronous, newestSchema);
  try {
    const migration = migrateAt(path, connect());
    const sealer = openSealer(path, options.encryptionKey);
    return { store: new SqliteStore({ lock, sealer, connect, retention: options.retention ?? keepAll }), migration };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function migrateAt(path: string, connection: Connection): Migration {
  try {
    return migrate(connection);
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown error';
    throw new DatabaseRefused(
      `The database ${path} could not be brought to the present schema: ${reason} (${storageCode(error) ?? 'no code'}). What it holds is unharmed.`,
      error,
    );
  } finally {
    connection.close();
  }
}

function bind({ connect, sealer, retention }: SqliteParts): Bound {
  const connection = connect();
  const usage = new UsageStore(connection);
  const commands = new CommandStore(connection, sealer);
  const run = connection.transaction((rows: readonly UsageRow[], queued: readonly StoreCommand[]) => {
    // Writes a page that says the same: the cheapest proof that writing works.
    if (rows.length === 0 && queued.length === 0) connection.pragma(`user_version = ${newestSchema}`);
    if (rows.length > 0) usage.insert(rows);
    return queued.map((command) => commands.apply(command));
  });
  const pruner = new Pruner(connection, retention);
  return {
    connection,
    commands,
    commit: (rows, queued) => {
      try {
        return run.immediate(rows, queued);
      } catch (error) {
        usage.forget();
        throw error;
      }
    },
    prune: (nowMs) => {
      const hasPruned = pruner.prune(nowMs);
      if (hasPruned) usage.forget();
      return hasPruned;
    },
  };
}

function faultOf(error: unknown): StoreFault {
  // A database that can't be opened again: the code is that of the cause.
  if (error instanceof DatabaseRefused) return new StoreFault(storageCode(error.cause) ?? 'REFUSED', false, error);
  const code = storageCode(error);
  // Not SQLite's words: a value that can't be bound, or a field that isn't there.
  if (code === null)
    return new StoreFault('INVALID_VALUE', error instanceof TypeError || error instanceof RangeError, error);
  return new StoreFault(code, /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|RANGE)/.test(code), error);
}
