/** What one client key has used, is using, and has left of each of its limits. Pure: times are passed in. */
import type { ClientKeyLimits, ClientKeyUsage, SpanUsage } from '../../shared/client-key.ts';
import { PeriodSums, utcDay, utcMonth } from './period-sums.ts';
import { SlidingWindow } from './sliding-window.ts';

/** One moment on both clocks, in milliseconds. */
export interface Now {
  monotonicMs: number;
  wallMs: number;
}

export type LimitKind = keyof ClientKeyLimits;

/** How a key stands with one of its limits. */
export interface Standing {
  kind: LimitKind;
  limit: number;
  used: number;
  /** Milliseconds until all of it is free again if nothing more is used; 0 for streams, whose end nobody knows. */
  resetMs: number;
}

export class KeyCounters {
  readonly requests = new SlidingWindow();
  readonly tokens = new SlidingWindow();
  readonly days = new PeriodSums(utcDay);
  readonly months = new PeriodSums(utcMonth);
  inFlight = 0;
  /** Estimated tokens of the requests in flight. */
  reservedTokens = 0;
  lastUsedAtMs: number | null = null;

  /** Begins with what the database knows. */
  restore(usage: ClientKeyUsage, now: Now): void {
    // Windows want their amounts in the order of time.
    for (const { atMs, requests, tokens } of [...usage.recent].sort((a, b) => a.atMs - b.atMs)) {
      const monotonicMs = now.monotonicMs - Math.max(0, now.wallMs - atMs);
      this.requests.add(monotonicMs, requests);
      this.tokens.add(monotonicMs, tokens);
    }
    this.days.add(now.wallMs, usage.today);
    this.months.add(now.wallMs, usage.thisMonth);
    this.lastUsedAtMs = usage.lastUsedAtMs;
  }

  /** Counts what a request that arrived at `atMs` has used. */
  used(atMs: number, monotonicMs: number, usage: SpanUsage): void {
    this.tokens.add(monotonicMs, usage.tokens);
    this.days.add(atMs, usage);
    this.months.add(atMs, usage);
  }

  /** Where the key stands with each limit that it has. */
  standings(limits: ClientKeyLimits, now: Now): Standing[] {
    const standings: Standing[] = [];
    for (const kind of kinds) {
      const limit = limits[kind];
      if (limit !== null)
        standings.push({ kind, limit, used: this.#used(kind, now), resetMs: this.#resetMs(kind, now) });
    }
    return standings;
  }

  /** Milliseconds until `amount` more fits under a limit; 0 when it does now. */
  waitMs(kind: LimitKind, limit: number, amount: number, now: Now): number {
    // More than the limit can only be let through alone: nobody would ever be served otherwise.
    const room = limit - Math.min(amount, limit);
    if (this.#used(kind, now) <= room) return 0;
    switch (kind) {
      case 'requestsPerMinute':
        return this.requests.msUntil(now.monotonicMs, room);
      case 'tokensPerMinute': {
        const withoutReserved = room - this.reservedTokens;
        if (withoutReserved >= 0) return this.tokens.msUntil(now.monotonicMs, withoutReserved);
        return Math.max(inFlightRetryMs, this.tokens.msUntil(now.monotonicMs, room));
      }
      case 'tokensPerDay':
        return this.days.at(now.wallMs).tokens <= room ? inFlightRetryMs : this.days.msLeft(now.wallMs);
      case 'tokensPerMonth':
        return this.months.at(now.wallMs).tokens <= room ? inFlightRetryMs : this.months.msLeft(now.wallMs);
      case 'concurrentStreams':
        return inFlightRetryMs;
      case 'costNanoPerDay':
      case 'costNanoPerMonth':
        return this.#resetMs(kind, now);
      default:
        return kind satisfies never;
    }
  }

  #used(kind: LimitKind, now: Now): number {
    switch (kind) {
      case 'requestsPerMinute':
        return this.requests.sum(now.monotonicMs);
      case 'tokensPerMinute':
        return this.tokens.sum(now.monotonicMs) + this.reservedTokens;
      case 'tokensPerDay':
        return this.days.at(now.wallMs).tokens + this.reservedTokens;
      case 'tokensPerMonth':
        return this.months.at(now.wallMs).tokens + this.reservedTokens;
      case 'costNanoPerDay':
        return this.days.at(now.wallMs).costNano;
      case 'costNanoPerMonth':
        return this.months.at(now.wallMs).costNano;
      case 'concurrentStreams':
        return this.inFlight;
      default:
        return kind satisfies never;
    }
  }

  #resetMs(kind: LimitKind, now: Now): number {
    switch (kind) {
      case 'requestsPerMinute':
        return this.requests.msUntilEmpty(now.monotonicMs);
      case 'tokensPerMinute':
        return this.tokens.msUntilEmpty(now.monotonicMs);
      case 'tokensPerDay':
      case 'costNanoPerDay':
        return this.days.msLeft(now.wallMs);
      case 'tokensPerMonth':
      case 'costNanoPerMonth':
        return this.months.msLeft(now.wallMs);
      case 'concurrentStreams':
        return 0;
      default:
        return kind satisfies never;
    }
  }
}

/** How soon to come again when it depends on the end of requests in flight, which nobody knows. */
const inFlightRetryMs = 1_000;

const kinds: readonly LimitKind[] = [
  'requestsPerMinute',
  'tokensPerMinute',
  'tokensPerDay',
  'tokensPerMonth',
  'costNanoPerDay',
  'costNanoPerMonth',
  'concurrentStreams',
];
