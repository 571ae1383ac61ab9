/** Minutes, hours and days as people in a time zone count them: where they begin, with clocks that are put forward. */
import { type Span, spanMs } from '../store/rollup.ts';

/** A zone's offset from UTC in milliseconds at a time. */
type Offset = (ms: number) => number;

const offsets = new Map<string, Offset>();
/** Zones that are kept ready; names come from outside, so their number is bounded. */
const offsetsMax = 100;

/** Where the spans of a range begin, and where the last one ends: whole spans that contain the range. */
export function cutIntoSpans(fromMs: number, toMs: number, span: Span, timeZone: string): number[] {
  const offset = offsetOf(timeZone);
  const edges = [startOfSpan(fromMs, span, offset)];
  for (let edge = edges[0] ?? fromMs; edge < toMs; edges.push(edge)) edge = nextSpan(edge, span, offset);
  return edges;
}

function startOfSpan(ms: number, span: Span, offset: Offset): number {
  const length = spanMs[span];
  const local = Math.floor((ms + offset(ms)) / length) * length;
  const guess = local - offset(ms);
  // Between midnight and now the clocks may have been changed.
  return span === 'day' ? local - offset(guess) : guess;
}

function nextSpan(start: number, span: Span, offset: Offset): number {
  // A day has 23 to 25 hours: half a day later than a day later lies in the next one.
  return span === 'day' ? startOfSpan(start + 1.5 * spanMs.day, span, offset) : start + spanMs[span];
}

/** Throws a RangeError for a zone that is not known. */
function offsetOf(timeZone: string): Offset {
  const known = offsets.get(timeZone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const offset: Offset = (ms) => {
    const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
    const part = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
    const local = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
    return local - Math.floor(ms / 1000) * 1000;
  };
  if (offsets.size >= offsetsMax) offsets.clear();
  offsets.set(timeZone, timeZone === 'UTC' ? () => 0 : offset);
  return offset;
}
