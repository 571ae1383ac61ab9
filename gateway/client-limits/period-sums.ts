/**
 * Sums by day or month of UTC. A few periods are kept, not one: when the wall clock jumps over midnight and back, what
 * was used before is still there.
 */
import type { SpanUsage } from '../../shared/client-key.ts';

const dayMs = 86_400_000;
const periodsMax = 4;

export interface Period {
  /** The start of the period that holds a time, and of the one after it, in wall milliseconds. */
  startOf(ms: number): number;
  endOf(ms: number): number;
}

export const utcDay: Period = {
  startOf: (ms) => Math.floor(ms / dayMs) * dayMs,
  endOf: (ms) => Math.floor(ms / dayMs) * dayMs + dayMs,
};

export const utcMonth: Period = {
  startOf: (ms) => monthStart(ms, 0),
  endOf: (ms) => monthStart(ms, 1),
};

function monthStart(ms: number, monthsOn: number): number {
  const date = new Date(ms);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + monthsOn, 1);
}

const nothing: Readonly<SpanUsage> = Object.freeze({ tokens: 0, costNano: 0, unpriced: 0 });

export class PeriodSums {
  readonly #period: Period;
  readonly #sums = new Map<number, SpanUsage>();

  constructor(period: Period) {
    this.#period = period;
  }

  /** Adds to the period that holds `atMs`. */
  add(atMs: number, { tokens, costNano, unpriced }: SpanUsage): void {
    const start = this.#period.startOf(atMs);
    const sum = this.#sums.get(start);
    if (sum === undefined) {
      this.#sums.set(start, { tokens, costNano, unpriced });
      if (this.#sums.size > periodsMax) this.#sums.delete(Math.min(...this.#sums.keys()));
      return;
    }
    sum.tokens += tokens;
    sum.costNano += costNano;
    sum.unpriced += unpriced;
  }

  /** The sums of the period that holds `nowMs`. */
  at(nowMs: number): Readonly<SpanUsage> {
    return this.#sums.get(this.#period.startOf(nowMs)) ?? nothing;
  }

  /** Milliseconds until the next period begins. */
  msLeft(nowMs: number): number {
    return this.#period.endOf(nowMs) - nowMs;
  }
}
