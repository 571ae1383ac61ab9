/**
 * Requests by filter, newest first, a page at a time. An index leads by time, or over the few that went wrong; rollups
 * tell in which minutes a client key has any. What else is asked for is looked for slice by slice, for a limited time, and
 * goes on with the next page.
 */
import type { RequestEntry } from '../../shared/admin-usage.ts';
import type { RequestFilter } from '../../shared/usage-reports.ts';
import type { Connection, Statement } from '../store/database.ts';
import { busyRanges } from './busy-ranges.ts';
import { entryOf, type RequestRow, requestColumns } from './request-entry.ts';

/** Rows that one statement looks through: few at first, then more, up to what takes a few milliseconds. */
const firstSliceRows = 500;
const sliceRowsMax = 20_000;
/** After this a page is given as it is. */
const searchMsMax = 400;

export interface Page {
  requests: RequestEntry[];
  nextCursor: string | null;
}

/** The place of a row in the order: its time and its id. */
interface Place {
  atMs: number;
  id: string;
}

interface Condition {
  sql: string;
  values: (string | number)[];
}

/** Throws a RangeError for a cursor that no page had. */
export function readRequests(
  connection: Connection,
  filter: RequestFilter,
  limit: number,
  cursor: string | null,
): Page {
  const search = new Search(connection, filter);
  const fromMs = filter.fromMs ?? 0;
  const newest: Place = cursor === null ? { atMs: filter.toMs ?? Number.MAX_SAFE_INTEGER, id: '' } : placeOf(cursor);
  // One row more than asked for tells that there is another page.
  const rows: RequestRow[] = [];
  const untilMs = performance.now() + searchMsMax;
  let place: Place | null = null;
  if (filter.clientKeyId === null || search.isOverFailures)
    place = search.take(newest, fromMs, limit + 1, untilMs, rows);
  else
    for (const range of busyRanges(connection, filter.clientKeyId, fromMs, newest.atMs)) {
      const start: Place = range.toMs > newest.atMs ? newest : { atMs: range.toMs, id: '' };
      place = search.take(start, Math.max(fromMs, range.fromMs), limit + 1 - rows.length, untilMs, rows);
      if (rows.length > limit || place !== null) break;
      if (performance.now() > untilMs) {
        place = { atMs: range.fromMs, id: '' };
        break;
      }
    }
  if (rows.length > limit)
    return { requests: rows.slice(0, limit).map(entryOf), nextCursor: cursorOf(rows[limit - 1]) };
  return { requests: rows.map(entryOf), nextCursor: place === null ? null : `${place.atMs}-${place.id}` };
}

/** Reads along an index and keeps what fits the filter. */
class Search {
  readonly isOverFailures: boolean;
  readonly #select: Statement<(string | number)[], RequestRow>;
  readonly #skip: Statement<(string | number)[], Place>;
  readonly #search: Condition;

  constructor(connection: Connection, filter: RequestFilter) {
    this.isOverFailures = wentWrong(filter);
    const source = this.isOverFailures
      ? "requests INDEXED BY requests_not_completed WHERE termination <> 'complete'"
      : 'requests INDEXED BY requests_by_time WHERE true';
    this.#search = searchOf(filter);
    const [table, scope = ''] = source.split(' WHERE ');
    this.#select = connection.prepare(
      `SELECT ${requestColumns} FROM ${table} LEFT JOIN client_keys ON client_keys.id = client_key_id
       WHERE ${scope} AND (at_ms, requests.id) < (?, ?) AND (at_ms, requests.id) >= (?, ?) AND ${this.#search.sql}
       ORDER BY at_ms DESC, requests.id DESC LIMIT ?`,
    );
    this.#skip = connection.prepare(
      `SELECT at_ms AS atMs, id FROM ${source} AND (at_ms, id) < (?, ?) AND at_ms >= ?
       ORDER BY at_ms DESC, id DESC LIMIT 1 OFFSET ?`,
    );
  }

  /**
   * Adds up to `wanted` rows older than a place and not older than a time. Gives the place where the search stopped
   * because its time was over; null when it is done.
   */
  take(start: Place, fromMs: number, wanted: number, untilMs: number, rows: RequestRow[]): Place | null {
    const { sql, values } = this.#search;
    let missing = wanted;
    let place = start;
    for (let slice = firstSliceRows; ; slice = Math.min(slice * 4, sliceRowsMax)) {
      const end = sql === 'true' ? undefined : this.#skip.get(place.atMs, place.id, fromMs, slice - 1);
      const last: Place = end ?? { atMs: fromMs, id: '' };
      const found = this.#select.all(place.atMs, place.id, last.atMs, last.id, ...values, missing);
      rows.push(...found);
      missing -= found.length;
      if (missing === 0 || end === undefined) return null;
      place = end;
      if (performance.now() > untilMs) return place;
    }
  }
}

/** One request; null when there is none. */
export function readRequest(connection: Connection, id: string): RequestEntry | null {
  const row = connection
    .prepare<[string], RequestRow>(
      `SELECT ${requestColumns} FROM requests LEFT JOIN client_keys ON client_keys.id = client_key_id WHERE requests.id = ?`,
    )
    .get(id);
  return row === undefined ? null : entryOf(row);
}

function cursorOf(row: RequestRow | undefined): string | null {
  return row === undefined ? null : `${row.at_ms}-${row.id}`;
}

function placeOf(cursor: string): Place {
  const [, atMs, id] = /^(\d{1,15})-([0-9a-f]{0,64})$/.exec(cursor) ?? [];
  if (atMs === undefined || id === undefined) throw new RangeError('cursor');
  return { atMs: Number(atMs), id };
}

/** Whether only requests that went wrong can fit. */
function wentWrong({ outcome, errorCode, status }: RequestFilter): boolean {
  return outcome === 'failed' || outcome === 'client_gone' || errorCode !== null || (status !== null && status !== 200);
}

function searchOf(filter: RequestFilter): Condition {
  const conditions: Condition[] = [
    ...equals('client_key_id', filter.clientKeyId),
    ...equals('gemini_key_id', filter.geminiKeyId),
    ...equals('status', filter.status),
    ...equals('error_code', filter.errorCode),
    ...equals('endpoint', filter.endpoint),
    ...equals('stream', filter.stream === null ? null : Number(filter.stream)),
    ...(filter.model === null
      ? []
      : [{ sql: '(model_served = ? OR model_asked = ?)', values: [filter.model, filter.model] }]),
    ...outcomeIs(filter.outcome),
    ...(filter.text === null ? [] : [textIsIn(filter.text)]),
  ];
  if (conditions.length === 0) return { sql: 'true', values: [] };
  return {
    sql: conditions.map(({ sql }) => sql).join(' AND '),
    values: conditions.flatMap(({ values }) => values),
  };
}

function equals(column: string, value: string | number | null): Condition[] {
  return value === null ? [] : [{ sql: `requests.${column} = ?`, values: [value] }];
}

function outcomeIs(outcome: RequestFilter['outcome']): Condition[] {
  switch (outcome) {
    case 'completed':
      return [{ sql: "termination = 'complete'", values: [] }];
    case 'client_gone':
      return [{ sql: "termination = 'client_gone'", values: [] }];
    case 'failed':
      return [{ sql: "termination NOT IN ('complete', 'client_gone')", values: [] }];
    default:
      return [];
  }
}

function textIsIn(text: string): Condition {
  const places = ['requests.id', 'model_asked', 'model_served', 'error_code', 'error_message', 'client_keys.name'];
  return {
    sql: `(${places.map((place) => `instr(lower(${place}), ?) > 0`).join(' OR ')})`,
    values: places.map(() => text.toLowerCase()),
  };
}
