/** A histogram that is counted in its encoded form, so that a time costs a byte or two and storing it costs nothing. */
import { bucketOf } from './histogram.ts';

const buckets = 256;
const firstCapacity = 32;

export class HistogramCounter {
  #buffer: Uint8Array;
  #length: number;
  #bytes: Uint8Array | null = null;
  /** Where each bucket's count begins; 0, where a bucket's byte stands, for one without. */
  readonly #counts = new Uint16Array(buckets);

  /** Goes on from what `encodeHistogram` or another counter gave, which is copied; null is no times. */
  constructor(encoded: Uint8Array | null) {
    this.#length = encoded?.length ?? 0;
    this.#buffer = new Uint8Array(Math.max(firstCapacity, this.#length * 2));
    if (encoded === null) return;
    this.#buffer.set(encoded);
    for (let at = 0; at < encoded.length; at++) {
      const bucket = encoded[at++] ?? 0;
      this.#counts[bucket] = at;
      while ((encoded[at] ?? 0) >= 0x80) at++;
    }
  }

  /** As `encodeHistogram` gives it; good until the next time is added. */
  get bytes(): Uint8Array {
    this.#bytes ??= this.#buffer.subarray(0, this.#length);
    return this.#bytes;
  }

  /** Adds a time in milliseconds. */
  add(ms: number): void {
    const bucket = bucketOf(ms);
    let at = this.#counts[bucket] ?? 0;
    if (at === 0) {
      this.#insertBucket(bucket);
      return;
    }
    // Seven bits a byte, the lowest first; a byte that is full carries one to the next.
    let byte = this.#buffer[at] ?? 0;
    while (byte === 0xff) {
      this.#buffer[at++] = 0x80;
      byte = this.#buffer[at] ?? 0;
    }
    if (byte === 0x7f) {
      this.#buffer[at] = 0x80;
      this.#insert(bucket, at + 1, 1);
      this.#buffer[at + 1] = 1;
    } else this.#buffer[at] = byte + 1;
  }

  #insertBucket(bucket: number): void {
    let next = bucket + 1;
    while (next < buckets && this.#counts[next] === 0) next++;
    const at = next < buckets ? (this.#counts[next] ?? 0) - 1 : this.#length;
    this.#insert(bucket, at, 2);
    this.#buffer[at] = bucket;
    this.#buffer[at + 1] = 1;
    this.#counts[bucket] = at + 1;
  }

  /** Makes room at a place, before all that belongs to the buckets after one. */
  #insert(bucket: number, at: number, bytes: number): void {
    if (this.#length + bytes > this.#buffer.length) {
      const larger = new Uint8Array(this.#buffer.length * 2);
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    this.#buffer.copyWithin(at + bytes, at, this.#length);
    this.#length += bytes;
    this.#bytes = null;
    for (let next = bucket + 1; next < buckets; next++) {
      const count = this.#counts[next] ?? 0;
      if (count > 0) this.#counts[next] = count + bytes;
    }
  }
}
