/**
 * The models that the keys of the pool offer: fetched by a worker with one key after the other until each enabled key
 * was asked, joined, and kept for an hour. While a fetch fails, what was fetched before serves on.
 */
import type { Clock } from '../shared/clock.ts';
import { GatewayError, type PlainError } from '../shared/errors.ts';
import { limits } from '../shared/limits.ts';
import type { ListedModel } from '../shared/messages.ts';
import type { Dispatch } from './dispatch.ts';
import type { KeyPool } from './key-pool.ts';

/** Keys asked for one list: beyond a few, another key hardly knows another model, and each call takes its time. */
const keysAskedMax = 5;

/** Result of the job of one key. */
export type ModelsResult = { models: ListedModel[] } | { error: PlainError };

export class ModelList {
  readonly #clock: Clock;
  readonly #pool: KeyPool;
  readonly #dispatch: Dispatch;
  readonly #waiting = new Map<number, (result: ModelsResult) => void>();
  #models: ReadonlyMap<string, ListedModel> | null = null;
  #fetchedMs = 0;
  #fetching: Promise<ReadonlyMap<string, ListedModel>> | null = null;
  #nextId = -1;

  constructor(clock: Clock, pool: KeyPool, dispatch: Dispatch) {
    this.#clock = clock;
    this.#pool = pool;
    this.#dispatch = dispatch;
  }

  /** All models by id. Throws the worker's error when there is no list and none can be fetched. */
  async list(): Promise<ReadonlyMap<string, ListedModel>> {
    if (this.#models !== null && this.#clock.monotonicMs() - this.#fetchedMs < limits.modelListTtlMs)
      return this.#models;
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = null;
    });
    try {
      return await this.#fetching;
    } catch (error) {
      if (this.#models !== null) return this.#models;
      throw error;
    }
  }

  /** A worker's answer to a job of this list; false when the id belongs to somebody else. */
  receive(id: number, result: ModelsResult): boolean {
    const settle = this.#waiting.get(id);
    if (settle === undefined) return false;
    this.#waiting.delete(id);
    settle(result);
    return true;
  }

  /** Jobs that went down with their thread fail. */
  threadLost(): void {
    for (const id of [...this.#waiting.keys()]) this.receive(id, { error: { code: 'worker_lost' } });
  }

  /** The keys have changed: the next question fetches anew. */
  forget(): void {
    this.#fetchedMs = Number.NEGATIVE_INFINITY;
  }

  async #fetch(): Promise<ReadonlyMap<string, ListedModel>> {
    const keys = this.#pool.anyEnabledKeys().slice(0, keysAskedMax);
    if (keys.length === 0) throw new GatewayError('no_available_keys');
    const results = await Promise.all(keys.map(({ key }) => this.#ask(key)));
    const models = new Map<string, ListedModel>();
    let failure: PlainError | null = null;
    for (const result of results) {
      if ('error' in result) failure = result.error;
      else for (const model of result.models) models.set(model.id, model);
    }
    if (models.size === 0) {
      const { code, ...detail } = failure ?? { code: 'upstream_error' };
      throw new GatewayError(code, detail);
    }
    this.#models = models;
    this.#fetchedMs = this.#clock.monotonicMs();
    return models;
  }

  #ask(key: string): Promise<ModelsResult> {
    // Ids below zero: requests count upwards from one.
    const id = this.#nextId--;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#dispatch.post(this.#dispatch.leastLoaded(), { t: 'job', id, job: { kind: 'models', key } });
    });
  }
}
