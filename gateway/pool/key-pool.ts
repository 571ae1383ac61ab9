/**
 * The pool of Gemini keys: a pure state machine with the clock passed in, owned by the gateway's thread alone. For each
 * model the keys stand in a queue; a lease takes the first that may serve and puts it last, so that over a run in which
 * the same keys are available each gets its turn, give or take one.
 */
import type { Clock } from '../shared/clock.ts';
import { maskSecret } from '../shared/ids.ts';
import type { KeyOutcome } from '../shared/key-outcome.ts';
import { limits } from '../shared/limits.ts';
import type { GeminiKey } from '../shared/rows.ts';

/** A key's state for everything; rests are kept per model. */
interface PoolKey {
  readonly id: string;
  readonly key: string;
  readonly source: GeminiKey['source'];
  /** Why the key is out of the pool; null while it is in. */
  disabledReason: string | null;
  inFlight: number;
  /** Until when the key rests, in monotonic milliseconds, by model. */
  readonly rests: Map<string, Rest>;
}

interface Rest {
  untilMs: number;
  reason: string;
}

interface Lease {
  readonly key: PoolKey;
  readonly model: string;
}

export type LeaseResult = { ok: true; leaseId: number; keyId: string; key: string } | ({ ok: false } & NoLease);

/** No key may serve: all rest (`retryAfterMs` until the first is back, and why that one does), or none is left (nulls). */
export interface NoLease {
  retryAfterMs: number | null;
  reason: string | null;
}

/** What the pool tells about a key; the key itself never leaves it this way. */
export interface KeyStatus {
  id: string;
  masked: string;
  source: GeminiKey['source'];
  disabledReason: string | null;
  inFlight: number;
  rests: { model: string; remainingMs: number; reason: string }[];
}

export class KeyPool {
  readonly #clock: Clock;
  readonly #keys = new Map<string, PoolKey>();
  /** By model, the keys in the order of their next turns. Models in order of last use, so that the oldest can be dropped. */
  readonly #queues = new Map<string, Map<string, PoolKey>>();
  readonly #leases = new Map<number, Lease>();
  #nextLeaseId = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Adds a key at the end of every queue. False when the same key is there already. */
  add({ id, key, source }: GeminiKey): boolean {
    for (const known of this.#keys.values()) if (known.key === key || known.id === id) return false;
    const added: PoolKey = { id, key, source, disabledReason: null, inFlight: 0, rests: new Map() };
    this.#keys.set(id, added);
    for (const queue of this.#queues.values()) queue.set(id, added);
    return true;
  }

  /** Takes a key out; leases that it has run to their end. */
  remove(id: string): boolean {
    for (const queue of this.#queues.values()) queue.delete(id);
    return this.#keys.delete(id);
  }

  /** Whether the pool holds this very key. */
  holds(key: string): boolean {
    for (const known of this.#keys.values()) if (known.key === key) return true;
    return false;
  }

  /**
   * Leases the key whose turn it is for `model`, other than those of `tried`. Each lease ends with one `report`.
   */
  lease(model: string, tried: ReadonlySet<string> | null): LeaseResult {
    const nowMs = this.#clock.monotonicMs();
    const queue = this.#queue(model);
    for (const key of queue.values()) {
      if (key.disabledReason !== null || tried?.has(key.id) || isResting(key, model, nowMs)) continue;
      queue.delete(key.id);
      queue.set(key.id, key);
      key.inFlight++;
      const leaseId = this.#nextLeaseId++;
      this.#leases.set(leaseId, { key, model });
      return { ok: true, leaseId, keyId: key.id, key: key.key };
    }
    return { ok: false, ...this.#soonestReturn(model, nowMs) };
  }

  /** Ends a lease with what it said about its key. A lease that is over already changes nothing. */
  report(leaseId: number, outcome: KeyOutcome): void {
    const lease = this.#leases.get(leaseId);
    if (lease === undefined) return;
    this.#leases.delete(leaseId);
    const { key, model } = lease;
    key.inFlight--;
    if (outcome.kind === 'disable') key.disabledReason = outcome.reason;
    // A model that has given way meanwhile has no rests either, or they would never be dropped.
    if (outcome.kind === 'rest' && this.#queues.has(model)) {
      const untilMs = this.#clock.monotonicMs() + outcome.forMs;
      // Of two answers to requests of the same moment the longer rest stands.
      if (untilMs > (key.rests.get(model)?.untilMs ?? 0)) key.rests.set(model, { untilMs, reason: outcome.reason });
    }
  }

  /** How many keys there are, how many are in the pool, and how many leases are out. */
  counts(): { total: number; enabled: number; leases: number } {
    let enabled = 0;
    for (const key of this.#keys.values()) if (key.disabledReason === null) enabled++;
    return { total: this.#keys.size, enabled, leases: this.#leases.size };
  }

  /** Any key that is in the pool, for jobs that cost no quota; null when there is none. */
  anyEnabledKeys(): { id: string; key: string }[] {
    const enabled = [];
    for (const { id, key, disabledReason } of this.#keys.values())
      if (disabledReason === null) enabled.push({ id, key });
    return enabled;
  }

  status(): KeyStatus[] {
    const nowMs = this.#clock.monotonicMs();
    return [...this.#keys.values()].map(({ id, key, source, disabledReason, inFlight, rests }) => ({
      id,
      masked: maskSecret(key),
      source,
      disabledReason,
      inFlight,
      rests: [...rests]
        .filter(([, rest]) => rest.untilMs > nowMs)
        .map(([model, rest]) => ({ model, remainingMs: rest.untilMs - nowMs, reason: rest.reason })),
    }));
  }

  /** The queue of a model, made at first use. Names come from clients: the one used longest ago gives way at the bound. */
  #queue(model: string): Map<string, PoolKey> {
    const known = this.#queues.get(model);
    if (known !== undefined) {
      this.#queues.delete(model);
      this.#queues.set(model, known);
      return known;
    }
    if (this.#queues.size >= limits.pooledModelsMax) {
      const [oldest] = this.#queues.keys();
      if (oldest !== undefined) this.#forget(oldest);
    }
    const queue = new Map(this.#keys);
    this.#queues.set(model, queue);
    return queue;
  }

  #forget(model: string): void {
    this.#queues.delete(model);
    for (const key of this.#keys.values()) key.rests.delete(model);
  }

  /** When the first enabled key is back for `model`, and why it rests; nulls when no key is enabled. */
  #soonestReturn(model: string, nowMs: number): NoLease {
    let soonest: NoLease = { retryAfterMs: null, reason: null };
    for (const key of this.#keys.values()) {
      if (key.disabledReason !== null) continue;
      const rest = key.rests.get(model);
      const retryAfterMs = Math.max(0, (rest?.untilMs ?? nowMs) - nowMs);
      if (soonest.retryAfterMs === null || retryAfterMs < soonest.retryAfterMs)
        soonest = { retryAfterMs, reason: rest?.reason ?? null };
    }
    return soonest;
  }
}

/** Whether a key rests for a model; a rest that is over is dropped on the way. */
function isResting(key: PoolKey, model: string, nowMs: number): boolean {
  if (key.rests.size === 0) return false;
  const rest = key.rests.get(model);
  if (rest === undefined) return false;
  if (rest.untilMs > nowMs) return true;
  key.rests.delete(model);
  return false;
}
