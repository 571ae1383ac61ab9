/** Times as they come in bodies of the admin API. */

const iso8601 = /^(\d{4})-(\d{2})-(\d{2})T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;

/** Wall milliseconds of an ISO 8601 time with a zone, as `2027-01-31T00:00:00Z`; null for any other text. */
export function readTime(text: string): number | null {
  const match = iso8601.exec(text);
  if (match === null) return null;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  // The language's own parser takes the 30th of February for the 2nd of March.
  if (day < 1 || day > new Date(Date.UTC(year, month, 0)).getUTCDate()) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) || ms < 0 ? null : ms;
}

/** As `readTime`, and epoch milliseconds as well. */
export function readTimeOrMs(value: string | number): number | null {
  if (typeof value === 'number') return value;
  return /^\d{1,15}$/.test(value) ? Number(value) : readTime(value);
}
