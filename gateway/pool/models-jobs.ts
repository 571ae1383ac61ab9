/** Asking Gemini which models a key offers: the one call that costs no quota. Done by workers, one job a key. */
import type { PlainError } from '../../shared/errors.ts';
import type { KeyOutcome } from '../../shared/key-outcome.ts';
import type { ListedModel } from '../../shared/messages.ts';
import type { Dispatch, WorkerSlot } from '../dispatch.ts';

/** What came of a job: the models, or the error and what it says about the key. */
export type ModelsResult = { models: ListedModel[] } | { error: PlainError; outcome: KeyOutcome };

interface Waiting {
  slot: WorkerSlot;
  settle: (result: ModelsResult) => void;
}

export class ModelsJobs {
  readonly #dispatch: Pick<Dispatch, 'leastLoaded' | 'post'>;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = -1;

  constructor(dispatch: Pick<Dispatch, 'leastLoaded' | 'post'>) {
    this.#dispatch = dispatch;
  }

  ask(key: string): Promise<ModelsResult> {
    // Ids below zero: requests count upwards from one.
    const id = this.#nextId--;
    const slot = this.#dispatch.leastLoaded();
    return new Promise((settle) => {
      this.#waiting.set(id, { slot, settle });
      this.#dispatch.post(slot, { t: 'job', id, job: { kind: 'models', key } });
    });
  }

  /** A worker's answer. */
  receive(id: number, result: ModelsResult): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.settle(result);
  }

  /** Jobs that went down with their thread fail. */
  threadLost(lost: WorkerSlot): void {
    const outcome: KeyOutcome = { kind: 'neutral', reason: 'worker_lost' };
    for (const [id, { slot }] of [...this.#waiting])
      if (slot === lost) this.receive(id, { error: { code: 'worker_lost' }, outcome });
  }
}
