/**
 * What the writer asks of a database, and no more: so that another one can stand behind it. The writer is its only
 * caller and never asks before the last answer has come.
 */
import type { StoreCommand, StoredState, StoreResult } from '../../shared/messages.ts';
import type { UsageRow } from '../../shared/rows.ts';

export interface Store {
  /** What the gateway needs in memory; `nowMs` is wall time, for sums of the present day. Rejects with a StoreFault. */
  load(nowMs: number): Promise<StoredState>;
  /**
   * Commits rows and commands together, all or nothing, and gives the commands' results in their order. A row that is
   * there already changes nothing. With nothing to commit it proves that the database can be written. Rejects with a
   * StoreFault; nothing was committed then.
   */
  commit(rows: readonly UsageRow[], commands: readonly StoreCommand[]): Promise<StoreResult[]>;
  /**
   * Deletes a small piece of what is older than is to be kept; false when there was nothing. `nowMs` is wall time.
   * Rejects with a StoreFault.
   */
  prune(nowMs: number): Promise<boolean>;
  /** Leaves the database tidy for whoever opens it next. */
  close(): Promise<void>;
}

/** Why a commit failed. */
export class StoreFault extends Error {
  /** The database's own code, for logs and `/health`. */
  readonly code: string;
  /** True when a row or command is at fault and would be again; false when the database is, and waiting may mend it. */
  readonly isAboutData: boolean;

  constructor(code: string, isAboutData: boolean, cause: unknown) {
    super(`The commit failed: ${code}`, { cause });
    this.name = 'StoreFault';
    this.code = code;
    this.isAboutData = isAboutData;
  }
}
