/** The rests of keys: begun by refusals, shared within a project, lengthened but never cut short by another refusal. */
import { type KeyOutcome, projectRests, type RestReason } from '../../shared/key-outcome.ts';
import type { PoolChanges } from './pool-changes.ts';
import { type PoolKey, quotaOwner, type Rest } from './pool-key.ts';
import { type LastRest, nextRest, type RefusedAt } from './rest-rules.ts';

/** Rests that only a change on Google's side ends, which an operator may know of. */
export const lastingRests: ReadonlySet<RestReason> = new Set([
  'limit_zero',
  'model_closed',
  'permission_denied',
  'spend_cap',
]);

export class KeyRests {
  readonly #changes: PoolChanges;
  /** By quota owner and model, until something succeeds again. */
  readonly #last = new Map<string, LastRest>();

  constructor(changes: PoolChanges) {
    this.#changes = changes;
  }

  /** Google refused `key` for a model; all of `concerned` rest. */
  refused(
    key: PoolKey,
    model: string,
    outcome: Extract<KeyOutcome, { kind: 'rest' }>,
    at: RefusedAt,
    concerned: readonly PoolKey[],
  ): void {
    const name = nameOf(key, model);
    const last = nextRest(outcome, this.#last.get(name) ?? null, at);
    this.#last.set(name, last);
    for (const each of concerned) this.lengthen(each, model, { untilMs: last.endsMs, reason: last.reason });
  }

  /** The next refusal is a first one again, unless the request was on its way before the last. */
  succeeded(key: PoolKey, model: string, leasedMs: number): void {
    if (this.#last.size === 0) return;
    const name = nameOf(key, model);
    const last = this.#last.get(name);
    if (last !== undefined && leasedMs >= last.endsMs) this.#last.delete(name);
  }

  /** Of two rests the longer stands. */
  lengthen(key: PoolKey, model: string, rest: Rest): void {
    if (rest.untilMs <= (key.rests.get(model)?.untilMs ?? 0)) return;
    key.rests.set(model, rest);
    this.#changes.mark('rest', key.id, model);
  }

  /** What `from` rests for as a member of its project, `to` rests for as well. */
  share(from: PoolKey, to: PoolKey): void {
    for (const [model, rest] of from.rests) if (projectRests.has(rest.reason)) this.lengthen(to, model, rest);
  }

  /** Ends the rests of a key that have one of `reasons`, null for all; the next refusal is a first one again. */
  end(key: PoolKey, reasons: ReadonlySet<RestReason> | null): void {
    for (const [model, { reason }] of key.rests) {
      if (reasons !== null && !reasons.has(reason)) continue;
      this.#end(key, model);
      this.#last.delete(nameOf(key, model));
    }
  }

  forget(key: PoolKey, model: string): void {
    this.#end(key, model);
    this.#last.delete(nameOf(key, model));
  }

  /** The key is gone; what its project was refused stays. */
  forgetKey(key: PoolKey): void {
    for (const model of [...key.rests.keys()]) this.#end(key, model);
    if (key.project !== null) return;
    for (const model of key.figures.keys()) this.#last.delete(nameOf(key, model));
  }

  #end(key: PoolKey, model: string): void {
    if (key.rests.delete(model)) this.#changes.mark('rest', key.id, model);
  }
}

function nameOf(key: PoolKey, model: string): string {
  return `${quotaOwner(key)} ${model}`;
}
