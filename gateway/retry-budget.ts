/**
 * How many calls may be made again because of Gemini's own trouble: a share of the requests that come, so that an outage
 * is not made worse by those who suffer from it.
 */
import type { Clock } from '../shared/clock.ts';

/** Requests that earn one retry. The budget is counted in requests. */
const retryCost = 5;
/** With few requests a share is nothing: so many retries are there at the start, and come back at one a second. */
const reserve = 10 * retryCost;
const reservePerMs = retryCost / 1_000;
/** What is saved in quiet times is no licence for a storm. */
const budgetMax = 100 * retryCost;

export class RetryBudget {
  readonly #clock: Clock;
  #budget = reserve;
  #refilledMs: number;
  /** Retries that were not made. */
  refused = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#refilledMs = clock.monotonicMs();
  }

  /** A request has come. */
  earn(): void {
    this.#budget = Math.min(budgetMax, this.#budget + 1);
  }

  /** Takes one retry of the budget; false when it is used up. */
  take(): boolean {
    const nowMs = this.#clock.monotonicMs();
    if (this.#budget < reserve)
      this.#budget = Math.min(reserve, this.#budget + (nowMs - this.#refilledMs) * reservePerMs);
    this.#refilledMs = nowMs;
    if (this.#budget < retryCost) {
      this.refused++;
      return false;
    }
    this.#budget -= retryCost;
    return true;
  }
}
