/** The order in which keys take turns, for each model on its own. */
import { limits } from '../../shared/limits.ts';
import type { PoolKey } from './pool-key.ts';

/** Keys that can't serve are looked at again after so long at the latest: what they wait for may come early. */
const asideMsMax = 1_000;
/** With many keys set aside, looking at all of them again takes its time: not more often, while others serve. */
const manyAside = 256;
const lookEveryMs = 100;

/** Of one model, the keys in the order of their next turns. */
export class Queue {
  #ready: Map<string, PoolKey>;
  /** Keys whose turn had come while they could serve nobody. They come before the others once they are back. */
  #aside = new Map<string, PoolKey>();
  /** Before this none of those set aside is back. */
  #lookMs = Number.POSITIVE_INFINITY;
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(keys: ReadonlyMap<string, PoolKey>) {
    this.#ready = new Map(keys);
  }

  /**
   * The first key that may serve. `waitMs` tells of a key for how long it can serve nobody, 0 when it may serve now, and
   * null when only this request is not for it.
   */
  next(nowMs: number, waitMs: (key: PoolKey) => number | null): PoolKey | null {
    const isDue = this.#aside.size < manyAside || nowMs - this.#lookedMs >= lookEveryMs;
    if (isDue && nowMs >= this.#lookMs) this.#lookAgain(nowMs);
    const first = this.#first(nowMs, waitMs);
    if (first !== null || nowMs < this.#lookMs) return first;
    this.#lookAgain(nowMs);
    return this.#first(nowMs, waitMs);
  }

  /** The key has its turn: it is the last from now on. */
  moveLast(key: PoolKey): void {
    this.remove(key.id);
    this.#ready.set(key.id, key);
  }

  /** Keys that were set aside may be back earlier than it seemed. */
  lookSoon(): void {
    this.#lookMs = Number.NEGATIVE_INFINITY;
  }

  remove(id: string): void {
    if (!this.#ready.delete(id)) this.#aside.delete(id);
  }

  #first(nowMs: number, waitMs: (key: PoolKey) => number | null): PoolKey | null {
    for (const key of this.#ready.values()) {
      const ms = waitMs(key);
      if (ms === 0) return key;
      if (ms === null) continue;
      this.#ready.delete(key.id);
      this.#aside.set(key.id, key);
      this.#lookMs = Math.min(this.#lookMs, nowMs + Math.min(ms, asideMsMax));
    }
    return null;
  }

  #lookAgain(nowMs: number): void {
    this.#lookedMs = nowMs;
    this.#lookMs = Number.POSITIVE_INFINITY;
    if (this.#aside.size === 0) return;
    for (const [id, key] of this.#ready) this.#aside.set(id, key);
    this.#ready = this.#aside;
    this.#aside = new Map();
  }
}

export class Turns {
  /** By model. In order of last use, so that the oldest can be dropped. */
  readonly #queues = new Map<string, Queue>();
  /** Models that there are, by Google's word. */
  readonly #proven = new Set<string>();
  /** The model that was used last. */
  #newest: string | null = null;
  readonly #onForgotten: (model: string) => void;

  constructor(onForgotten: (model: string) => void) {
    this.#onForgotten = onForgotten;
  }

  /**
   * The queue of a model, made of `keys` at first use. Names come from clients: the one used longest ago gives way, and
   * those that may be made up before others.
   */
  queue(model: string, keys: ReadonlyMap<string, PoolKey>): Queue {
    const known = this.#queues.get(model);
    if (known !== undefined) {
      // Mostly one model is asked for again and again.
      if (model === this.#newest) return known;
      this.#newest = model;
      this.#queues.delete(model);
      this.#queues.set(model, known);
      return known;
    }
    if (this.#queues.size >= limits.pooledModelsMax) this.#dropOne();
    const queue = new Queue(keys);
    this.#queues.set(model, queue);
    this.#newest = model;
    return queue;
  }

  find(model: string): Queue | null {
    return this.#queues.get(model) ?? null;
  }

  /** Google knows the model: what is known of it is worth more than a name. */
  prove(model: string): void {
    if (this.#queues.has(model)) this.#proven.add(model);
  }

  /** Whether there is such a model, by Google's word. */
  isProven(model: string): boolean {
    return this.#proven.has(model);
  }

  /** A new key comes last in every queue. */
  add(key: PoolKey): void {
    for (const queue of this.#queues.values()) queue.moveLast(key);
  }

  remove(id: string): void {
    for (const queue of this.#queues.values()) queue.remove(id);
  }

  /** Keys that were set aside may be back, for whatever model. */
  lookSoon(): void {
    for (const queue of this.#queues.values()) queue.lookSoon();
  }

  #dropOne(): void {
    let [dropped] = this.#queues.keys();
    for (const model of this.#queues.keys()) {
      if (this.#proven.has(model)) continue;
      dropped = model;
      break;
    }
    if (dropped === undefined) return;
    this.#queues.delete(dropped);
    this.#onForgotten(dropped);
    this.#proven.delete(dropped);
  }
}
