/** The quotas of keys in the ledger: booked with each lease, shared within a project, and marked for the database. */
import type { Clock } from '../../shared/clock.ts';
import type { KeyOutcome, QuotaLimit } from '../../shared/key-outcome.ts';
import type { LeaseCost } from '../../shared/messages.ts';
import type { Lease } from './lease.ts';
import type { PoolChanges } from './pool-changes.ts';
import { type PoolKey, quotaOwner } from './pool-key.ts';
import type { Quota, QuotaLedger, Reservation } from './quota-ledger.ts';
import type { Turns } from './turns.ts';

/** What can't be served can serve nobody. */
const leastCost: LeaseCost = { requests: 1, tokens: 0 };

export class KeyQuotas {
  readonly #ledger: QuotaLedger;
  readonly #clock: Clock;
  readonly #changes: PoolChanges;
  readonly #turns: Pick<Turns, 'isProven'>;

  constructor(ledger: QuotaLedger, clock: Clock, changes: PoolChanges, turns: Pick<Turns, 'isProven'>) {
    this.#ledger = ledger;
    this.#clock = clock;
    this.#changes = changes;
    this.#turns = turns;
  }

  /** For how long the known limits let a key serve nobody; 0 when `cost` fits, null when only this is too much. */
  waitMs(key: PoolKey, model: string, cost: LeaseCost, nowMs: number): number | null {
    const quota = this.#ledger.find(quotaOwner(key), model);
    if (quota === null) return 0;
    const wallMs = this.#clock.wallMs();
    if (quota.freeInMs(nowMs, wallMs, cost) === 0) return 0;
    return quota.freeInMs(nowMs, wallMs, leastCost) || null;
  }

  reserve(key: PoolKey, model: string, cost: LeaseCost, nowMs: number): Reservation {
    const owner = quotaOwner(key);
    const quota = this.#ledger.quota(owner, model);
    const reservation = quota.reserve(nowMs, this.#clock.wallMs(), cost);
    this.#noteChange(quota, owner, model);
    return reservation;
  }

  /** Books what a lease really took. True when that is less than was set aside for it. */
  settle({ key, model, reservation }: Lease, outcome: KeyOutcome): boolean {
    const { quota, cost } = reservation;
    const isFree =
      outcome.kind === 'rest' || outcome.kind === 'disable' || (outcome.kind === 'neutral' && outcome.isFree === true);
    const tokens = outcome.kind === 'ok' ? (outcome.promptTokens ?? cost.tokens) : cost.tokens;
    quota.settle(reservation, isFree ? null : { tokens });
    this.#noteChange(quota, quotaOwner(key), model);
    return isFree || tokens < cost.tokens;
  }

  /** Google told limits. */
  learn(key: PoolKey, model: string, limits: readonly QuotaLimit[]): void {
    if (limits.length === 0) return;
    const owner = quotaOwner(key);
    const quota = this.#ledger.quota(owner, model);
    for (const limit of limits) quota.learn(limit, this.#clock.wallMs());
    this.#noteChange(quota, owner, model);
  }

  /** The key that was `before` in the ledger belongs to its project now. */
  join(before: string, key: PoolKey): void {
    this.#mark(before);
    this.#ledger.join(before, quotaOwner(key), this.#clock.wallMs());
    this.#mark(quotaOwner(key));
  }

  /** Nothing that Google told of the limits counts any more. */
  forgetLimits(key: PoolKey): void {
    const owner = quotaOwner(key);
    for (const model of this.#ledger.models(owner)) this.#ledger.find(owner, model)?.forgetLimits();
    this.#mark(owner);
  }

  /** The key is gone; the quotas of a project stay. */
  forgetKey(key: PoolKey): void {
    if (key.project !== null) return;
    const owner = quotaOwner(key);
    this.#mark(owner);
    this.#ledger.forgetProject(owner);
  }

  forgetModel(model: string): void {
    const had = this.#ledger.forgetModel(model);
    if (this.#turns.isProven(model)) for (const owner of had) this.#changes.mark('quota', owner, model);
  }

  /** Marked once until it is written down: leases come by the thousand. */
  #noteChange(quota: Quota, owner: string, model: string): void {
    // Names that may be made up are not worth a line in the database.
    if (quota.isMarked || !this.#turns.isProven(model)) return;
    quota.isMarked = true;
    this.#changes.mark('quota', owner, model);
  }

  #mark(owner: string): void {
    for (const model of this.#ledger.models(owner)) this.#changes.mark('quota', owner, model);
  }
}
