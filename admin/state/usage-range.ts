/** The span of time that charts show, as queries of the usage reports. */
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { SeriesAnswer, UsagePoint } from '../../shared/admin-usage.ts';
import { withQuery } from './api.ts';
import { type Range, range } from './preferences.ts';

const minute = 60_000;
const spans: Readonly<Record<Range, { ms: number; span: SeriesAnswer['span']; stepMs: number; renewMs: number }>> = {
  '1h': { ms: 60 * minute, span: 'minute', stepMs: minute, renewMs: 15_000 },
  '24h': { ms: 24 * 60 * minute, span: 'hour', stepMs: 60 * minute, renewMs: 60_000 },
  '7d': { ms: 7 * 24 * 60 * minute, span: 'hour', stepMs: 60 * minute, renewMs: 300_000 },
  '30d': { ms: 30 * 24 * 60 * minute, span: 'day', stepMs: 24 * 60 * minute, renewMs: 300_000 },
};

const renewedMs = signal(Date.now());

/** The end of what is asked for; moves on while the component is shown, so that charts follow the time. */
export function useRenewal(): void {
  const { renewMs } = spans[range.value];
  useEffect(() => {
    renewedMs.value = Date.now();
    const timer = setInterval(() => {
      if (!document.hidden) renewedMs.value = Date.now();
    }, renewMs);
    return () => clearInterval(timer);
  }, [renewMs]);
}

/** The query of a report over the chosen range. */
export function rangeQuery(): { from: number; to: number; time_zone: string } {
  const { ms, stepMs } = spans[range.value];
  const to = renewedMs.value;
  return {
    from: Math.floor((to - ms) / stepMs) * stepMs,
    to,
    time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
}

export function seriesPath(more: Record<string, string | null>): string {
  return withQuery('/usage/series', { ...rangeQuery(), span: spans[range.value].span, ...more });
}

export interface Columns {
  /** Seconds since 1970. */
  times: number[];
  /** What is not grouped, or the sum of all other groups, has neither key nor label. */
  groups: { key: string | null; label: string | null; points: (UsagePoint | null)[] }[];
}

/** Points of all groups on the same times, with null where a group had no traffic. */
export function columnsOf({ series, from, to }: SeriesAnswer): Columns {
  const { stepMs } = spans[range.value];
  const starts = new Set<number>();
  for (const { points } of series) for (const { start } of points) starts.add(Date.parse(start));
  // Days begin by the time zone, so the grid stands on a point that was answered, where there is one.
  const anchor = [...starts][0] ?? Date.parse(from);
  for (let at = anchor; at >= Date.parse(from); at -= stepMs) starts.add(at);
  for (let at = anchor; at < Date.parse(to); at += stepMs) starts.add(at);
  const times = [...starts].sort((a, b) => a - b);
  return {
    times: times.map((at) => at / 1000),
    groups: series.map(({ group, label, points }) => {
      const byStart = new Map(points.map((point) => [Date.parse(point.start), point]));
      return { key: group, label: group === null ? null : label, points: times.map((at) => byStart.get(at) ?? null) };
    }),
  };
}
