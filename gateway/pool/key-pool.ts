/**
 * The pool of Gemini keys: a pure state machine with the clock passed in, owned by the gateway's thread alone. For each
 * model the keys stand in a queue; a lease takes the first that may serve and puts it last, so that over a run in which
 * the same keys are available each gets its turn, give or take one.
 */
import type { Clock } from '../../shared/clock.ts';
import { InFlight, InFlightIds } from '../../shared/in-flight.ts';
import { answered, type KeyOutcome, projectRests, projectTroubles, type Refusal } from '../../shared/key-outcome.ts';
import type { LeaseCost } from '../../shared/messages.ts';
import type { GeminiKey } from '../../shared/rows.ts';
import { Affinity } from './affinity.ts';
import { ChargedModels } from './charged-models.ts';
import { KeyQuotas } from './key-quotas.ts';
import { KeyRests, lastingRests } from './key-rests.ts';
import type { Lease, LeaseRequest, LeaseResult } from './lease.ts';
import { PoolChanges } from './pool-changes.ts';
import { figuresOf, lastErrorOf, newPoolKey, type PoolKey, quotaOwner, type Rest, restLeftMs } from './pool-key.ts';
import { QuotaLedger } from './quota-ledger.ts';
import { type NoLease, SoonestReturn } from './soonest-return.ts';
import { type Queue, Turns } from './turns.ts';

export class KeyPool {
  readonly #clock: Clock;
  readonly #keys = new Map<string, PoolKey>();
  readonly #held = new Set<string>();
  readonly #turns = new Turns((model) => this.#forget(model));
  readonly #leases = new InFlight<Lease>();
  readonly #leaseIds = new InFlightIds();
  readonly ledger = new QuotaLedger();
  readonly #soonest: SoonestReturn;
  readonly #quotas: KeyQuotas;
  readonly #affinity = new Affinity();
  /** What is to be written down for the next start. */
  readonly changes = new PoolChanges();
  readonly #rests = new KeyRests(this.changes);
  readonly charged = new ChargedModels(this.changes);
  /** What an earlier run wrote down was taken over. */
  isRestored = false;
  /** A key has come back, or was added: whoever waits may have its turn. */
  onCapacity: () => void = () => {};
  /** A lease took less of a model's quota than was set aside for it. */
  onFreed: (model: string) => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#soonest = new SoonestReturn(this.#keys, this.ledger, clock);
    this.#quotas = new KeyQuotas(this.ledger, clock, this.changes, this.#turns);
  }

  /** Adds a key at the end of every queue. False when the same key is there already. */
  add(key: GeminiKey): boolean {
    if (this.#keys.has(key.id) || this.holds(key.key)) return false;
    const added = newPoolKey(key);
    this.#keys.set(added.id, added);
    this.#held.add(key.key);
    this.#turns.add(added);
    this.#changed();
    this.onCapacity();
    return true;
  }

  /** Takes a key out; leases that it has run to their end. */
  remove(id: string): boolean {
    const key = this.#keys.get(id);
    if (key === undefined) return false;
    this.#turns.remove(id);
    this.#rests.forgetKey(key);
    this.#quotas.forgetKey(key);
    this.changes.mark('key', id);
    this.#held.delete(key.key);
    this.#soonest.forget();
    return this.#keys.delete(id);
  }

  /** Whether the pool holds this very key. */
  holds = (key: string): boolean => this.#held.has(key);

  find(id: string): PoolKey | null {
    return this.#keys.get(id) ?? null;
  }

  /** Leases the key whose turn it is. Each lease ends with one `report`. */
  lease(request: LeaseRequest): LeaseResult {
    const nowMs = this.#clock.monotonicMs();
    const model = this.charged.of(request.model);
    const queue = this.#turns.queue(model, this.#keys);
    const preferred = request.affinity === null ? null : this.#affinity.keyId(`${model} ${request.affinity}`, nowMs);
    const favourite = preferred === null ? undefined : this.#keys.get(preferred);
    const waitMs = (key: PoolKey): number | null => this.#waitMs(key, model, request, nowMs);
    const key = favourite !== undefined && waitMs(favourite) === 0 ? favourite : queue.next(nowMs, waitMs);
    if (key === null) return { ok: false, ...this.soonestReturn(request.model, request.cost) };
    return this.#grant(key, queue, model, request, nowMs);
  }

  /** A lease serves one more call: what it took stays booked, and the new call is booked like any other. */
  callAgain(leaseId: number, promptTokens: number | null, cost: LeaseCost): void {
    const lease = this.#leases.take(leaseId);
    if (lease === null) return;
    this.#settle(lease, answered(promptTokens));
    const { key, model } = lease;
    // For what is forgotten nothing is booked any more; the quotas of a project outlast its keys.
    const isKept = this.#turns.find(model) !== null && (key.project !== null || this.#keys.get(key.id) === key);
    const reservation = isKept ? this.#quotas.reserve(key, model, cost, this.#clock.monotonicMs()) : lease.reservation;
    this.#leases.put(leaseId, { ...lease, reservation });
  }

  /** Ends a lease with what it said about its key. A lease that is over already changes nothing. */
  report(leaseId: number, outcome: KeyOutcome): void {
    const lease = this.#leases.take(leaseId);
    if (lease === null) return;
    this.#leaseIds.release(leaseId);
    const { key, model } = lease;
    key.inFlight--;
    const figures = figuresOf(key, model);
    figures.inFlight--;
    if (outcome.kind !== 'neutral') this.#turns.prove(model);
    this.#settle(lease, outcome);
    // What is said of a key that was removed meanwhile, or of a model that has given way, is of no use to anybody.
    if (this.#keys.get(key.id) !== key) return;
    if (this.#turns.find(model) === null) {
      if (figures.inFlight === 0) key.figures.delete(model);
      if (outcome.kind === 'disable') this.disable(key.id, outcome.reason, 'google');
      return;
    }
    if (outcome.kind === 'ok') {
      figures.succeeded++;
      this.#rests.succeeded(key, model, lease.leasedMs);
      if (lease.affinity !== null)
        this.#affinity.remember(`${model} ${lease.affinity}`, key.id, this.#clock.monotonicMs());
      return;
    }
    if (outcome.kind === 'neutral') return;
    figures.failed++;
    key.lastError = lastErrorOf(outcome, model, this.#clock.wallMs());
    if (outcome.refusal !== undefined) this.#learn(lease, outcome.refusal);
    if (outcome.kind === 'disable') this.disable(key.id, outcome.reason, 'google');
    else this.#rest(lease, outcome);
  }

  /** Takes a key out of the pool, by Google's word or the operator's. */
  disable(id: string, reason: string, by: 'google' | 'operator'): void {
    const key = this.#keys.get(id);
    if (key === undefined) return;
    const concerned = by === 'google' && projectTroubles.has(reason) ? this.#siblings(key) : [key];
    for (const each of concerned) {
      // What the operator has switched off stays so.
      if (each.disabled?.by === 'operator') continue;
      each.disabled = { reason, by, atMs: this.#clock.wallMs() };
      this.changes.mark('key', each.id);
    }
    this.#soonest.forget();
  }

  /** Takes a key back in, with all that it rested for until an operator looks at it. */
  enable(id: string): void {
    const key = this.#keys.get(id);
    if (key === undefined) return;
    key.disabled = null;
    this.#rests.end(key, lastingRests);
    this.changes.mark('key', key.id);
    this.#changed();
    this.onCapacity();
  }

  /** Says which project a key belongs to; its quotas are shared with the other keys of that project. */
  setProject(id: string, project: string | null, source: 'operator' | 'learnt'): void {
    const key = this.#keys.get(id);
    if (key === undefined || key.project === project) return;
    const before = quotaOwner(key);
    const wasAlone = key.project === null;
    key.project = project;
    key.projectSource = project === null ? null : source;
    if (wasAlone) this.#quotas.join(before, key);
    // What the project before was refused is nothing to this one.
    else if (source === 'operator') this.#rests.end(key, projectRests);
    for (const sibling of this.#siblings(key)) this.#rests.share(sibling, key);
    this.changes.mark('key', key.id);
    this.#changed();
  }

  /** The operator wants a key tried again: all that it rests for is over, and no limit of its quotas is known. */
  forgetLearnt(id: string): void {
    const key = this.#keys.get(id);
    if (key === undefined) return;
    this.#rests.end(key, null);
    this.#quotas.forgetLimits(key);
    this.#changed();
    this.onCapacity();
  }

  /** How many keys there are, how many are in the pool, and how many leases are out. */
  counts(): { total: number; enabled: number; leases: number } {
    return { total: this.#keys.size, enabled: this.enabledKeys().length, leases: this.#leases.size };
  }

  /** The keys that are in the pool, for jobs that cost no quota. */
  enabledKeys(): PoolKey[] {
    return [...this.#keys.values()].filter(({ disabled }) => disabled === null);
  }

  keys(): Iterable<PoolKey> {
    return this.#keys.values();
  }

  /** When the first enabled key is back for `model`, and why it rests; nulls when no key is enabled. */
  soonestReturn(model: string, cost: LeaseCost): NoLease {
    return this.#soonest.of(this.charged.of(model), cost);
  }

  /** Takes over what was written down of a key before a restart. */
  restoreKey(id: string, stored: Pick<PoolKey, 'disabled' | 'project' | 'projectSource' | 'version'>): void {
    const key = this.#keys.get(id);
    if (key === undefined) return;
    Object.assign(key, stored);
    this.#changed();
  }

  /** Something of a model was written down before a restart, so there is such a model. */
  restoreModel(model: string): void {
    this.#turns.queue(model, this.#keys);
    this.#turns.prove(model);
  }

  /** Takes over a rest that was written down before a restart. */
  restoreRest(id: string, model: string, rest: Rest): void {
    const key = this.#keys.get(id);
    if (key === undefined) return;
    this.restoreModel(model);
    this.#rests.lengthen(key, model, rest);
    this.#soonest.forget();
  }

  /** For how long a key can serve nobody; 0 when it may serve the request, null when it is only this one that it can't. */
  #waitMs(key: PoolKey, model: string, { tried, cost }: LeaseRequest, nowMs: number): number | null {
    if (key.disabled !== null) return Number.POSITIVE_INFINITY;
    const restMs = restLeftMs(key, model, nowMs);
    if (restMs > 0) return restMs;
    if (tried?.has(key.id)) return null;
    return this.#quotas.waitMs(key, model, cost, nowMs);
  }

  #grant(key: PoolKey, queue: Queue, model: string, request: LeaseRequest, nowMs: number): LeaseResult {
    queue.moveLast(key);
    key.inFlight++;
    const figures = figuresOf(key, model);
    figures.inFlight++;
    figures.requests++;
    const reservation = this.#quotas.reserve(key, model, request.cost, nowMs);
    if (reservation.quota.isLimited) this.#soonest.forget();
    const leaseId = this.#leaseIds.next();
    const { model: asked, affinity } = request;
    this.#leases.put(leaseId, { key, asked, model, leasedMs: nowMs, reservation, affinity });
    return { ok: true, leaseId, keyId: key.id, key: key.key };
  }

  /** What an error says beyond its status: the project of the key, its limits, the model that is charged. */
  #learn({ key, asked }: Lease, { project, limits, chargedModel }: Refusal): void {
    if (project !== null && key.projectSource !== 'operator') this.setProject(key.id, project, 'learnt');
    if (chargedModel !== null) this.charged.learn(asked, chargedModel);
    this.#quotas.learn(key, this.charged.of(asked), limits);
  }

  #rest({ key, asked, model, leasedMs }: Lease, outcome: Extract<KeyOutcome, { kind: 'rest' }>): void {
    const charged = this.charged.of(asked);
    if (charged !== model) this.#turns.queue(charged, this.#keys);
    this.#turns.prove(charged);
    const at = { leasedMs, nowMs: this.#clock.monotonicMs(), wallMs: this.#clock.wallMs() };
    const concerned = projectRests.has(outcome.reason) ? this.#siblings(key) : [key];
    this.#rests.refused(key, charged, outcome, at, concerned);
  }

  /** Books what a lease took. What it gives back may let keys that were set aside serve, and those who wait. */
  #settle(lease: Lease, outcome: KeyOutcome): void {
    this.#soonest.forget();
    if (!this.#quotas.settle(lease, outcome)) return;
    this.#turns.find(lease.model)?.lookSoon();
    this.onFreed(lease.model);
  }

  /** Keys may be back sooner or later than it seemed. */
  #changed(): void {
    this.#turns.lookSoon();
    this.#soonest.forget();
  }

  /** The keys of the same project, the key itself among them. */
  #siblings(key: PoolKey): PoolKey[] {
    if (key.project === null) return [key];
    return [...this.#keys.values()].filter(({ project }) => project === key.project);
  }

  #forget(model: string): void {
    for (const key of this.#keys.values()) {
      this.#rests.forget(key, model);
      if (key.figures.get(model)?.inFlight === 0) key.figures.delete(model);
    }
    this.#quotas.forgetModel(model);
    this.charged.forget(model);
  }
}
