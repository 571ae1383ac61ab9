/**
 * When the first key is back for a model. Everybody who is refused asks, and it takes a look at every key: so the answer
 * is kept for as long as nothing changes.
 */
import type { Clock } from '../../shared/clock.ts';
import { limits } from '../../shared/limits.ts';
import type { LeaseCost } from '../../shared/messages.ts';
import { type PoolKey, quotaOwner, restLeftMs } from './pool-key.ts';
import type { QuotaLedger } from './quota-ledger.ts';

/** No key may serve: all rest (`retryAfterMs` until the first is back, and why that one does), or none is left (nulls). */
export interface NoLease {
  retryAfterMs: number | null;
  reason: string | null;
}

/** What changes by itself, such as the day, is seen after so long at the latest. */
const keptMs = 1_000;

interface Kept {
  soonest: NoLease;
  atMs: number;
  cost: LeaseCost;
  /** It holds whatever number of tokens is asked for. */
  isForAnyTokens: boolean;
}

export class SoonestReturn {
  readonly #keys: ReadonlyMap<string, PoolKey>;
  readonly #ledger: QuotaLedger;
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();

  constructor(keys: ReadonlyMap<string, PoolKey>, ledger: QuotaLedger, clock: Clock) {
    this.#keys = keys;
    this.#ledger = ledger;
    this.#clock = clock;
  }

  /** Something about the keys, their rests or their quotas is no longer as it was. */
  forget(): void {
    if (this.#kept.size > 0) this.#kept.clear();
  }

  /** When the first enabled key is back, and why it rests; nulls when no key is enabled. */
  of(model: string, cost: LeaseCost): NoLease {
    const nowMs = this.#clock.monotonicMs();
    const kept = this.#kept.get(model);
    if (kept !== undefined && holds(kept, cost, nowMs)) {
      const { retryAfterMs, reason } = kept.soonest;
      return { retryAfterMs: retryAfterMs === null ? null : Math.max(0, retryAfterMs - (nowMs - kept.atMs)), reason };
    }
    // Names come from clients.
    if (this.#kept.size >= limits.pooledModelsMax) this.#kept.clear();
    const found = this.#find(model, cost, nowMs);
    this.#kept.set(model, { ...found, atMs: nowMs, cost });
    return found.soonest;
  }

  #find(model: string, cost: LeaseCost, nowMs: number): Pick<Kept, 'soonest' | 'isForAnyTokens'> {
    const wallMs = this.#clock.wallMs();
    let soonest: NoLease = { retryAfterMs: null, reason: null };
    let isForAnyTokens = true;
    for (const key of this.#keys.values()) {
      if (key.disabled !== null) continue;
      const restMs = restLeftMs(key, model, nowMs);
      const quota = this.#ledger.find(quotaOwner(key), model);
      if (quota?.limitsTokens === true) isForAnyTokens = false;
      const quotaMs = quota?.freeInMs(nowMs, wallMs, cost) ?? 0;
      const retryAfterMs = Math.max(restMs, quotaMs);
      if (soonest.retryAfterMs !== null && retryAfterMs >= soonest.retryAfterMs) continue;
      const reason = quotaMs > restMs ? 'quota_known' : (key.rests.get(model)?.reason ?? null);
      soonest = { retryAfterMs, reason };
    }
    return { soonest, isForAnyTokens };
  }
}

function holds({ atMs, cost, isForAnyTokens }: Kept, asked: LeaseCost, nowMs: number): boolean {
  if (nowMs - atMs >= keptMs || asked.requests !== cost.requests) return false;
  return isForAnyTokens || asked.tokens === cost.tokens;
}
