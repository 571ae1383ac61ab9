/**
 * The limits of client keys, kept in memory: what a request needs is checked and taken before its body is read, and set
 * right when it ends. How many tokens a request takes is known only then, so that an estimate from its size is held
 * back for it until its end; its cost is counted at its end alone.
 */
import type { ClientKey, ClientKeyUsage, SpanUsage } from '../../shared/client-key.ts';
import type { Clock } from '../../shared/clock.ts';
import { GatewayError, type PlainError } from '../../shared/errors.ts';
import type { StoreCommand } from '../../shared/messages.ts';
import type { UsageRow } from '../../shared/rows.ts';
import type { Headers } from '../downstream.ts';
import { isModelAllowed } from './allowed-models.ts';
import { KeyCounters, type LimitKind, type Now } from './key-counters.ts';
import { limitError } from './limit-error.ts';
import { limitHeaders } from './limit-headers.ts';

/** What a key has used, as the admin API shows it. */
export interface CurrentUsage {
  requestsThisMinute: number;
  tokensThisMinute: number;
  today: SpanUsage;
  thisMonth: SpanUsage;
  inFlight: number;
  lastUsedAtMs: number | null;
}

/** A token has about four bytes of text; of larger bodies most is media, which takes far fewer tokens than its bytes tell. */
const bytesPerToken = 4;
const estimateMax = 65_536;

/** Limits as figures name them. */
const figureNames: Readonly<Record<LimitKind, string>> = {
  requestsPerMinute: 'requests_per_minute',
  tokensPerMinute: 'tokens_per_minute',
  tokensPerDay: 'tokens_per_day',
  tokensPerMonth: 'tokens_per_month',
  costNanoPerDay: 'cost_per_day',
  costNanoPerMonth: 'cost_per_month',
  concurrentStreams: 'concurrent_streams',
};

export class ClientLimits {
  readonly #clock: Clock;
  readonly #byId = new Map<string, KeyCounters>();
  #isRestored = false;
  /** Requests that were refused, by the limit that they had reached. */
  readonly refused: Record<string, number> = Object.fromEntries(Object.values(figureNames).map((name) => [name, 0]));

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Begins with what the database knows; only once, since from then on memory knows more than the database. */
  restore(usages: readonly ClientKeyUsage[]): void {
    if (this.#isRestored) return;
    this.#isRestored = true;
    const now = this.#now();
    for (const usage of usages) this.#of(usage.clientKeyId).restore(usage, now);
  }

  /**
   * Takes what a request needs. `bodyBytes` is its announced size, null when that is not known yet. Throws
   * `rate_limit_requests`, `rate_limit_tokens`, `rate_limit_streams` or `insufficient_quota`, the one that takes longest
   * to mend, with the time after which another try will do.
   */
  admit(clientKey: ClientKey, bodyBytes: number | null): Admission {
    const counters = this.#of(clientKey.id);
    const now = this.#now();
    const estimate = estimateOf(bodyBytes);
    this.#refuse(clientKey, counters, estimate, now, everyKind);
    counters.requests.add(now.monotonicMs, 1);
    counters.lastUsedAtMs = now.wallMs;
    return new Admission(clientKey, counters, estimate, this);
  }

  /** The headers that show a key its limits; none for a key without. */
  headers({ id, limits }: ClientKey): Headers {
    return limitHeaders(this.#of(id).standings(limits, this.#now()));
  }

  current(clientKeyId: string): CurrentUsage {
    const { wallMs, monotonicMs } = this.#now();
    const { requests, tokens, days, months, inFlight, lastUsedAtMs } = this.#of(clientKeyId);
    return {
      requestsThisMinute: requests.sum(monotonicMs),
      tokensThisMinute: tokens.sum(monotonicMs),
      today: days.at(wallMs),
      thisMonth: months.at(wallMs),
      inFlight,
      lastUsedAtMs,
    };
  }

  /** Follows a command that was committed: what is known of a key goes with the key. */
  apply(command: StoreCommand): void {
    if (command.op === 'delete_client_key') this.#byId.delete(command.id);
  }

  /** As `admit`, for the tokens of a request that was admitted before its size was known. */
  refuseTokens(clientKey: ClientKey, counters: KeyCounters, estimate: number): void {
    this.#refuse(clientKey, counters, estimate, this.#now(), isOfTokens);
  }

  /** What a request has used, at its end. */
  count(row: UsageRow, counters: KeyCounters): void {
    const { prompt, toolPrompt, thoughts, output } = row.usage;
    const tokens = prompt + toolPrompt + thoughts + output;
    const usage = { tokens, costNano: row.costNano ?? 0, unpriced: row.costNano === null ? 1 : 0 };
    counters.used(row.atMs, this.#clock.monotonicMs(), usage);
  }

  #refuse(
    { limits }: ClientKey,
    counters: KeyCounters,
    estimate: number,
    now: Now,
    isAsked: (kind: LimitKind) => boolean,
  ): void {
    let longest: { kind: LimitKind; error: PlainError; waitMs: number } | null = null;
    for (const { kind, limit, used } of counters.standings(limits, now)) {
      if (!isAsked(kind)) continue;
      const needed = neededOf(kind, estimate);
      const waitMs = counters.waitMs(kind, limit, needed, now);
      if (waitMs > (longest?.waitMs ?? 0))
        longest = { kind, error: limitError({ kind, limit, used, needed, waitMs }), waitMs };
    }
    if (longest === null) return;
    const figure = figureNames[longest.kind];
    this.refused[figure] = (this.refused[figure] ?? 0) + 1;
    const { code, ...detail } = longest.error;
    throw new GatewayError(code, detail);
  }

  #of(clientKeyId: string): KeyCounters {
    let counters = this.#byId.get(clientKeyId);
    if (counters === undefined) {
      counters = new KeyCounters();
      this.#byId.set(clientKeyId, counters);
    }
    return counters;
  }

  #now(): Now {
    return { monotonicMs: this.#clock.monotonicMs(), wallMs: this.#clock.wallMs() };
  }
}

/** What one request has taken of its key's limits, from its admission to its end. Ends once, however often it is told. */
export class Admission {
  readonly #clientKey: ClientKey;
  readonly #counters: KeyCounters;
  readonly #limits: ClientLimits;
  #estimate: number;
  #isOver = false;
  #modelRefusal: PlainError | null | undefined;

  constructor(clientKey: ClientKey, counters: KeyCounters, estimate: number, limits: ClientLimits) {
    this.#clientKey = clientKey;
    this.#counters = counters;
    this.#limits = limits;
    this.#estimate = estimate;
    counters.inFlight++;
    counters.reservedTokens += estimate;
  }

  /**
   * The body is there, with this many bytes: what is held back for it follows. Throws as `ClientLimits.admit` when that is
   * more than was taken and is not left: of bodies whose size is not announced any number may come at once.
   */
  sized(bodyBytes: number): void {
    const estimate = estimateOf(bodyBytes);
    if (this.#isOver || estimate === this.#estimate) return;
    this.#hold(0);
    this.#limits.refuseTokens(this.#clientKey, this.#counters, estimate);
    this.#hold(estimate);
  }

  /**
   * Why the model may not be used; null when it may. Decided by the first model of the request: a stand-in that the
   * operator configured needs no permission of its own.
   */
  refuseModel(modelAsked: string, model: string): PlainError | null {
    if (this.#modelRefusal === undefined)
      this.#modelRefusal = isModelAllowed(this.#clientKey.allowedModels, [modelAsked, model])
        ? null
        : {
            code: 'model_not_allowed',
            message: `This API key does not have access to model \`${modelAsked.slice(0, 200)}\`.`,
            param: 'model',
          };
    return this.#modelRefusal;
  }

  /** The request is over, with its row. */
  settle(row: UsageRow): void {
    if (this.#close()) this.#limits.count(row, this.#counters);
  }

  /** The request ended before it had begun: its body never came, or was refused. */
  release(): void {
    this.#close();
  }

  #close(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#counters.inFlight--;
    this.#hold(0);
    return true;
  }

  #hold(estimate: number): void {
    this.#counters.reservedTokens += estimate - this.#estimate;
    this.#estimate = estimate;
  }
}

function estimateOf(bodyBytes: number | null): number {
  return Math.min(estimateMax, Math.max(1, Math.ceil((bodyBytes ?? 0) / bytesPerToken)));
}

function neededOf(kind: LimitKind, estimate: number): number {
  return isOfTokens(kind) ? estimate : 1;
}

function isOfTokens(kind: LimitKind): boolean {
  return kind === 'tokensPerMinute' || kind === 'tokensPerDay' || kind === 'tokensPerMonth';
}

function everyKind(): boolean {
  return true;
}
