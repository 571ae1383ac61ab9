/**
 * Sums over the rows of one batch, so that a batch of hundreds of rows changes few rows of the tables of sums. Time is
 * cut in UTC: a day is a day of UTC.
 */
import type { UsageRow } from '../../shared/rows.ts';
import { addHistogram, addTime, type Histogram } from './histogram.ts';

export type Span = 'minute' | 'hour' | 'day';

export const spanMs: Readonly<Record<Span, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

export interface Sums {
  requests: number;
  completed: number;
  clientGone: number;
  /** Rows without a known cost, and the cost of the others in nano-dollars. */
  unpriced: number;
  costNano: number;
  prompt: number;
  cached: number;
  toolPrompt: number;
  thoughts: number;
  output: number;
  finishStop: number;
  finishLength: number;
  finishToolCalls: number;
  finishContentFilter: number;
  durationMs: number;
  /** Rows that had a first token, and the sum of their times to it. */
  firstTokens: number;
  firstTokenMs: number;
  durations: Histogram;
  firstTokenTimes: Histogram;
}

/** Where sums belong: `owner` is a client key, a Gemini key or '' for all. */
export interface Place {
  span: Span;
  startMs: number;
  owner: string;
  model: string;
}

export interface Bucket extends Place {
  sums: Sums;
}

export interface ErrorBucket extends Place {
  errorCode: string;
  status: number;
  requests: number;
}

export interface Total {
  clientKeyId: string;
  sums: Sums;
  lastAtMs: number;
}

export class Rollup {
  readonly #byClientKey = new Buckets();
  readonly #byGeminiKey = new Buckets();
  readonly #errors = new Map<string, ErrorBucket>();
  readonly #lastAtMs = new Map<string, number>();
  rows = 0;

  /** Adds a row to its minute. */
  add(row: UsageRow): void {
    this.rows++;
    const startMs = startOf(row.atMs, 'minute');
    // What the client asked for stays out: whoever invents names would make rows without end.
    const model = row.modelServed ?? '';
    const { clientKeyId, geminiKeyId } = row;
    addRow(this.#byClientKey.at('minute', startMs, clientKeyId, model), row);
    if (geminiKeyId !== null) addRow(this.#byGeminiKey.at('minute', startMs, geminiKeyId, model), row);
    if (row.termination !== 'complete' && row.termination !== 'client_gone') this.#addError(row, startMs, model);
    const last = this.#lastAtMs.get(clientKeyId);
    if (last === undefined || row.atMs > last) this.#lastAtMs.set(clientKeyId, row.atMs);
  }

  /** The sums by client key and model: by minute, hour and day. */
  byClientKey(): Bucket[] {
    return this.#byClientKey.inAllSpans();
  }

  /** The sums by Gemini key and model. */
  byGeminiKey(): Bucket[] {
    return this.#byGeminiKey.inAllSpans();
  }

  /** The sums over all. */
  overall(): Bucket[] {
    const overall = new Buckets();
    for (const { startMs, sums } of this.#byClientKey.all()) addSums(overall.at('minute', startMs, '', ''), sums);
    return overall.inAllSpans();
  }

  /** Failed requests by error code and status. */
  errors(): ErrorBucket[] {
    const folded = [...this.#errors.values()];
    for (const span of ['hour', 'day'] as const)
      for (const bucket of this.#errors.values())
        folded.push({ ...bucket, span, startMs: startOf(bucket.startMs, span) });
    return folded;
  }

  /** The sums by client key alone. */
  totals(): Total[] {
    const totals = new Buckets();
    for (const { owner, sums } of this.#byClientKey.all()) addSums(totals.at('day', 0, owner, ''), sums);
    return [...totals.all()].map(({ owner, sums }) => ({
      clientKeyId: owner,
      sums,
      lastAtMs: this.#lastAtMs.get(owner) ?? 0,
    }));
  }

  #addError(row: UsageRow, startMs: number, model: string): void {
    const { clientKeyId: owner, status } = row;
    const errorCode = row.errorCode ?? 'unknown';
    const key = `${status} ${errorCode} ${keyOf(startMs, owner, model)}`;
    const known = this.#errors.get(key);
    if (known === undefined)
      this.#errors.set(key, { span: 'minute', startMs, owner, model, errorCode, status, requests: 1 });
    else known.requests++;
  }
}

export function startOf(ms: number, span: Span): number {
  return Math.floor(ms / spanMs[span]) * spanMs[span];
}

/** Sums by place, of one span at a time. */
class Buckets {
  readonly #byPlace = new Map<string, Bucket>();
  #last: Bucket | null = null;

  /** The sums at a place, which is made when there is none. */
  at(span: Span, startMs: number, owner: string, model: string): Sums {
    const last = this.#last;
    if (last !== null && last.startMs === startMs && last.owner === owner && last.model === model) return last.sums;
    const key = keyOf(startMs, owner, model);
    let bucket = this.#byPlace.get(key);
    if (bucket === undefined) {
      bucket = { span, startMs, owner, model, sums: noSums() };
      this.#byPlace.set(key, bucket);
    }
    this.#last = bucket;
    return bucket.sums;
  }

  all(): Iterable<Bucket> {
    return this.#byPlace.values();
  }

  /** Minutes, with the hours and days that they lie in. */
  inAllSpans(): Bucket[] {
    const buckets = [...this.#byPlace.values()];
    for (const span of ['hour', 'day'] as const) {
      const folded = new Buckets();
      for (const { startMs, owner, model, sums } of this.#byPlace.values())
        addSums(folded.at(span, startOf(startMs, span), owner, model), sums);
      buckets.push(...folded.all());
    }
    return buckets;
  }
}

/** With the length in it, no two places share a key, whatever characters ids and models hold. */
function keyOf(startMs: number, owner: string, model: string): string {
  return `${startMs} ${owner.length} ${owner}${model}`;
}

function addRow(sums: Sums, row: UsageRow): void {
  const { usage } = row;
  sums.requests++;
  if (row.termination === 'complete') sums.completed++;
  else if (row.termination === 'client_gone') sums.clientGone++;
  if (row.costNano === null) sums.unpriced++;
  else sums.costNano += row.costNano;
  sums.prompt += usage.prompt;
  sums.cached += usage.cached;
  sums.toolPrompt += usage.toolPrompt;
  sums.thoughts += usage.thoughts;
  sums.output += usage.output;
  addFinish(sums, row.finishReason);
  sums.durationMs += row.durationMs;
  addTime(sums.durations, row.durationMs);
  if (row.firstTokenMs === null) return;
  sums.firstTokens++;
  sums.firstTokenMs += row.firstTokenMs;
  addTime(sums.firstTokenTimes, row.firstTokenMs);
}

function addFinish(sums: Sums, finishReason: string | null): void {
  switch (finishReason) {
    case 'stop':
      sums.finishStop++;
      return;
    case 'length':
      sums.finishLength++;
      return;
    case 'tool_calls':
    case 'function_call':
      sums.finishToolCalls++;
      return;
    case 'content_filter':
      sums.finishContentFilter++;
      return;
    default:
  }
}

function noSums(): Sums {
  return {
    requests: 0,
    completed: 0,
    clientGone: 0,
    unpriced: 0,
    costNano: 0,
    prompt: 0,
    cached: 0,
    toolPrompt: 0,
    thoughts: 0,
    output: 0,
    finishStop: 0,
    finishLength: 0,
    finishToolCalls: 0,
    finishContentFilter: 0,
    durationMs: 0,
    firstTokens: 0,
    firstTokenMs: 0,
    durations: new Map(),
    firstTokenTimes: new Map(),
  };
}

function addSums(to: Sums, from: Sums): void {
  to.requests += from.requests;
  to.completed += from.completed;
  to.clientGone += from.clientGone;
  to.unpriced += from.unpriced;
  to.costNano += from.costNano;
  to.prompt += from.prompt;
  to.cached += from.cached;
  to.toolPrompt += from.toolPrompt;
  to.thoughts += from.thoughts;
  to.output += from.output;
  to.finishStop += from.finishStop;
  to.finishLength += from.finishLength;
  to.finishToolCalls += from.finishToolCalls;
  to.finishContentFilter += from.finishContentFilter;
  to.durationMs += from.durationMs;
  to.firstTokens += from.firstTokens;
  to.firstTokenMs += from.firstTokenMs;
  addHistogram(to.durations, from.durations);
  addHistogram(to.firstTokenTimes, from.firstTokenTimes);
}
