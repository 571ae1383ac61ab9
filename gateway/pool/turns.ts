/** The order in which keys take turns, for each model on its own. */
import { limits } from '../../shared/limits.ts';
import type { PoolKey } from './pool-key.ts';

export type Queue = Map<string, PoolKey>;

export class Turns {
  /** By model, the keys in the order of their next turns. Models in order of last use, so that the oldest can be dropped. */
  readonly #queues = new Map<string, Queue>();
  readonly #onForgotten: (model: string) => void;

  constructor(onForgotten: (model: string) => void) {
    this.#onForgotten = onForgotten;
  }

  /** The queue of a model, made of `keys` at first use. Names come from clients: the one used longest ago gives way. */
  queue(model: string, keys: ReadonlyMap<string, PoolKey>): Queue {
    const known = this.#queues.get(model);
    if (known !== undefined) {
      this.#queues.delete(model);
      this.#queues.set(model, known);
      return known;
    }
    if (this.#queues.size >= limits.pooledModelsMax) {
      const [oldest] = this.#queues.keys();
      if (oldest !== undefined) {
        this.#queues.delete(oldest);
        this.#onForgotten(oldest);
      }
    }
    const queue = new Map(keys);
    this.#queues.set(model, queue);
    return queue;
  }

  knows(model: string): boolean {
    return this.#queues.has(model);
  }

  /** A new key comes last in every queue. */
  add(key: PoolKey): void {
    for (const queue of this.#queues.values()) queue.set(key.id, key);
  }

  remove(id: string): void {
    for (const queue of this.#queues.values()) queue.delete(id);
  }
}
