/**
 * Rows on their way to the database. A row leaves here when the writer has committed it, and only then is the end of its
 * answer released: so every answer that a client saw whole has its row, whichever process is killed. When the writer
 * can't commit, rows wait in bounded memory and answers are released after a grace, which is counted.
 */
import type { Clock } from '../shared/clock.ts';
import { limits } from '../shared/limits.ts';
import type { UsageRow } from '../shared/rows.ts';

/** Batches that may be on their way at once: enough to keep the writer busy, few enough to bound the channel's buffer. */
const batchesUnackedMax = 4;
/** Between two lines of the log about rows at their bound. */
const alertMs = 60_000;
/** Rows in one batch: a message of some hundred kilobytes at most. */
const batchRowsMax = 1_000;

interface WaitingRow {
  row: UsageRow;
  addedMs: number;
  /** Called once, when the row is committed or the grace is over; null for an answer that did not wait. */
  onSettled: (() => void) | null;
}

interface Batch {
  seq: number;
  rows: WaitingRow[];
}

export class UsageQueue {
  readonly #clock: Clock;
  readonly #send: (seq: number, rows: UsageRow[]) => void;
  readonly #onFull: (waiting: number) => void;
  #alertedMs: number | null = null;
  #pending: WaitingRow[] = [];
  #unacked: Batch[] = [];
  #unackedRows = 0;
  #nextSeq = 1;
  #connected = false;
  #flushScheduled = false;
  #onEmpty: (() => void) | null = null;
  /** Answers that were released without their row, since the writer did not commit in time. */
  releasedUncommitted = 0;
  committed = 0;

  /**
   * `send` passes a batch to the writer; it is called only between `connect` and `disconnect`. `onFull` is told once a
   * minute that rows are at their bound, as long as they are.
   */
  constructor(clock: Clock, send: (seq: number, rows: UsageRow[]) => void, onFull: (waiting: number) => void) {
    this.#clock = clock;
    this.#send = send;
    this.#onFull = onFull;
  }

  /** Rows that are not committed yet. */
  get waiting(): number {
    return this.#pending.length + this.#unackedRows;
  }

  get isFull(): boolean {
    return this.waiting >= limits.rowsWaitingMax;
  }

  /** Takes a row. Rows of one turn of the event loop leave in one message. */
  add(row: UsageRow, onSettled: (() => void) | null): void {
    this.#pending.push({ row, addedMs: this.#clock.monotonicMs(), onSettled });
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(() => {
      this.#flushScheduled = false;
      this.#flush();
    });
  }

  /** The writer is there: what it had not acknowledged goes again, which is safe since inserts are idempotent by row id. */
  connect(): void {
    this.#connected = true;
    for (const batch of this.#unacked)
      this.#send(
        batch.seq,
        batch.rows.map(({ row }) => row),
      );
    this.#flush();
  }

  disconnect(): void {
    this.#connected = false;
  }

  /** All batches up to `seq` are committed: their answers are released. */
  ack(seq: number): void {
    let acked = 0;
    while (acked < this.#unacked.length) {
      const batch = this.#unacked[acked];
      if (batch === undefined || batch.seq > seq) break;
      acked++;
      this.#unackedRows -= batch.rows.length;
      this.committed += batch.rows.length;
      for (const waiting of batch.rows) settle(waiting);
    }
    if (acked > 0) this.#unacked.splice(0, acked);
    this.#flush();
    if (this.waiting === 0) this.#onEmpty?.();
  }

  /** Releases the answers whose grace is over; their rows stay. Called by the gateway's sweep, once a second. */
  releaseOverdue(): void {
    const overdueMs = this.#clock.monotonicMs() - limits.commitGraceMs;
    for (const { rows } of this.#unacked) this.#releaseBefore(rows, overdueMs);
    this.#releaseBefore(this.#pending, overdueMs);
    this.#alert();
  }

  /** Resolves when every row is committed, or after `timeoutMs` with the number of rows that are not. */
  drained(timeoutMs: number): Promise<number> {
    if (this.waiting === 0) return Promise.resolve(0);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(this.waiting), timeoutMs);
      this.#onEmpty = () => {
        clearTimeout(timer);
        resolve(0);
      };
    });
  }

  #flush(): void {
    while (this.#connected && this.#pending.length > 0 && this.#unacked.length < batchesUnackedMax) {
      const rows = this.#pending.length <= batchRowsMax ? this.#pending : this.#pending.slice(0, batchRowsMax);
      this.#pending = this.#pending.length <= batchRowsMax ? [] : this.#pending.slice(batchRowsMax);
      const batch = { seq: this.#nextSeq++, rows };
      this.#unacked.push(batch);
      this.#unackedRows += rows.length;
      this.#send(
        batch.seq,
        rows.map(({ row }) => row),
      );
    }
  }

  #alert(): void {
    if (!this.isFull) return;
    const nowMs = this.#clock.monotonicMs();
    if (this.#alertedMs !== null && nowMs - this.#alertedMs < alertMs) return;
    this.#alertedMs = nowMs;
    this.#onFull(this.waiting);
  }

  #releaseBefore(rows: readonly WaitingRow[], overdueMs: number): void {
    for (const waiting of rows) {
      if (waiting.addedMs > overdueMs) return;
      if (settle(waiting)) this.releasedUncommitted++;
    }
  }
}

/** Releases an answer once; false when it was released before or never waited. */
function settle(waiting: WaitingRow): boolean {
  const { onSettled } = waiting;
  if (onSettled === null) return false;
  waiting.onSettled = null;
  onSettled();
  return true;
}
