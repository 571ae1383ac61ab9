/** Sums read from the tables of rollups, added up by group, and shown in the words of the admin API. */
import type { Percentiles } from '../../shared/admin-panel.ts';
import type { UsageSums } from '../../shared/admin-usage.ts';
import type { Connection, Statement } from '../store/database.ts';
import { addEncoded, addHistogram, encodeHistogram, type Histogram, percentile } from '../store/histogram.ts';
import { shownColumns, spanMs } from '../store/rollup.ts';
import type { Segment } from './range-cover.ts';

const nanosPerDollar = 1_000_000_000;

type Column = (typeof shownColumns)[number];

/** One group's sums, as a table of rollups has them. */
export interface SumsRow extends Record<Column, number | null> {
  owner: string;
  groupModel: string;
  /** Of the span, where sums are grouped by it. */
  startMs: number;
  durations: Uint8Array | null;
  firstTokens: Uint8Array | null;
}

/** Which rows of a table are summed, and by what they are grouped. */
export interface SumsQuery {
  table: 'rollups' | 'overall_rollups' | 'gemini_key_rollups';
  /** Column of the owner of the sums; null in the table over all. */
  owner: 'client_key_id' | 'gemini_key_id' | null;
  groupByOwner: boolean;
  groupByModel: boolean;
  /** A row for each span, instead of one for the whole segment. */
  groupByStart: boolean;
  ownerId: string | null;
  model: string | null;
}

/** Sums that are still being added up. */
export class SumsTotal {
  readonly #sums = new Map<Column, number>();
  readonly #durations: Histogram = new Map();
  readonly #firstTokens: Histogram = new Map();

  add(row: SumsRow): void {
    for (const column of shownColumns) this.#sums.set(column, this.of(column) + (row[column] ?? 0));
    if (row.durations !== null) addEncoded(this.#durations, row.durations);
    if (row.firstTokens !== null) addEncoded(this.#firstTokens, row.firstTokens);
  }

  addTotal(other: SumsTotal): void {
    for (const column of shownColumns) this.#sums.set(column, this.of(column) + other.of(column));
    addHistogram(this.#durations, other.#durations);
    addHistogram(this.#firstTokens, other.#firstTokens);
  }

  of(column: Column): number {
    return this.#sums.get(column) ?? 0;
  }

  toSums(): UsageSums {
    const requests = this.of('requests');
    const unpriced = this.of('unpriced');
    const costNano = this.of('cost_nano');
    return {
      requests,
      completed: this.of('completed'),
      client_gone: this.of('client_gone'),
      failed: requests - this.of('completed') - this.of('client_gone'),
      prompt_tokens: this.of('prompt_tokens'),
      cached_tokens: this.of('cached_tokens'),
      tool_prompt_tokens: this.of('tool_prompt_tokens'),
      thoughts_tokens: this.of('thoughts_tokens'),
      output_tokens: this.of('output_tokens'),
      cost: costNano === 0 && unpriced > 0 ? null : dollarsOf(costNano),
      unpriced_requests: unpriced,
      duration_ms: percentilesOf(this.#durations),
      first_token_ms: percentilesOf(this.#firstTokens),
    };
  }
}

/** Dollars of an amount in nano-dollars. */
export function dollarsOf(nano: number): number {
  return nano / nanosPerDollar;
}

/** Makes SQL's aggregate `sum_histograms(bytes)`, which the queries below use. */
export function addHistogramFunction(connection: Connection): void {
  connection.aggregate<Histogram>('sum_histograms', {
    start: () => new Map(),
    step: (histogram, bytes) => {
      if (bytes instanceof Uint8Array) addEncoded(histogram, bytes);
      return histogram;
    },
    result: (histogram) => encodeHistogram(histogram),
    deterministic: true,
  });
}

/** Reads the sums of a segment, a row a group. */
export class SumsReader {
  readonly #statement: Statement<(string | number)[], SumsRow>;
  readonly #query: SumsQuery;

  constructor(connection: Connection, query: SumsQuery) {
    this.#query = query;
    this.#statement = connection.prepare(sqlOf(query));
  }

  rows({ span, fromMs, toMs }: Segment): SumsRow[] {
    const { ownerId, model } = this.#query;
    const scope = ownerId === null ? [span, fromMs, toMs] : [fromMs, spanMs[span], spanMs[span], toMs, span, ownerId];
    return this.#statement.all(...scope, ...(model === null ? [] : [model]));
  }
}

function sqlOf({ table, owner, groupByOwner, groupByModel, groupByStart, ownerId, model }: SumsQuery): string {
  const groups = [
    ...(groupByStart ? ['startMs'] : []),
    ...(groupByOwner ? ['owner'] : []),
    ...(groupByModel ? ['groupModel'] : []),
  ];
  const selected = `
    SELECT ${groupByOwner && owner !== null ? owner : "''"} AS owner, ${groupByModel ? 'rollup.model' : "''"} AS groupModel,
      ${groupByStart ? 'start_ms' : '0'} AS startMs,
      ${shownColumns.map((column) => `sum(${column}) AS ${column}`).join(', ')},
      sum_histograms(duration_histogram) AS durations, sum_histograms(first_token_histogram) AS firstTokens`;
  const andModel = model === null ? '' : ' AND rollup.model = ?';
  const groupBy = groups.length === 0 ? '' : ` GROUP BY ${groups.join(', ')}`;
  if (ownerId === null)
    return `${selected} FROM ${table} AS rollup WHERE span = ? AND start_ms >= ? AND start_ms < ?${andModel}${groupBy}`;
  // One owner among many: looked up span by span, instead of reading those of all.
  return `
    WITH RECURSIVE starts (ms) AS (SELECT ? UNION ALL SELECT ms + ? FROM starts WHERE ms + ? < ?)
    ${selected} FROM starts CROSS JOIN ${table} AS rollup
    WHERE span = ? AND start_ms = ms AND ${owner} = ?${andModel}${groupBy}`;
}

function percentilesOf(histogram: Histogram): Percentiles | null {
  const p50 = percentile(histogram, 0.5);
  const p95 = percentile(histogram, 0.95);
  const p99 = percentile(histogram, 0.99);
  return p50 === null || p95 === null || p99 === null ? null : { p50, p95, p99 };
}
