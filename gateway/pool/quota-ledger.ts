/**
 * The quotas of Google as this gateway knows them: for each project and model the limits that Google's errors told, and
 * what was taken of them. Once a limit is known, keys are passed over before they fail instead of after.
 */
import type { QuotaKind, QuotaLimit } from '../../shared/key-outcome.ts';
import type { LeaseCost } from '../../shared/messages.ts';
import { MinuteWindow, type WindowEntry } from './minute-window.ts';
import { pacificDayOf } from './pacific-day.ts';

/** A limit that nobody has confirmed for so long may have been raised: it is tried again. */
const limitTtlMs = 7 * 24 * 3_600_000;

interface KnownLimit {
  limit: number;
  toldAtMs: number;
}

/** What a lease has taken, to be corrected when it ends. */
export interface Reservation {
  readonly quota: Quota;
  readonly entry: WindowEntry;
  readonly cost: LeaseCost;
  readonly day: string;
}

/** How much of one limit is left; nulls when no limit is known. */
export interface QuotaLeft {
  limit: number | null;
  used: number;
  left: number | null;
  /** Until something of it, or for a day all of it, is given back. */
  resetsMs: number;
}

/** What a restart must not forget of a quota; times are wall milliseconds. */
export interface StoredQuota {
  limits: [QuotaKind, number, number][];
  day: string;
  dayRequests: number;
}

/** Whether what was written down still tells anything: a limit that is believed, or what was taken of this day. */
export function isOfUse({ limits, day }: StoredQuota, wallMs: number): boolean {
  return day === pacificDayOf(wallMs).name || limits.some(([, , toldAtMs]) => wallMs - toldAtMs <= limitTtlMs);
}

/** The quota of one project for one model. */
export class Quota {
  readonly #window = new MinuteWindow();
  readonly #limits = new Map<QuotaKind, KnownLimit>();
  #day = '';
  /** Something has changed since it was written down. */
  isMarked = false;
  #dayRequests = 0;
  /** Where it counts since its key's project is known. */
  #joined: Quota | null = null;

  /** Milliseconds until the limits that are known allow `cost`; 0 when they do. */
  freeInMs(nowMs: number, wallMs: number, { requests, tokens }: LeaseCost): number {
    if (this.#limits.size === 0) return 0;
    const perDay = this.#limit('requests_per_day', wallMs);
    // What alone is over a limit is let through when nothing else is: Google has the last word.
    const today = this.#today(wallMs);
    if (today > 0 && today + requests > perDay) return pacificDayOf(wallMs).endMs - wallMs;
    const requestsLeft = this.#limit('requests_per_minute', wallMs) - requests;
    const tokensLeft = this.#limit('tokens_per_minute', wallMs) - tokens;
    return this.#window.freeInMs(nowMs, Math.max(0, requestsLeft), Math.max(0, tokensLeft));
  }

  /** Counts a request before it is sent, so that two can't take the same last place. */
  reserve(nowMs: number, wallMs: number, cost: LeaseCost): Reservation {
    this.#dayRequests = this.#today(wallMs) + cost.requests;
    return { quota: this, entry: this.#window.take(nowMs, cost.requests, cost.tokens), cost, day: this.#day };
  }

  /** Ends a reservation: `tokens` once they are known, null when the request took nothing. */
  settle(reservation: Reservation, taken: { tokens: number } | null): void {
    if (this.#joined !== null) {
      this.#joined.settle(reservation, taken);
      return;
    }
    const { entry, cost, day } = reservation;
    const { requests, tokens } = cost;
    if (taken !== null) this.#window.correct(entry, 0, taken.tokens - tokens);
    else {
      this.#window.correct(entry, -requests, -tokens);
      if (day === this.#day) this.#dayRequests = Math.max(0, this.#dayRequests - requests);
    }
  }

  /** Whether any limit is known. */
  get isLimited(): boolean {
    return this.#limits.size > 0;
  }

  /** Whether a limit of tokens is known. */
  get limitsTokens(): boolean {
    return this.#limits.has('tokens_per_minute');
  }

  /** Google told a limit. */
  learn({ of, limit }: QuotaLimit, wallMs: number): void {
    this.#limits.set(of, { limit, toldAtMs: wallMs });
  }

  /** Nothing that Google told counts any more, until it is told again. */
  forgetLimits(): void {
    this.#limits.clear();
  }

  /** What is left of each limit. */
  left(nowMs: number, wallMs: number): Record<QuotaKind, QuotaLeft> {
    const of = (kind: QuotaKind, used: number, resetsMs: number): QuotaLeft => {
      const known = this.#limit(kind, wallMs);
      const limit = Number.isFinite(known) ? known : null;
      return { limit, used, left: limit === null ? null : Math.max(0, limit - used), resetsMs };
    };
    const requests = this.#window.requests(nowMs);
    const tokens = this.#window.tokens(nowMs);
    return {
      requests_per_minute: of('requests_per_minute', requests, this.#window.freeInMs(nowMs, requests - 1, Infinity)),
      tokens_per_minute: of('tokens_per_minute', tokens, this.#window.freeInMs(nowMs, Infinity, tokens - 1)),
      requests_per_day: of('requests_per_day', this.#today(wallMs), pacificDayOf(wallMs).endMs - wallMs),
    };
  }

  toStored(): StoredQuota {
    return {
      limits: [...this.#limits].map(([of, { limit, toldAtMs }]) => [of, limit, toldAtMs]),
      day: this.#day,
      dayRequests: this.#dayRequests,
    };
  }

  /** Takes over the quota of a key whose project is known by now: what is still out of it is settled here. */
  absorb(other: Quota, wallMs: number): void {
    this.add(other.toStored(), wallMs);
    this.#window.absorb(other.#window);
    other.#joined = this;
  }

  /** Takes over what another run has counted. */
  add({ limits, day, dayRequests }: StoredQuota, wallMs: number): void {
    for (const [of, limit, toldAtMs] of limits)
      if (toldAtMs > (this.#limits.get(of)?.toldAtMs ?? 0)) this.#limits.set(of, { limit, toldAtMs });
    const today = this.#today(wallMs);
    if (day === this.#day) this.#dayRequests = today + dayRequests;
  }

  #limit(of: QuotaKind, wallMs: number): number {
    const known = this.#limits.get(of);
    return known === undefined || wallMs - known.toldAtMs > limitTtlMs ? Infinity : known.limit;
  }

  #today(wallMs: number): number {
    const { name } = pacificDayOf(wallMs);
    if (name !== this.#day) {
      this.#day = name;
      this.#dayRequests = 0;
    }
    return this.#dayRequests;
  }
}

/** All quotas, by the project that has them and the model. A key without a known project stands for one of its own. */
export class QuotaLedger {
  readonly #byProject = new Map<string, Map<string, Quota>>();

  quota(project: string, model: string): Quota {
    const known = this.#byProject.get(project)?.get(model);
    if (known !== undefined) return known;
    const byModel = this.#byProject.get(project) ?? new Map<string, Quota>();
    const made = new Quota();
    byModel.set(model, made);
    this.#byProject.set(project, byModel);
    return made;
  }

  find(project: string, model: string): Quota | null {
    return this.#byProject.get(project)?.get(model) ?? null;
  }

  /** The models that a project has quotas of. */
  models(project: string): Iterable<string> {
    return this.#byProject.get(project)?.keys() ?? [];
  }

  /** The key that stood for itself belongs to `to`, as others may. What it took counts there too. */
  join(from: string, to: string, wallMs: number): void {
    const joining = this.#byProject.get(from) ?? new Map<string, Quota>();
    this.#byProject.delete(from);
    const joined = this.#byProject.get(to);
    if (joined === undefined) this.#byProject.set(to, joining);
    else
      for (const [model, quota] of joining) {
        const known = joined.get(model);
        if (known === undefined) joined.set(model, quota);
        else known.absorb(quota, wallMs);
      }
  }

  forgetProject(project: string): void {
    this.#byProject.delete(project);
  }

  /** Gives the projects that had a quota of the model. */
  forgetModel(model: string): string[] {
    const had: string[] = [];
    for (const [project, byModel] of this.#byProject) if (byModel.delete(model)) had.push(project);
    return had;
  }
}
