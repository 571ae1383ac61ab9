/** Writes the pool's changes to the database, about a second after they happen: a rest that is lost is found out again. */
import type { Clock } from '../../shared/clock.ts';
import type { PoolStateEntry } from '../../shared/pool-state.ts';
import type { KeyPool } from './key-pool.ts';
import { toEntries } from './pool-storage.ts';

const saveEveryMs = 1_000;

export class PoolSaver {
  readonly #pool: KeyPool;
  readonly #clock: Clock;
  readonly #save: (entries: PoolStateEntry[]) => Promise<unknown>;
  readonly #timer: NodeJS.Timeout;
  #saving: Promise<void> | null = null;

  /** `save` rejects when the entries could not be written; they are written later then. */
  constructor(pool: KeyPool, clock: Clock, save: (entries: PoolStateEntry[]) => Promise<unknown>) {
    this.#pool = pool;
    this.#clock = clock;
    this.#save = save;
    this.#timer = setInterval(() => void this.flush(), saveEveryMs);
    this.#timer.unref();
  }

  /** Writes what has changed; resolves when that is done or has failed. */
  flush(): Promise<void> {
    if (this.#saving === null && !this.#pool.changes.isEmpty) {
      this.#saving = this.#write().finally(() => {
        this.#saving = null;
      });
    }
    return this.#saving ?? Promise.resolve();
  }

  /** Writes what is left, also what has changed while the last was written, and no more. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#saving;
    await this.flush();
  }

  async #write(): Promise<void> {
    const changes = this.#pool.changes.take();
    try {
      await this.#save(toEntries(changes, this.#pool, this.#clock));
    } catch {
      for (const { kind, id, model } of changes) this.#pool.changes.mark(kind, id, model);
    }
  }
}
