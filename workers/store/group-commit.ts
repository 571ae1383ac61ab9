/**
 * The writer's loop: take all that is queued, commit it in one transaction, acknowledge, repeat. There is no timer while
 * commits work: what comes to an idle writer is committed in the same turn of the event loop, what comes during a commit
 * makes up the next one. When the database can't be written, rows stay queued and are tried again, commands are refused.
 *
 * The queue is bounded by the gateway, which sends few batches before it waits for an ack.
 */
import type { FromWriter, StoreCommand, StoreResult } from '../../shared/messages.ts';
import type { UsageRow } from '../../shared/rows.ts';
import { type Store, StoreFault } from './store.ts';

const retryMsMin = 50;
const retryMsMax = 1_000;

export interface GroupCommitParts {
  store: Store;
  send: (message: FromWriter) => void;
  /** Told of a row or command that the database can never take; such a row is dropped. */
  onImpossible: (what: string, fault: StoreFault) => void;
  /**
   * Called when a commit works after one that failed, before anything else is committed; rejects with a StoreFault when it
   * does not after all. A commit that failed at its last step may be found in the database all the same, so that what is
   * known elsewhere of the database must be read anew.
   */
  onRecovered: () => Promise<void>;
  /** Calls back after a pause. */
  wait: (ms: number, callback: () => void) => void;
}

interface Batch {
  seq: number;
  rows: UsageRow[];
}

interface QueuedCommand {
  id: number;
  command: StoreCommand;
}

export class GroupCommit {
  readonly #parts: GroupCommitParts;
  #batches: Batch[] = [];
  #commands: QueuedCommand[] = [];
  /** `due` later in this turn; `pausing` after a commit that failed. */
  #state: 'idle' | 'due' | 'committing' | 'pausing' = 'idle';
  #fault: string | null = null;
  #retryMs = retryMsMin;
  #onIdle: (() => void) | null = null;

  constructor(parts: GroupCommitParts) {
    this.#parts = parts;
  }

  /** Queues rows; the ack with their `seq` or a higher one says that they are committed. */
  addRows(seq: number, rows: UsageRow[]): void {
    this.#batches.push({ seq, rows });
    this.#wake();
  }

  /** Queues a command; its result follows. While the database can't be written it is refused at once. */
  addCommand(id: number, command: StoreCommand): void {
    if (this.#fault !== null) {
      this.#parts.send({ t: 'result', id, result: 'unavailable' });
      return;
    }
    this.#commands.push({ id, command });
    this.#wake();
  }

  /** Resolves when all that was queued is committed, or was found impossible. */
  idle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  #isIdle(): boolean {
    if (this.#state === 'due' || this.#state === 'committing') return false;
    return this.#batches.length === 0 && this.#commands.length === 0;
  }

  #wake(): void {
    if (this.#state !== 'idle') return;
    this.#state = 'due';
    // In the next phase of this turn: all messages that could be read at once are in the queue by then.
    setImmediate(() => void this.#run());
  }

  async #run(): Promise<void> {
    this.#state = 'committing';
    do {
      const batches = this.#batches;
      const commands = this.#commands;
      this.#batches = [];
      this.#commands = [];
      try {
        await this.#commit(batches, commands);
      } catch (error) {
        this.#batches = batches.concat(this.#batches);
        this.#failed(error, commands);
        return;
      }
    } while (this.#batches.length > 0 || this.#commands.length > 0);
    this.#state = 'idle';
    this.#onIdle?.();
  }

  async #commit(batches: readonly Batch[], commands: readonly QueuedCommand[]): Promise<void> {
    const [first] = batches;
    const rows = batches.length === 1 && first !== undefined ? first.rows : batches.flatMap((batch) => batch.rows);
    const results = await this.#commitAll(rows, commands);
    const { send, onRecovered } = this.#parts;
    if (this.#fault !== null) {
      await onRecovered();
      this.#fault = null;
      send({ t: 'fault', code: null });
    }
    this.#retryMs = retryMsMin;
    for (const [index, { id }] of commands.entries())
      send({ t: 'result', id, result: results[index] ?? 'unavailable' });
    const last = batches.at(-1);
    if (last !== undefined) send({ t: 'ack', seq: last.seq });
  }

  /** One transaction; when a part of it is impossible, as many as it takes to commit everything else. */
  async #commitAll(rows: readonly UsageRow[], commands: readonly QueuedCommand[]): Promise<StoreResult[]> {
    const { store } = this.#parts;
    try {
      return await store.commit(
        rows,
        commands.map(({ command }) => command),
      );
    } catch (error) {
      if (!isImpossible(error)) throw error;
    }
    await this.#commitPossible(rows);
    const results: StoreResult[] = [];
    for (const { command } of commands) {
      try {
        results.push(...(await store.commit([], [command])));
      } catch (error) {
        if (!isImpossible(error)) throw error;
        this.#parts.onImpossible(command.op, error);
        results.push('unavailable');
      }
    }
    return results;
  }

  /** By halves, so that one impossible row among thousands costs few transactions. */
  async #commitPossible(rows: readonly UsageRow[]): Promise<void> {
    if (rows.length === 0) return;
    try {
      await this.#parts.store.commit(rows, []);
      return;
    } catch (error) {
      if (!isImpossible(error)) throw error;
      const [only] = rows;
      if (rows.length === 1 && only !== undefined) {
        // It is the row's fault only if everything else works: otherwise this rejects, and the row is kept.
        await this.#parts.store.commit([], []);
        this.#parts.onImpossible(`row ${only.id}`, error);
        return;
      }
    }
    const middle = rows.length >> 1;
    await this.#commitPossible(rows.slice(0, middle));
    await this.#commitPossible(rows.slice(middle));
  }

  #failed(error: unknown, commands: readonly QueuedCommand[]): void {
    const { send, wait } = this.#parts;
    const code = error instanceof StoreFault ? error.code : 'UNKNOWN';
    if (this.#fault !== code) send({ t: 'fault', code });
    this.#fault = code;
    for (const { id } of [...commands, ...this.#commands]) send({ t: 'result', id, result: 'unavailable' });
    this.#commands = [];
    this.#state = 'pausing';
    // Tried again even when no row waits: only a commit that works can end the fault.
    wait(this.#retryMs, () => void this.#run());
    this.#retryMs = Math.min(this.#retryMs * 2, retryMsMax);
  }
}

function isImpossible(error: unknown): error is StoreFault {
  return error instanceof StoreFault && error.isAboutData;
}
