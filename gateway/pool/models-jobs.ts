/** Asking Gemini which models a key offers: the one call that costs no quota. Done by workers, one job a key. */
import type { PlainError } from '../../shared/errors.ts';
import type { KeyOutcome } from '../../shared/key-outcome.ts';
import type { ListedModel } from '../../shared/messages.ts';
import type { Dispatch } from '../dispatch.ts';

/** What came of a job: the models, or the error and what it says about the key. */
export type ModelsResult = { models: ListedModel[] } | { error: PlainError; outcome: KeyOutcome };

export class ModelsJobs {
  readonly #dispatch: Pick<Dispatch, 'leastLoaded' | 'post'>;
  readonly #waiting = new Map<number, (result: ModelsResult) => void>();
  #nextId = -1;

  constructor(dispatch: Pick<Dispatch, 'leastLoaded' | 'post'>) {
    this.#dispatch = dispatch;
  }

  ask(key: string): Promise<ModelsResult> {
    // Ids below zero: requests count upwards from one.
    const id = this.#nextId--;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#dispatch.post(this.#dispatch.leastLoaded(), { t: 'job', id, job: { kind: 'models', key } });
    });
  }

  /** A worker's answer. */
  receive(id: number, result: ModelsResult): void {
    const settle = this.#waiting.get(id);
    this.#waiting.delete(id);
    settle?.(result);
  }

  /** Jobs that went down with their thread fail. */
  threadLost(): void {
    const outcome: KeyOutcome = { kind: 'neutral', reason: 'worker_lost' };
    for (const id of [...this.#waiting.keys()]) this.receive(id, { error: { code: 'worker_lost' }, outcome });
  }
}
