/** The gateway's end of the report reader: a thread with a read-only connection, so that no question delays anything. */
import { Piscina } from 'piscina';
import { entryUrl } from '../shared/entry.ts';
import { GatewayError } from '../shared/errors.ts';
import { limits } from '../shared/limits.ts';
import type { Logger } from '../shared/log.ts';
import type { ReportAnswer, ReportQuery } from '../shared/messages.ts';

type AnswerTo<K extends ReportQuery['report']> = Extract<ReportAnswer, { report: K }>;
/** Reports that need no more than their name. */
type TotalsReport = 'totals' | 'client_keys';

export class Reports {
  readonly #pool: Piscina<ReportQuery, ReportAnswer>;
  readonly #log: Logger;

  /** The thread starts with the first question. */
  constructor(databasePath: string, log: Logger) {
    this.#log = log;
    this.#pool = new Piscina({
      filename: entryUrl('workers/report-reader').href,
      minThreads: 0,
      maxThreads: 1,
      concurrentTasksPerWorker: 1,
      maxQueue: limits.reportsWaitingMax,
      idleTimeout: limits.reportThreadIdleMs,
      // With atomics an idle thread parks, and could not be told to end.
      atomics: 'disabled',
      recordTiming: false,
      workerData: { databasePath },
      env: {},
    });
    this.#pool.on('error', (error) => log.error({ err: error }, 'the report reader failed'));
  }

  /** Asks the reader for totals. Rejects with `store_unavailable` when it fails or takes too long. */
  ask<K extends TotalsReport>(report: K): Promise<AnswerTo<K>> {
    return this.#answer(report, { report });
  }

  /** As `ask`, for what is to be said in more words. */
  query<K extends Exclude<ReportQuery['report'], TotalsReport>>(
    query: ReportQuery & { report: K },
  ): Promise<AnswerTo<K>> {
    return this.#answer(query.report, query);
  }

  stop(): Promise<void> {
    return this.#pool.destroy();
  }

  async #answer<K extends ReportQuery['report']>(report: K, query: ReportQuery): Promise<AnswerTo<K>> {
    const answer = await this.#inTime(this.#pool.run(query));
    if (!isAnswerTo(report, answer)) throw new GatewayError('internal_error');
    return answer;
  }

  #inTime(answer: Promise<ReportAnswer>): Promise<ReportAnswer> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new GatewayError('store_unavailable')), limits.reportMsMax);
      answer
        .then(resolve, (error: unknown) => {
          this.#log.error({ err: error }, 'a report failed');
          reject(new GatewayError('store_unavailable'));
        })
        .finally(() => clearTimeout(timer));
    });
  }
}

function isAnswerTo<K extends ReportQuery['report']>(report: K, answer: ReportAnswer): answer is AnswerTo<K> {
  return answer.report === report;
}
