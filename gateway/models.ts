/**
 * The models that the keys of the pool offer: those of a few enabled keys joined, and kept for an hour. While a fetch
 * fails, what was fetched before serves on.
 */
import type { Clock } from '../shared/clock.ts';
import { GatewayError, type PlainError } from '../shared/errors.ts';
import { limits } from '../shared/limits.ts';
import type { ListedModel } from '../shared/messages.ts';
import type { KeyPool } from './pool/key-pool.ts';
import type { ModelsJobs } from './pool/models-jobs.ts';

/** Keys asked for one list: beyond a few, another key hardly knows another model, and each call takes its time. */
const keysAskedMax = 5;
/** Keys that turn out to be refused for good tell nothing of models: others are asked instead, so often. */
const roundsMax = 4;

type Models = ReadonlyMap<string, ListedModel>;

export class ModelList {
  readonly #clock: Clock;
  readonly #pool: KeyPool;
  readonly #jobs: Pick<ModelsJobs, 'ask'>;
  #models: Models | null = null;
  /** Until when what there is serves. */
  #freshUntilMs = Number.NEGATIVE_INFINITY;
  #fetching: Promise<Models> | null = null;

  constructor(clock: Clock, pool: KeyPool, jobs: Pick<ModelsJobs, 'ask'>) {
    this.#clock = clock;
    this.#pool = pool;
    this.#jobs = jobs;
  }

  /** All models by id. Throws the worker's error when there is no list and none can be fetched. */
  async list(): Promise<Models> {
    if (this.#models !== null && this.#clock.monotonicMs() < this.#freshUntilMs) return this.#models;
    this.#fetching ??= this.#fetch();
    try {
      return await this.#fetching;
    } catch (error) {
      if (this.#models === null) throw error;
      this.#freshUntilMs = this.#clock.monotonicMs() + limits.modelListRetryMs;
      return this.#models;
    }
  }

  /** The keys have changed: the next question fetches anew, and what is being fetched is not kept. */
  forget(): void {
    this.#freshUntilMs = Number.NEGATIVE_INFINITY;
    this.#fetching = null;
  }

  #fetch(): Promise<Models> {
    const fetching = this.#ask().then(
      (models) => {
        if (this.#fetching === fetching) {
          this.#models = models;
          this.#freshUntilMs = this.#clock.monotonicMs() + limits.modelListTtlMs;
          this.#fetching = null;
        }
        return models;
      },
      (error: unknown) => {
        if (this.#fetching === fetching) this.#fetching = null;
        throw error;
      },
    );
    return fetching;
  }

  async #ask(): Promise<Models> {
    let failure: PlainError = { code: 'no_available_keys' };
    for (let round = 0; round < roundsMax; round++) {
      const keys = this.#pool.enabledKeys().slice(0, keysAskedMax);
      if (keys.length === 0) break;
      const models = new Map<string, ListedModel>();
      let isRefused = false;
      for (const [id, result] of await Promise.all(
        keys.map(async ({ id, key }) => [id, await this.#jobs.ask(key)] as const),
      )) {
        if ('models' in result) for (const model of result.models) models.set(model.id, model);
        else {
          failure = result.error;
          if (result.outcome.kind !== 'disable') continue;
          isRefused = true;
          this.#pool.disable(id, result.outcome.reason, 'google');
        }
      }
      if (models.size > 0) return models;
      if (!isRefused) break;
    }
    const { code, ...detail } = failure;
    throw new GatewayError(code, detail);
  }
}
