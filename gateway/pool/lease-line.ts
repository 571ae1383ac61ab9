/**
 * The line of calls that wait for a key: when all keys rest but one is back within moments, waiting is better than an
 * error. Client keys take turns, so that none fills the line for the others; everything in it is bounded.
 */
import type { Clock } from '../../shared/clock.ts';
import { limits } from '../../shared/limits.ts';
import type { LeaseCost } from '../../shared/messages.ts';
import type { KeyPool } from './key-pool.ts';
import type { LeaseRequest, LeaseResult } from './lease.ts';
import type { NoLease } from './soonest-return.ts';

type GrantedLease = Extract<LeaseResult, { ok: true }>;

export interface Waiting {
  request: LeaseRequest;
  clientKeyId: string;
  onLease: (lease: GrantedLease) => void;
  /** The wait was in vain. */
  onGiveUp: (noLease: NoLease) => void;
}

interface Place extends Waiting {
  untilMs: number;
}

/** The line for one model. */
class ModelLine {
  /** By client key in the order of their turns, and within one in the order of arrival; small calls may pass large ones. */
  readonly byClient = new Map<string, Set<Place>>();
  timer: NodeJS.Timeout | null = null;
  /** When the timer goes off. */
  wakeMs = Number.POSITIVE_INFINITY;
}

export class LeaseLine {
  readonly #pool: KeyPool;
  readonly #clock: Clock;
  readonly #waitMs: number;
  readonly #lines = new Map<string, ModelLine>();
  #length = 0;

  /** `waitMs` is how long a call may wait; 0 lets none wait. */
  constructor(pool: KeyPool, clock: Clock, waitMs: number) {
    this.#pool = pool;
    this.#clock = clock;
    this.#waitMs = waitMs;
    pool.onCapacity = () => {
      for (const model of [...this.#lines.keys()]) this.#serve(model);
    };
    // Soon, not at once: what was freed is told in the middle of another's report.
    pool.onFreed = (model) => {
      const line = this.#lines.get(model);
      if (line !== undefined) this.#wakeBy(model, line, 0);
    };
  }

  /** Calls that wait at present. */
  get length(): number {
    return this.#length;
  }

  /** Whether others wait for this model already: who comes now must not overtake them. */
  isOpen(model: string): boolean {
    return this.#lines.has(this.#pool.charged.of(model));
  }

  /** Takes a place, and gives what leaves it again; null when there is no use in waiting, or no room. */
  join(waiting: Waiting): (() => void) | null {
    const { cost } = waiting.request;
    const model = this.#pool.charged.of(waiting.request.model);
    const { retryAfterMs } = this.#pool.soonestReturn(model, cost);
    if (retryAfterMs === null || retryAfterMs > this.#waitMs || this.#length >= limits.leaseLineMax) return null;
    const line = this.#lines.get(model) ?? new ModelLine();
    const places = line.byClient.get(waiting.clientKeyId) ?? new Set<Place>();
    if (places.size >= limits.leaseLinePerClientMax) return null;
    this.#lines.set(model, line);
    line.byClient.set(waiting.clientKeyId, places);
    const place = { ...waiting, untilMs: this.#clock.monotonicMs() + this.#waitMs };
    places.add(place);
    this.#length++;
    this.#wakeBy(model, line, Math.min(retryAfterMs, this.#waitMs));
    return () => {
      if (this.#drop(line, place)) this.#closeIfEmpty(model, line);
    };
  }

  /** Serves who can be served, in turns, and lets go who has waited long enough. */
  #serve(model: string): void {
    const line = this.#lines.get(model);
    if (line === undefined) return;
    // One round is one turn for each client key; it goes on for as long as a round serves anybody.
    const failed: LeaseCost[] = [];
    for (let served = true; served; ) {
      served = false;
      for (const [clientKeyId, places] of [...line.byClient]) {
        const turn = this.#leaseFirst(places, failed);
        if (turn === null) continue;
        const { place, lease } = turn;
        served = true;
        this.#drop(line, place);
        // Whoever was served comes last in the next round.
        if (line.byClient.delete(clientKeyId) && places.size > 0) line.byClient.set(clientKeyId, places);
        place.onLease(lease);
      }
    }
    const nowMs = this.#clock.monotonicMs();
    for (const place of placesOf(line)) {
      if (place.untilMs > nowMs) continue;
      this.#drop(line, place);
      place.onGiveUp(this.#pool.soonestReturn(model, place.request.cost));
    }
    if (!this.#closeIfEmpty(model, line)) this.#arm(model, line);
  }

  /** Leases for the first of `places` that can be served. `failed`: what there is no key for, which may become more. */
  #leaseFirst(places: ReadonlySet<Place>, failed: LeaseCost[]): { place: Place; lease: GrantedLease } | null {
    for (const place of places) {
      const { cost } = place.request;
      if (failed.some((known) => isNoLess(cost, known))) continue;
      const lease = this.#pool.lease(place.request);
      if (lease.ok) return { place, lease };
      failed.push(cost);
    }
    return null;
  }

  /** Wakes up when the first key is back, or the first has waited long enough. */
  #arm(model: string, line: ModelLine): void {
    const nowMs = this.#clock.monotonicMs();
    let inMs = Number.POSITIVE_INFINITY;
    const asked: LeaseCost[] = [];
    for (const place of placesOf(line)) {
      const { cost } = place.request;
      inMs = Math.min(inMs, place.untilMs - nowMs);
      // What costs more is not possible sooner.
      if (asked.some((known) => isNoLess(cost, known))) continue;
      asked.push(cost);
      inMs = Math.min(inMs, this.#pool.soonestReturn(model, cost).retryAfterMs ?? Number.POSITIVE_INFINITY);
    }
    line.wakeMs = Number.POSITIVE_INFINITY;
    this.#wakeBy(model, line, inMs);
  }

  /** Wakes up in `inMs` at the latest. */
  #wakeBy(model: string, line: ModelLine, inMs: number): void {
    const wakeMs = this.#clock.monotonicMs() + inMs;
    if (wakeMs >= line.wakeMs) return;
    line.wakeMs = wakeMs;
    if (line.timer !== null) clearTimeout(line.timer);
    line.timer = setTimeout(() => this.#serve(model), Math.max(1, Math.ceil(inMs)));
  }

  #drop(line: ModelLine, place: Place): boolean {
    const places = line.byClient.get(place.clientKeyId);
    if (places === undefined || !places.delete(place)) return false;
    if (places.size === 0) line.byClient.delete(place.clientKeyId);
    this.#length--;
    return true;
  }

  #closeIfEmpty(model: string, line: ModelLine): boolean {
    if (line.byClient.size > 0) return false;
    if (line.timer !== null) clearTimeout(line.timer);
    if (this.#lines.get(model) === line) this.#lines.delete(model);
    return true;
  }
}

/** Whether a request takes at least as much as another: what is not there for the one is not there for it either. */
function isNoLess(cost: LeaseCost, other: LeaseCost): boolean {
  return cost.requests >= other.requests && cost.tokens >= other.tokens;
}

function placesOf(line: ModelLine): Place[] {
  return [...line.byClient.values()].flatMap((places) => [...places]);
}
