/**
 * Deletes what is older than the operator wants to keep, a little at a time: each piece is a transaction of a few
 * milliseconds, so that no commit waits long. Days of sums and the totals of client keys stay for ever.
 */
import type { Retention } from '../../shared/messages.ts';
import type { Connection, Statement } from './database.ts';
import { type Span, spanMs, startOf } from './rollup.ts';

/** Rows that are deleted in one transaction. */
const pieceRows = 500;

/** From the first of these the reports learn from when on spans are whole, so from it they are deleted first. */
const tables = ['overall_rollups', 'rollups', 'gemini_key_rollups', 'error_rollups'] as const;

/** The oldest spans of one table of sums. */
interface Sums {
  span: Span;
  days: number;
  oldest: Statement<[string], number | null>;
  remove: Statement<[string, number]>;
}

export class Pruner {
  readonly #requestDays: number;
  readonly #removeRequests: Statement<[number]>;
  readonly #sums: readonly Sums[];
  readonly #inTransaction: (prune: () => boolean) => boolean;

  constructor(connection: Connection, { requestDays, minuteDays, hourDays }: Retention) {
    this.#requestDays = requestDays;
    this.#removeRequests = connection.prepare(
      `DELETE FROM requests WHERE id IN (
         SELECT id FROM requests INDEXED BY requests_by_time WHERE at_ms < ? ORDER BY at_ms LIMIT ${pieceRows})`,
    );
    this.#sums = tables.flatMap((table) =>
      [['minute', minuteDays] as const, ['hour', hourDays] as const].map(([span, days]) => ({
        span,
        days,
        oldest: connection
          .prepare<[string], number | null>(`SELECT min(start_ms) FROM ${table} WHERE span = ?`)
          .pluck(),
        remove: connection.prepare<[string, number]>(`DELETE FROM ${table} WHERE span = ? AND start_ms = ?`),
      })),
    );
    const transaction = connection.transaction((prune: () => boolean) => prune());
    this.#inTransaction = (prune) => transaction.immediate(prune);
  }

  /** Deletes one piece of what is too old at a time; false when there was nothing. Throws SQLite's errors. */
  prune(nowMs: number): boolean {
    return this.#inTransaction(() => this.#pruneRequests(nowMs) || this.#sums.some((sums) => pruneSums(sums, nowMs)));
  }

  #pruneRequests(nowMs: number): boolean {
    return this.#requestDays > 0 && this.#removeRequests.run(cutoff(nowMs, this.#requestDays)).changes > 0;
  }
}

function pruneSums({ span, days, oldest, remove }: Sums, nowMs: number): boolean {
  if (days === 0) return false;
  let removed = 0;
  for (let start = oldest.get(span); removed < pieceRows; start = oldest.get(span)) {
    if (start === undefined || start === null || start >= cutoff(nowMs, days)) break;
    removed += remove.run(span, start).changes;
  }
  return removed > 0;
}

/** Whole days of UTC, so that a day's smaller spans are there all or not at all. */
function cutoff(nowMs: number, days: number): number {
  return startOf(nowMs, 'day') - days * spanMs.day;
}
