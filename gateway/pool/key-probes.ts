/**
 * Brings back keys that Google refused, by asking which models they offer: that costs no quota. Each is asked again and
 * again, at growing distances, as long as it is out; what an operator has switched off is left alone.
 */
import type { Clock } from '../../shared/clock.ts';
import type { KeyPool } from './key-pool.ts';
import type { ModelsJobs, ModelsResult } from './models-jobs.ts';

const checkEveryMs = 10_000;
const firstAfterMs = 5 * 60_000;
const afterMsMax = 6 * 3_600_000;
/** Which models there are is told without credit too: whether there is some is found out by the next request. */
const firstAfterBillingMs = 3_600_000;
/** Keys asked at the same time: thousands may have gone out at once. */
const atOnceMax = 20;

interface Probing {
  nextMs: number;
  afterMs: number;
}

export class KeyProbes {
  readonly #pool: KeyPool;
  readonly #jobs: Pick<ModelsJobs, 'ask'>;
  readonly #clock: Clock;
  readonly #onBack: (keyId: string) => void;
  readonly #timer: NodeJS.Timeout;
  /** Also of keys that came back: one that is refused soon again is not asked sooner than it would have been. */
  readonly #probing = new Map<string, Probing>();
  /** Keys whose time has come, in the order in which they are asked. */
  readonly #due = new Set<string>();
  #asking = 0;

  constructor(pool: KeyPool, jobs: Pick<ModelsJobs, 'ask'>, clock: Clock, onBack: (keyId: string) => void) {
    this.#pool = pool;
    this.#jobs = jobs;
    this.#clock = clock;
    this.#onBack = onBack;
    this.#timer = setInterval(() => void this.check(), checkEveryMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Asks every key whose time has come; resolves when those that it began to ask have answered. */
  async check(): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    for (const { id, disabled } of this.#pool.keys()) {
      if (disabled?.by !== 'google') continue;
      const probing = this.#probing.get(id);
      if (probing === undefined) {
        const afterMs = disabled.reason === 'billing' ? firstAfterBillingMs : firstAfterMs;
        this.#probing.set(id, { nextMs: nowMs + afterMs, afterMs });
      } else if (probing.nextMs <= nowMs) {
        probing.afterMs = Math.min(probing.afterMs * 2, afterMsMax);
        probing.nextMs = nowMs + probing.afterMs;
        this.#due.add(id);
      }
    }
    for (const id of this.#probing.keys()) if (this.#pool.find(id) === null) this.#probing.delete(id);
    const asked: Promise<void>[] = [];
    while (this.#asking < atOnceMax && this.#due.size > this.#asking) asked.push(this.#askInTurn());
    await Promise.all(asked);
  }

  /** Asks one key after the other, as long as there are any. */
  async #askInTurn(): Promise<void> {
    this.#asking++;
    for (const id of this.#due) {
      this.#due.delete(id);
      await this.probe(id);
    }
    this.#asking--;
  }

  /** Asks one key now, and takes it in or out by the answer. Null when there is no such key. */
  async probe(id: string): Promise<ModelsResult | null> {
    const key = this.#pool.find(id);
    if (key === null) return null;
    const result = await this.#jobs.ask(key.key);
    const by = this.#pool.find(id)?.disabled?.by ?? null;
    if ('models' in result) {
      if (by === 'google') {
        this.#pool.enable(id);
        this.#onBack(id);
      }
    } else if (result.outcome.kind === 'disable' && by === null)
      this.#pool.disable(id, result.outcome.reason, 'google');
    return result;
  }
}
