/**
 * Google's days: daily quotas begin anew at midnight in California, summer time and winter time alike.
 * https://ai.google.dev/gemini-api/docs/rate-limits
 */

const format = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'America/Los_Angeles',
  hourCycle: 'h23',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
});

const hourMs = 3_600_000;

/** One day in California, in wall milliseconds: from `startMs` on, before `endMs`. `name` is like 2026-11-25. */
export interface PacificDay {
  name: string;
  startMs: number;
  endMs: number;
}

let cached: PacificDay = { name: '', startMs: 0, endMs: 0 };

/** The day that a wall time lies in. Kept from call to call: formatting a date costs more than a lease does. */
export function pacificDayOf(wallMs: number): PacificDay {
  if (wallMs < cached.startMs || wallMs >= cached.endMs) {
    const { year, month, day } = partsOf(wallMs);
    const startMs = midnightOf(year, month, day);
    cached = { name: nameOf(wallMs), startMs, endMs: midnightOf(year, month, day + 1) };
  }
  return cached;
}

/** Midnight in California is 7 or 8 hours after midnight UTC; clocks are changed at two o'clock, so never both. */
function midnightOf(year: number, month: number, day: number): number {
  const summer = Date.UTC(year, month - 1, day) + 7 * hourMs;
  return partsOf(summer).hour === 0 ? summer : summer + hourMs;
}

function partsOf(wallMs: number): { year: number; month: number; day: number; hour: number } {
  const parts = { year: 0, month: 0, day: 0, hour: 0 };
  for (const { type, value } of format.formatToParts(wallMs))
    if (type === 'year' || type === 'month' || type === 'day' || type === 'hour') parts[type] = Number(value);
  return parts;
}

function nameOf(wallMs: number): string {
  const { year, month, day } = partsOf(wallMs);
  return `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}
