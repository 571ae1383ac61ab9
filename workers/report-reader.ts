/**
 * The entry of the report reader, a thread with a read-only connection: answers the panel's questions from sums that are
 * kept with the rows, so that the time of an answer does not grow with their number, and no answer delays a commit.
 */
import { workerData } from 'node:worker_threads';
import type { ReportAnswer, ReportQuery } from '../shared/messages.ts';
import type { UsageTotals } from '../shared/rows.ts';
import { type Connection, openReadOnly } from './store/database.ts';

/** Thoughts are billed as output; what tools put into the prompt, as input. */
const sums = `
  coalesce(sum(requests), 0) AS requests,
  coalesce(sum(prompt_tokens + tool_prompt_tokens), 0) AS inputTokens,
  coalesce(sum(output_tokens + thoughts_tokens), 0) AS outputTokens`;

class ReportReader {
  readonly #path: string;
  /** Opened at the first question: the writer makes the file. */
  #connection: Connection | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /** Each answer is one statement, so no snapshot is held that would keep the log from being cut. */
  answer(query: ReportQuery): ReportAnswer {
    this.#connection ??= openReadOnly(this.#path);
    switch (query.report) {
      case 'totals':
        return { report: 'totals', totals: totalsOf(this.#connection) };
      case 'client_keys':
        return { report: 'client_keys', byClientKey: totalsByClientKey(this.#connection) };
      default:
        return query satisfies never;
    }
  }
}

function totalsOf(connection: Connection): UsageTotals {
  const totals = connection.prepare<[], UsageTotals>(`SELECT ${sums} FROM client_key_totals`).get();
  return totals ?? { requests: 0, inputTokens: 0, outputTokens: 0 };
}

function totalsByClientKey(connection: Connection): Record<string, UsageTotals> {
  const rows = connection
    .prepare<[], UsageTotals & { clientKeyId: string }>(
      `SELECT client_key_id AS clientKeyId, ${sums} FROM client_key_totals GROUP BY client_key_id`,
    )
    .all();
  return Object.fromEntries(rows.map(({ clientKeyId, ...totals }) => [clientKeyId, totals]));
}

const reader = new ReportReader(databasePathOf(workerData));

/** Answers one question; throws SQLite's errors, which say nothing of what is stored. */
export default function answer(query: ReportQuery): ReportAnswer {
  return reader.answer(query);
}

function databasePathOf(data: unknown): string {
  if (typeof data === 'object' && data !== null && 'databasePath' in data && typeof data.databasePath === 'string')
    return data.databasePath;
  throw new TypeError('The report reader needs the path of the database.');
}
