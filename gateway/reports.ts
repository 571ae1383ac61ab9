/** The gateway's end of the report reader: a thread with a read-only connection, so that no question delays anything. */
import { Piscina } from 'piscina';
import { entryUrl } from '../shared/entry.ts';
import { GatewayError } from '../shared/errors.ts';
import { limits } from '../shared/limits.ts';
import type { Logger } from '../shared/log.ts';
import type { ReportAnswer, ReportQuery } from '../shared/messages.ts';

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

  /** Asks the reader. Rejects with `store_unavailable` when it fails or takes too long. */
  async ask<K extends ReportQuery['report']>(report: K): Promise<Extract<ReportAnswer, { report: K }>> {
    const answer = await this.#inTime(this.#pool.run({ report }));
    if (!isAnswerTo(report, answer)) throw new GatewayError('internal_error');
    return answer;
  }

  stop(): Promise<void> {
    return this.#pool.destroy();
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

function isAnswerTo<K extends ReportQuery['report']>(
  report: K,
  answer: ReportAnswer,
): answer is Extract<ReportAnswer, { report: K }> {
  return answer.report === report;
}
