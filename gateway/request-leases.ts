/** The leases of one request: asked for by its worker, waited for when all keys rest for a moment, and given back. */
import type { PlainError } from '../shared/errors.ts';
import type { KeyOutcome } from '../shared/key-outcome.ts';
import type { LeaseCost, LeaseRetry, LeaseWish } from '../shared/messages.ts';
import type { KeyPool } from './pool/key-pool.ts';
import type { LeaseRequest, LeaseResult } from './pool/lease.ts';
import type { LeaseLine } from './pool/lease-line.ts';
import type { NoLease } from './pool/soonest-return.ts';
import type { RequestRecord } from './request-record.ts';
import type { RetryBudget } from './retry-budget.ts';

/** A wait that no client should sit out: its SDK is told not to try again. */
const longRestMs = 3_600_000;
/** A key is back by the time that the answer is read. */
const soonMs = 1_000;

/**
 * A prompt that takes this part of a project's tokens a minute may be refused by so many projects: it would put all of
 * them to rest, one after the other, for everybody else.
 */
const heavyShare = 0.25;
const heavyRefusalsMax = 2;

export interface LeaseParts {
  readonly pool: KeyPool;
  readonly line: LeaseLine;
  readonly retries: RetryBudget;
}

/** What comes of a wish; in the same turn, or later when it had to wait. */
export interface LeaseAnswers {
  onLease: (call: number, leaseId: number, key: string) => void;
  onNoLease: (call: number, error: PlainError) => void;
}

export class RequestLeases {
  readonly #parts: LeaseParts;
  readonly #record: RequestRecord;
  readonly #clientKeyId: string;
  readonly #answers: LeaseAnswers;
  /** The leases that are out, with the number of the attempt that each is for. */
  readonly #leases = new Map<number, number>();
  /** Tokens of the prompt, as the last wish said. */
  #tokens = 0;
  #heavyRefusals = 0;
  /** By call, the keys that it has tried. */
  readonly #tried: Set<string>[] = [];
  /** By call, how it leaves the line in which it stands. */
  readonly #waits = new Map<number, () => void>();

  constructor(parts: LeaseParts, record: RequestRecord, clientKeyId: string, answers: LeaseAnswers) {
    this.#parts = parts;
    this.#record = record;
    this.#clientKeyId = clientKeyId;
    this.#answers = answers;
  }

  /** A call of the request wants a key. */
  want(call: number, wish: LeaseWish, retry: LeaseRetry): void {
    if (retry === null) this.#parts.retries.earn();
    if (retry === 'trouble' && !this.#parts.retries.take()) {
      this.#answers.onNoLease(call, { code: 'upstream_overloaded' });
      return;
    }
    this.#tokens = wish.cost.tokens;
    if (this.#heavyRefusals >= heavyRefusalsMax) {
      this.#refuse(call, wish);
      return;
    }
    const tried = this.#tried[call] ?? new Set<string>();
    this.#tried[call] = tried;
    const { model, cost, ownedBy } = wish;
    const request: LeaseRequest = { model, cost, tried, affinity: ownedBy ?? wish.affinity };
    // A key that was tried is no use to what needs another project's: such a call neither waits nor stands in line.
    if (retry !== 'foreign' && this.#parts.line.isOpen(model)) {
      if (this.#wait(call, wish, { ...request, tried: null })) return;
      this.#refuse(call, wish);
      return;
    }
    // Another key is better than one that was tried; but one that failed for no fault of its own is better than none.
    const preferred = this.#parts.pool.lease(request);
    const lease =
      preferred.ok || tried.size === 0 || retry === 'foreign'
        ? preferred
        : this.#parts.pool.lease({ ...request, tried: null });
    if (lease.ok) this.#leased(call, model, lease);
    else if (retry === 'foreign' || !this.#wait(call, wish, { ...request, tried: null })) this.#refuse(call, wish);
  }

  /** A lease serves one more call. */
  callAgain(leaseId: number, promptTokens: number | null, cost: LeaseCost): void {
    this.#parts.pool.callAgain(leaseId, promptTokens, cost);
  }

  /** Ends a lease with what its use said about the key. */
  giveBack(leaseId: number, outcome: KeyOutcome): void {
    this.#parts.pool.report(leaseId, outcome);
    if (outcome.kind === 'rest' && this.#isHeavyFor(outcome)) this.#heavyRefusals++;
    const attempt = this.#leases.get(leaseId);
    if (attempt === undefined) return;
    this.#leases.delete(leaseId);
    this.#record.attemptEnded(attempt, outcome);
  }

  /** Ends what no message of the worker will end: what it says about the keys is nothing. */
  end(reason: string): void {
    this.leaveLine();
    // A lease that nobody used took nothing.
    const outcome = { kind: 'neutral', reason, isFree: reason === 'unused' } as const;
    for (const leaseId of [...this.#leases.keys()]) this.giveBack(leaseId, outcome);
  }

  #isHeavyFor({ refusal }: Extract<KeyOutcome, { kind: 'rest' }>): boolean {
    const tokens = refusal?.limits.find(({ of }) => of === 'tokens_per_minute');
    return tokens !== undefined && this.#tokens > tokens.limit * heavyShare;
  }

  /** Nobody waits any more. */
  leaveLine(): void {
    for (const leave of this.#waits.values()) leave();
    this.#waits.clear();
  }

  #wait(call: number, wish: LeaseWish, request: LeaseRequest): boolean {
    if (!wish.mayWait) return false;
    const leave = this.#parts.line.join({
      request,
      clientKeyId: this.#clientKeyId,
      onLease: (lease) => {
        this.#waits.delete(call);
        this.#leased(call, wish.model, lease);
      },
      onGiveUp: (noLease) => {
        this.#waits.delete(call);
        this.#answers.onNoLease(call, noLeaseError(noLease));
      },
    });
    if (leave === null) return false;
    this.#waits.set(call, leave);
    return true;
  }

  #leased(call: number, model: string, { leaseId, keyId, key }: Extract<LeaseResult, { ok: true }>): void {
    this.#tried[call]?.add(keyId);
    this.#leases.set(leaseId, this.#record.leased(keyId, model, call));
    this.#answers.onLease(call, leaseId, key);
  }

  #refuse(call: number, wish: LeaseWish): void {
    this.#answers.onNoLease(call, noLeaseError(this.#parts.pool.soonestReturn(wish.model, wish.cost)));
  }
}

/** What a client is told when no key may serve. */
export function noLeaseError({ retryAfterMs, reason }: NoLease): PlainError {
  if (retryAfterMs === null) return { code: 'no_available_keys' };
  // Closed to newer projects: waiting brings none of them in.
  if (reason === 'model_closed') return { code: 'model_not_found', param: 'model' };
  const isLong = retryAfterMs > longRestMs;
  return {
    code: 'keys_resting',
    retryAfterMs: Math.max(soonMs, retryAfterMs),
    ...(isLong ? { retryable: false } : {}),
  };
}
