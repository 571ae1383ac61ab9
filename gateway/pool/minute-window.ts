/**
 * What was taken within the last minute, as a sliding window: in no span of a minute is more taken than the limit,
 * wherever Google's own minute begins.
 */

/** A minute, and a little for the time that requests are on their way. */
const windowMs = 60_500;
/** Requests closer together than this share an entry, so that the window stays small whatever the rate. */
const entryMs = 250;

/** Several requests of nearly the same moment. */
export interface WindowEntry {
  firstMs: number;
  /** The entry counts for a window's length from here. */
  lastMs: number;
  requests: number;
  tokens: number;
  /** It has left the window; what is corrected in it afterwards changes nothing. */
  isOver: boolean;
}

export class MinuteWindow {
  #entries: WindowEntry[] = [];
  /** Entries before this one are over. */
  #first = 0;
  #requests = 0;
  #tokens = 0;

  requests(nowMs: number): number {
    this.#expire(nowMs);
    return this.#requests;
  }

  tokens(nowMs: number): number {
    this.#expire(nowMs);
    return this.#tokens;
  }

  /** Takes a part of the window; the entry is for `correct`. */
  take(nowMs: number, requests: number, tokens: number): WindowEntry {
    this.#expire(nowMs);
    this.#requests += requests;
    this.#tokens += tokens;
    const last = this.#entries.at(-1);
    if (last !== undefined && !last.isOver && nowMs - last.firstMs < entryMs) {
      last.lastMs = nowMs;
      last.requests += requests;
      last.tokens += tokens;
      return last;
    }
    const entry = { firstMs: nowMs, lastMs: nowMs, requests, tokens, isOver: false };
    this.#entries.push(entry);
    return entry;
  }

  /** Corrects what was taken, by differences, once it is known better. */
  correct(entry: WindowEntry, requests: number, tokens: number): void {
    if (entry.isOver) return;
    entry.requests += requests;
    entry.tokens += tokens;
    this.#requests += requests;
    this.#tokens += tokens;
  }

  /** Takes over all that is in another window, whose entries are corrected here from now on. */
  absorb(other: MinuteWindow): void {
    const entries = this.#entries.slice(this.#first).concat(other.#entries.slice(other.#first));
    this.#entries = entries.sort((one, another) => one.lastMs - another.lastMs);
    this.#first = 0;
    this.#requests += other.#requests;
    this.#tokens += other.#tokens;
  }

  /** Milliseconds until no more than `requests` and `tokens` are taken of the window. */
  freeInMs(nowMs: number, requests: number, tokens: number): number {
    this.#expire(nowMs);
    let tooMany = this.#requests - requests;
    let tooMuch = this.#tokens - tokens;
    if (tooMany <= 0 && tooMuch <= 0) return 0;
    for (let i = this.#first; i < this.#entries.length; i++) {
      const entry = this.#entries[i];
      if (entry === undefined) break;
      tooMany -= entry.requests;
      tooMuch -= entry.tokens;
      if (tooMany <= 0 && tooMuch <= 0) return entry.lastMs + windowMs - nowMs;
    }
    return 0;
  }

  #expire(nowMs: number): void {
    for (let entry = this.#entries[this.#first]; entry !== undefined; entry = this.#entries[this.#first]) {
      if (nowMs - entry.lastMs < windowMs) break;
      entry.isOver = true;
      this.#requests -= entry.requests;
      this.#tokens -= entry.tokens;
      this.#first++;
    }
    if (this.#first > 32 && this.#first * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
  }
}
