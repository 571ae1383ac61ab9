/**
 * One timer for everything that waits: callbacks lie in buckets of a few milliseconds, so nine thousand paced streams
 * cost one tick, not nine thousand timers. Nothing is ever taken out; a callback whose stream is gone does nothing.
 */
const bucketMs = 2;

export class Pacer {
  readonly #buckets = new Map<number, (() => void)[]>();
  #timer: NodeJS.Timeout | null = null;
  #lastBucket = 0;

  /** Runs `callback` once, `ms` from now or up to a bucket later. */
  after(ms: number, callback: () => void): void {
    const bucket = Math.floor((performance.now() + ms) / bucketMs) + 1;
    const waiting = this.#buckets.get(bucket);
    if (waiting === undefined) this.#buckets.set(bucket, [callback]);
    else waiting.push(callback);
    if (this.#timer !== null) return;
    this.#lastBucket = Math.floor(performance.now() / bucketMs) - 1;
    this.#timer = setInterval(() => this.#run(), bucketMs);
  }

  #run(): void {
    const now = Math.floor(performance.now() / bucketMs);
    for (let bucket = this.#lastBucket + 1; bucket <= now; bucket++) {
      this.#lastBucket = bucket;
      const due = this.#buckets.get(bucket);
      if (due === undefined) continue;
      this.#buckets.delete(bucket);
      for (const callback of due) callback();
    }
    if (this.#buckets.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}
