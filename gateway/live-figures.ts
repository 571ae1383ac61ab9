/**
 * The figures of the last minutes, for the live feed: counted as requests end, in memory of a fixed size, and worked out
 * only when somebody looks.
 */
import type { Percentiles } from '../shared/admin-panel.ts';
import type { Clock } from '../shared/clock.ts';
import type { UsageRow } from '../shared/rows.ts';

const windowSeconds = 300;
const rateSeconds = 5;
/** Requests whose times are kept: the percentiles are over the newest of the window. */
const samplesMax = 2_048;
const recentMax = 50;
/** Minutes of errors by reason; together a window and the minute that has begun. */
const errorMinutes = 6;

/** What a look at the last minutes shows. */
export interface RecentFigures {
  requestsPerSecond: number;
  tokensPerSecond: number;
  successRate: number | null;
  latencyMs: Percentiles | null;
  firstTokenMs: Percentiles | null;
  errorsByReason: Record<string, number>;
}

export class LiveFigures {
  readonly #clock: Clock;
  /** A slot a second, found by the second modulo the window; a slot of an older second counts as empty. */
  readonly #seconds = new Float64Array(windowSeconds).fill(-1);
  readonly #requests = new Uint32Array(windowSeconds);
  readonly #tokens = new Float64Array(windowSeconds);
  readonly #completed = new Uint32Array(windowSeconds);
  readonly #failed = new Uint32Array(windowSeconds);
  readonly #durations = new Samples(samplesMax);
  readonly #firstTokens = new Samples(samplesMax);
  readonly #errors: { minute: number; counts: Map<string, number> }[] = Array.from({ length: errorMinutes }, () => ({
    minute: -1,
    counts: new Map(),
  }));
  readonly #recent: UsageRow[] = [];
  /** Requests and tokens since the start. */
  totalRequests = 0;
  totalTokens = 0;
  /** Gets each row as it is counted; null while nobody watches. */
  onRow: ((row: UsageRow) => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts a request that is over. */
  observe(row: UsageRow): void {
    const second = Math.floor(this.#clock.monotonicMs() / 1000);
    const slot = second % windowSeconds;
    if (this.#seconds[slot] !== second) this.#clear(slot, second);
    const tokens = tokensOf(row);
    this.#requests[slot] = (this.#requests[slot] ?? 0) + 1;
    this.#tokens[slot] = (this.#tokens[slot] ?? 0) + tokens;
    if (row.termination === 'complete') this.#completed[slot] = (this.#completed[slot] ?? 0) + 1;
    else if (row.termination !== 'client_gone') {
      this.#failed[slot] = (this.#failed[slot] ?? 0) + 1;
      this.#countError(second, row.errorCode ?? 'unknown');
    }
    this.#durations.add(second, row.durationMs);
    if (row.firstTokenMs !== null) this.#firstTokens.add(second, row.firstTokenMs);
    this.totalRequests++;
    this.totalTokens += tokens;
    if (this.#recent.push(row) > recentMax) this.#recent.shift();
    this.onRow?.(row);
  }

  /** The rows that ended last, oldest first. */
  recentRows(): readonly UsageRow[] {
    return this.#recent;
  }

  look(): RecentFigures {
    const now = Math.floor(this.#clock.monotonicMs() / 1000);
    let completed = 0;
    let failed = 0;
    let requests = 0;
    let tokens = 0;
    for (let slot = 0; slot < windowSeconds; slot++) {
      const age = now - (this.#seconds[slot] ?? -1);
      if (age >= windowSeconds || (this.#seconds[slot] ?? -1) < 0) continue;
      completed += this.#completed[slot] ?? 0;
      failed += this.#failed[slot] ?? 0;
      // The second that runs is left out: it is not whole.
      if (age < 1 || age > rateSeconds) continue;
      requests += this.#requests[slot] ?? 0;
      tokens += this.#tokens[slot] ?? 0;
    }
    const since = now - windowSeconds;
    return {
      requestsPerSecond: requests / rateSeconds,
      tokensPerSecond: tokens / rateSeconds,
      successRate: completed + failed === 0 ? null : completed / (completed + failed),
      latencyMs: this.#durations.percentiles(since),
      firstTokenMs: this.#firstTokens.percentiles(since),
      errorsByReason: this.#errorsSince(now),
    };
  }

  #clear(slot: number, second: number): void {
    this.#seconds[slot] = second;
    this.#requests[slot] = 0;
    this.#tokens[slot] = 0;
    this.#completed[slot] = 0;
    this.#failed[slot] = 0;
  }

  #countError(second: number, reason: string): void {
    const minute = Math.floor(second / 60);
    const slot = this.#errors[minute % errorMinutes];
    if (slot === undefined) return;
    if (slot.minute !== minute) {
      slot.minute = minute;
      slot.counts.clear();
    }
    slot.counts.set(reason, (slot.counts.get(reason) ?? 0) + 1);
  }

  #errorsSince(nowSecond: number): Record<string, number> {
    const minute = Math.floor(nowSecond / 60);
    const sums: Record<string, number> = {};
    for (const slot of this.#errors)
      if (slot.minute > minute - errorMinutes)
        for (const [reason, count] of slot.counts) sums[reason] = (sums[reason] ?? 0) + count;
    return sums;
  }
}

/** The tokens of a request, of all kinds; cached ones are part of the prompt. */
export function tokensOf({ usage }: Pick<UsageRow, 'usage'>): number {
  return usage.prompt + usage.toolPrompt + usage.thoughts + usage.output;
}

/** The newest measurements with their second, in a ring. */
class Samples {
  readonly #values: Float64Array;
  readonly #seconds: Float64Array;
  #next = 0;

  constructor(size: number) {
    this.#values = new Float64Array(size);
    this.#seconds = new Float64Array(size).fill(Number.NEGATIVE_INFINITY);
  }

  add(second: number, value: number): void {
    this.#values[this.#next] = value;
    this.#seconds[this.#next] = second;
    this.#next = (this.#next + 1) % this.#values.length;
  }

  /** Nearest-rank percentiles of what came after second `since`. */
  percentiles(since: number): Percentiles | null {
    const values = this.#values.filter((_, index) => (this.#seconds[index] ?? Number.NEGATIVE_INFINITY) > since).sort();
    if (values.length === 0) return null;
    const at = (share: number): number => values[Math.max(0, Math.ceil(values.length * share) - 1)] ?? 0;
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
  }
}
