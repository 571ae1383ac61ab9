/**
 * The entry of the report reader, a thread with a read-only connection: answers the panel's questions from sums that are
 * kept with the rows, so that the time of an answer does not grow with their number, and no answer delays a commit.
 */
import { workerData } from 'node:worker_threads';
import type { ReportAnswer, ReportQuery } from '../shared/messages.ts';
import { readAudit } from './reports/audit-report.ts';
import { readExportPage } from './reports/export-page.ts';
import { readRequest, readRequests } from './reports/request-list.ts';
import { readSeries } from './reports/series-report.ts';
import { readSummary } from './reports/summary-report.ts';
import { readSpent, readTotals, readTotalsByClientKey } from './reports/totals-report.ts';
import { addHistogramFunction } from './reports/usage-sums.ts';
import { type Connection, openReadOnly } from './store/database.ts';

class ReportReader {
  readonly #path: string;
  /** Opened at the first question: the writer makes the file. */
  #connection: Connection | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /** No statement is left open between answers, so no snapshot is held that would keep the log from being cut. */
  answer(query: ReportQuery): ReportAnswer {
    const connection = this.#open();
    // The statements of one answer see the same database.
    return connection.transaction(() => answerFrom(connection, query))();
  }

  #open(): Connection {
    if (this.#connection !== null) return this.#connection;
    const connection = openReadOnly(this.#path);
    addHistogramFunction(connection);
    this.#connection = connection;
    return connection;
  }
}

function answerFrom(connection: Connection, query: ReportQuery): ReportAnswer {
  switch (query.report) {
    case 'totals':
      return { report: 'totals', totals: readTotals(connection) };
    case 'client_keys':
      return { report: 'client_keys', byClientKey: readTotalsByClientKey(connection) };
    case 'audit':
      return { report: 'audit', ...readAudit(connection, query.filter, query.limit, query.cursor) };
    case 'spent':
      return readSpent(connection, query.nowMs);
    case 'series':
      return readSeries(connection, query);
    case 'summary':
      return readSummary(connection, query);
    case 'requests': {
      const { filter, limit, cursor } = query;
      return { report: 'requests', ...readRequests(connection, filter, limit, cursor) };
    }
    case 'request':
      return { report: 'request', request: readRequest(connection, query.id) };
    case 'export_page':
      return readExportPage(connection, query);
    default:
      return query satisfies never;
  }
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
