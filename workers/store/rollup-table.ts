/**
 * A table of rollups. The sums that rows change are kept in memory, read once from the table, and each that a transaction
 * changed is written once in it, whole. So memory is ahead of the table within a transaction only: when one fails, or rows
 * of the table are deleted, what is in memory has to be forgotten.
 */
import type { UsageRow } from '../../shared/rows.ts';
import type { Connection, Statement } from './database.ts';
import { HistogramCounter } from './histogram-counter.ts';
import { addSums, type Span, startOf, sumColumns } from './rollup.ts';

/** Sums in memory, about two kilobytes each. All are forgotten when there are more, for most are of minutes gone by. */
const bucketsMax = 8_192;

/** Sums of one span, owner and model. */
interface Bucket {
  readonly span: Span;
  readonly startMs: number;
  readonly owner: string;
  readonly model: string;
  readonly sums: Float64Array;
  readonly durations: HistogramCounter;
  readonly firstTokenTimes: HistogramCounter;
  /** Whether it is to be written. */
  isChanged: boolean;
}

/** A minute, and the hour and the day in which it lies. */
interface Minute {
  readonly startMs: number;
  readonly owner: string;
  readonly model: string;
  readonly spans: readonly Bucket[];
}

/** The table's name, and the column of its owner; null in the table over all, which has no models either. */
export interface RollupTableName {
  table: string;
  owner: string | null;
}

export class RollupTable {
  readonly #hasOwner: boolean;
  readonly #read: Statement<unknown[], (number | Uint8Array | null)[]>;
  readonly #write: Statement;
  /** By place; hours and days apart, since minutes share them. */
  readonly #minutes = new Map<string, Minute>();
  readonly #larger = new Map<string, Bucket>();
  #last: Minute | null = null;
  #changed: Bucket[] = [];

  constructor(connection: Connection, { table, owner }: RollupTableName) {
    this.#hasOwner = owner !== null;
    const place = ['span', 'start_ms', ...(owner === null ? [] : [owner, 'model'])];
    const sums = [...sumColumns, 'duration_histogram', 'first_token_histogram'];
    this.#read = connection
      .prepare<unknown[], (number | Uint8Array | null)[]>(
        `SELECT ${sums.join(', ')} FROM ${table} WHERE ${place.map((column) => `${column} = ?`).join(' AND ')}`,
      )
      .raw();
    const columns = [...place, ...sums];
    this.#write = connection.prepare(
      `INSERT OR REPLACE INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
    );
  }
  /** Adds one row, by what `sumsOf` gave for it, to its minute, hour and day. */
  add(row: UsageRow, sums: readonly number[], owner: string, model: string): void {
    for (const bucket of this.#minuteOf(row.atMs, owner, model).spans) {
      addSums(bucket.sums, sums);
      bucket.durations.add(row.durationMs);
      if (row.firstTokenMs !== null) bucket.firstTokenTimes.add(row.firstTokenMs);
      if (bucket.isChanged) continue;
      bucket.isChanged = true;
      this.#changed.push(bucket);
    }
  }

  /** Writes what was changed. */
  write(): void {
    for (const bucket of this.#changed) {
      const { span, startMs, owner, model, sums, durations, firstTokenTimes } = bucket;
      if (this.#hasOwner) this.#write.run(span, startMs, owner, model, ...sums, durations.bytes, firstTokenTimes.bytes);
      else this.#write.run(span, startMs, ...sums, durations.bytes, firstTokenTimes.bytes);
      bucket.isChanged = false;
    }
    this.#changed = [];
    if (this.#minutes.size + this.#larger.size > bucketsMax) this.forget();
  }

  /** Forgets what is in memory, written or not. */
  forget(): void {
    this.#minutes.clear();
    this.#larger.clear();
    this.#last = null;
    this.#changed = [];
  }

  /** The sums of the place at which a row belongs, from memory or from the table. */
  #minuteOf(atMs: number, owner: string, model: string): Minute {
    const startMs = startOf(atMs, 'minute');
    const last = this.#last;
    if (last !== null && last.startMs === startMs && last.owner === owner && last.model === model) return last;
    const key = keyOf(startMs, owner, model);
    let minute = this.#minutes.get(key);
    if (minute === undefined) {
      const spans = [
        this.#load('minute', startMs, owner, model),
        this.#largerAt('hour', atMs, owner, model),
        this.#largerAt('day', atMs, owner, model),
      ];
      minute = { startMs, owner, model, spans };
      this.#minutes.set(key, minute);
    }
    this.#last = minute;
    return minute;
  }

  #largerAt(span: 'hour' | 'day', atMs: number, owner: string, model: string): Bucket {
    const startMs = startOf(atMs, span);
    const key = `${span} ${keyOf(startMs, owner, model)}`;
    const known = this.#larger.get(key);
    if (known !== undefined) return known;
    const bucket = this.#load(span, startMs, owner, model);
    this.#larger.set(key, bucket);
    return bucket;
  }

  #load(span: Span, startMs: number, owner: string, model: string): Bucket {
    const stored = this.#hasOwner ? this.#read.get(span, startMs, owner, model) : this.#read.get(span, startMs);
    const histogramAt = (index: number): HistogramCounter => {
      const bytes = stored?.[index];
      return new HistogramCounter(bytes instanceof Uint8Array ? bytes : null);
    };
    return {
      span,
      startMs,
      owner,
      model,
      sums: Float64Array.from(sumColumns, (_, index) => Number(stored?.[index] ?? 0)),
      durations: histogramAt(sumColumns.length),
      firstTokenTimes: histogramAt(sumColumns.length + 1),
      isChanged: false,
    };
  }
}

/** With the length in it, no two places share a key, whatever characters ids and models hold. */
function keyOf(startMs: number, owner: string, model: string): string {
  return `${startMs} ${owner.length} ${owner}${model}`;
}
