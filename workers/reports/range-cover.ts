/**
 * A range of time as few rollups as make it up: days of UTC in its middle, hours and minutes towards its ends. So any
 * range, and a day of any time zone, is a sum over a few rows, to the minute.
 */
import type { Connection } from '../store/database.ts';
import { type Span, spanMs, startOf } from '../store/rollup.ts';

export interface Segment {
  span: Span;
  fromMs: number;
  toMs: number;
}

/** From when on minutes and hours are there; what was before is known only by the larger span. */
export interface Horizons {
  minuteMs: number;
  hourMs: number;
}

/** Of all tables of rollups: from the one asked here what is old is deleted first. */
export function readHorizons(connection: Connection): Horizons {
  const first = connection
    .prepare<[string], number | null>('SELECT min(start_ms) FROM overall_rollups WHERE span = ?')
    .pluck();
  const dayMs = first.get('day') ?? Number.POSITIVE_INFINITY;
  const horizon = (span: Span): number => {
    const startMs = first.get(span) ?? Number.POSITIVE_INFINITY;
    // Nothing of the span was deleted yet: then it is known that there was nothing before.
    return startOf(startMs, 'day') <= dayMs ? Number.NEGATIVE_INFINITY : startMs;
  };
  return { minuteMs: horizon('minute'), hourMs: horizon('hour') };
}

/** The last time up to a given one at which a range may begin or end: that of a span that is kept. */
export function edgeBefore(ms: number, horizons: Horizons): number {
  return startOf(ms, spanKept(ms, horizons));
}

/** The first such time from a given one on. */
export function edgeAfter(ms: number, horizons: Horizons): number {
  const span = spanKept(ms, horizons);
  return Math.ceil(ms / spanMs[span]) * spanMs[span];
}

function spanKept(ms: number, { minuteMs, hourMs }: Horizons): Span {
  if (ms >= minuteMs) return 'minute';
  return ms >= hourMs ? 'hour' : 'day';
}

/** The segments of a range whose ends `edgeBefore` gave. */
export function cover(fromMs: number, toMs: number): Segment[] {
  return cut(fromMs, toMs, ['day', 'hour', 'minute']);
}

function cut(fromMs: number, toMs: number, [span, ...smaller]: readonly Span[]): Segment[] {
  if (fromMs >= toMs || span === undefined) return [];
  const first = Math.ceil(fromMs / spanMs[span]) * spanMs[span];
  const last = startOf(toMs, span);
  if (first >= last) return cut(fromMs, toMs, smaller);
  return [...cut(fromMs, first, smaller), { span, fromMs: first, toMs: last }, ...cut(last, toMs, smaller)];
}
