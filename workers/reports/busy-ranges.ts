/** Where in time a client key has requests, newest first, as its rollups tell: so that nobody looks where there are none. */
import type { Connection, Statement } from '../store/database.ts';
import { type Span, spanMs, startOf } from '../store/rollup.ts';

export interface TimeRange {
  fromMs: number;
  toMs: number;
}

type Starts = Statement<[number, number, number, number, Span, string], number>;

/** Minutes with requests, or hours or days of a time of which only those are kept. */
export function* busyRanges(
  connection: Connection,
  clientKeyId: string,
  fromMs: number,
  toMs: number,
): Generator<TimeRange> {
  const bounds = connection
    .prepare<[], { first: number | null; last: number | null }>(
      "SELECT min(start_ms) AS first, max(start_ms) AS last FROM overall_rollups WHERE span = 'day'",
    )
    .get();
  if (bounds?.first == null || bounds.last == null) return;
  const starts: Starts = connection
    .prepare<[number, number, number, number, Span, string], number>(
      `WITH RECURSIVE starts (ms) AS (SELECT ? UNION ALL SELECT ms - ? FROM starts WHERE ms - ? >= ?)
       SELECT ms FROM starts WHERE EXISTS (
         SELECT 1 FROM rollups WHERE span = ? AND start_ms = ms AND client_key_id = ?)`,
    )
    .pluck();
  yield* within(starts, clientKeyId, ['day', 'hour', 'minute'], {
    fromMs: startOf(Math.max(fromMs, bounds.first), 'day'),
    toMs: Math.min(toMs, bounds.last + spanMs.day - 1) + 1,
  });
}

function* within(
  starts: Starts,
  clientKeyId: string,
  [span, ...smaller]: readonly Span[],
  range: TimeRange,
): Generator<TimeRange> {
  if (span === undefined || range.fromMs >= range.toMs) return;
  const length = spanMs[span];
  const found = starts.all(startOf(range.toMs - 1, span), length, length, range.fromMs, span, clientKeyId);
  for (const start of found) {
    const whole = { fromMs: start, toMs: start + length };
    let hasSmaller = false;
    for (const part of within(starts, clientKeyId, smaller, whole)) {
      hasSmaller = true;
      yield part;
    }
    // The smaller spans of this time were deleted, or this is the smallest.
    if (!hasSmaller) yield whole;
  }
}
