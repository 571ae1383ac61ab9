/**
 * Sums over the rows of one batch, so that a batch of hundreds of rows changes few rows of the tables of sums. Time is
 * cut in UTC: a day is a day of UTC.
 */
import type { UsageRow } from '../../shared/rows.ts';

const minuteMs = 60_000;
/** Larger spans are sums of minutes. */
const largerSpans = [
  { span: 'hour', spanMs: 3_600_000 },
  { span: 'day', spanMs: 86_400_000 },
] as const;

export interface Sums {
  requests: number;
  completed: number;
  clientGone: number;
  prompt: number;
  cached: number;
  toolPrompt: number;
  thoughts: number;
  output: number;
  durationMs: number;
  /** Rows that had a first token, and the sum of their times to it. */
  firstTokens: number;
  firstTokenMs: number;
}

export interface Bucket {
  span: 'minute' | 'hour' | 'day';
  startMs: number;
  clientKeyId: string;
  model: string;
  sums: Sums;
}

export class Rollup {
  readonly #minutes = new Map<string, Bucket>();
  #last: Bucket | null = null;
  rows = 0;

  /** Adds a row to its minute. */
  add(row: UsageRow): void {
    this.rows++;
    const { sums } = this.#minuteOf(row);
    const { usage } = row;
    sums.requests++;
    if (row.termination === 'complete') sums.completed++;
    else if (row.termination === 'client_gone') sums.clientGone++;
    sums.prompt += usage.prompt;
    sums.cached += usage.cached;
    sums.toolPrompt += usage.toolPrompt;
    sums.thoughts += usage.thoughts;
    sums.output += usage.output;
    sums.durationMs += row.durationMs;
    if (row.firstTokenMs !== null) {
      sums.firstTokens++;
      sums.firstTokenMs += row.firstTokenMs;
    }
  }

  /** The sums by minute, hour and day. */
  buckets(): Bucket[] {
    const buckets = [...this.#minutes.values()];
    for (const { span, spanMs } of largerSpans) buckets.push(...this.#fold(span, (ms) => startOf(ms, spanMs), true));
    return buckets;
  }

  /** The sums by client key alone. */
  totals(): Bucket[] {
    return this.#fold('day', () => 0, false);
  }

  #minuteOf(row: UsageRow): Bucket {
    const startMs = startOf(row.atMs, minuteMs);
    const { clientKeyId } = row;
    // What the client asked for stays out: whoever invents names would make rows without end.
    const model = row.modelServed ?? '';
    const last = this.#last;
    if (last !== null && last.startMs === startMs && last.clientKeyId === clientKeyId && last.model === model)
      return last;
    const bucket = bucketIn(this.#minutes, { span: 'minute', startMs, clientKeyId, model });
    this.#last = bucket;
    return bucket;
  }

  #fold(span: Bucket['span'], start: (ms: number) => number, byModel: boolean): Bucket[] {
    const folded = new Map<string, Bucket>();
    for (const { startMs, clientKeyId, model, sums } of this.#minutes.values()) {
      const place = { span, startMs: start(startMs), clientKeyId, model: byModel ? model : '' };
      addSums(bucketIn(folded, place).sums, sums);
    }
    return [...folded.values()];
  }
}

function startOf(ms: number, spanMs: number): number {
  return Math.floor(ms / spanMs) * spanMs;
}

function bucketIn(buckets: Map<string, Bucket>, place: Omit<Bucket, 'sums'>): Bucket {
  // With the length in it, no two places share a key, whatever characters ids and models hold.
  const key = `${place.startMs} ${place.clientKeyId.length} ${place.clientKeyId}${place.model}`;
  let bucket = buckets.get(key);
  if (bucket === undefined) {
    bucket = { ...place, sums: noSums() };
    buckets.set(key, bucket);
  }
  return bucket;
}

function noSums(): Sums {
  return {
    requests: 0,
    completed: 0,
    clientGone: 0,
    prompt: 0,
    cached: 0,
    toolPrompt: 0,
    thoughts: 0,
    output: 0,
    durationMs: 0,
    firstTokens: 0,
    firstTokenMs: 0,
  };
}

function addSums(to: Sums, from: Sums): void {
  to.requests += from.requests;
  to.completed += from.completed;
  to.clientGone += from.clientGone;
  to.prompt += from.prompt;
  to.cached += from.cached;
  to.toolPrompt += from.toolPrompt;
  to.thoughts += from.thoughts;
  to.output += from.output;
  to.durationMs += from.durationMs;
  to.firstTokens += from.firstTokens;
  to.firstTokenMs += from.firstTokenMs;
}
