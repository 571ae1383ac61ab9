/**
 * Histograms of times, small enough to stand in a rollup and exact when added up: buckets are fixed, eight to each
 * doubling, so that a percentile is off by a sixteenth at the most. Encoded as a bucket's byte and its count as a varint,
 * by bucket; no bytes are no times.
 */

/** Below this, each millisecond has a bucket of its own. */
const singles = 16;
const perDoubling = 8;
const longest = 2 ** 31 - 1;

/** Counts by bucket. */
export type Histogram = Map<number, number>;

/** The bucket of a time in milliseconds. */
export function bucketOf(ms: number): number {
  const value = Math.min(Math.max(0, Math.floor(ms)), longest);
  if (value < singles) return value;
  const exponent = 31 - Math.clz32(value);
  return singles + (exponent - 4) * perDoubling + ((value >> (exponent - 3)) & 7);
}

/** The time in the middle of a bucket. */
export function middleOf(bucket: number): number {
  if (bucket < singles) return bucket;
  const exponent = Math.floor((bucket - singles) / perDoubling) + 4;
  const width = 2 ** (exponent - 3);
  const start = 2 ** exponent + ((bucket - singles) % perDoubling) * width;
  return start + (width - 1) / 2;
}

export function addTime(histogram: Histogram, ms: number): void {
  const bucket = bucketOf(ms);
  histogram.set(bucket, (histogram.get(bucket) ?? 0) + 1);
}

export function addHistogram(to: Histogram, from: Histogram): void {
  for (const [bucket, count] of from) to.set(bucket, (to.get(bucket) ?? 0) + count);
}

export function encodeHistogram(histogram: Histogram): Buffer {
  const bytes: number[] = [];
  const buckets = histogram.size > 1 ? [...histogram.keys()].sort((a, b) => a - b) : histogram.keys();
  for (const bucket of buckets) pushEntry(bytes, bucket, histogram.get(bucket) ?? 0);
  return Buffer.from(bytes);
}

/** Adds what is encoded to the counts. */
export function addEncoded(to: Histogram, bytes: Uint8Array): void {
  const cursor = new Cursor(bytes);
  while (cursor.next()) to.set(cursor.bucket, (to.get(cursor.bucket) ?? 0) + cursor.count);
}

/** Milliseconds below which a share of the times lies; null when there are none. */
export function percentile(histogram: Histogram, share: number): number | null {
  let total = 0;
  for (const count of histogram.values()) total += count;
  let left = Math.max(1, Math.ceil(total * share));
  for (const bucket of [...histogram.keys()].sort((a, b) => a - b)) {
    left -= histogram.get(bucket) ?? 0;
    if (left <= 0) return middleOf(bucket);
  }
  return null;
}

function pushEntry(bytes: number[], bucket: number, count: number): void {
  bytes.push(bucket);
  let rest = count;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
}

/** Reads the entries of an encoded histogram one by one. */
class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;
  bucket = 0;
  count = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  next(): boolean {
    const bytes = this.#bytes;
    if (this.#at >= bytes.length) return false;
    this.bucket = bytes[this.#at++] ?? 0;
    let count = 0;
    let scale = 1;
    let byte = 0x80;
    while (byte >= 0x80 && this.#at < bytes.length) {
      byte = bytes[this.#at++] ?? 0;
      count += (byte & 0x7f) * scale;
      scale *= 0x80;
    }
    this.count = count;
    return true;
  }
}
