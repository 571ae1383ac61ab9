/** What is known of a request in flight for its usage row: gathered as it goes on, made into the row once at its end. */
import type { Clock } from '../shared/clock.ts';
import type { ErrorCode } from '../shared/error-catalogue.ts';
import { errorSpec, type PlainError } from '../shared/errors.ts';
import type { KeyOutcome } from '../shared/key-outcome.ts';
import { limits } from '../shared/limits.ts';
import type { LeaseWish } from '../shared/messages.ts';
import type { Attempt, EndedBy, Termination, UsageRow } from '../shared/rows.ts';
import { noUsage, type TokenUsage } from '../shared/usage.ts';
import type { BodyHold } from './body-memory.ts';
import type { Admission } from './client-limits/client-limits.ts';
import type { Phase } from './lifecycle.ts';
import type { Prices } from './prices.ts';

/** Errors of this gateway's own, also of a request that had called Gemini. */
const gatewaysOwn: ReadonlySet<ErrorCode> = new Set([
  'keys_resting',
  'no_available_keys',
  'shutting_down',
  'worker_lost',
  'request_timeout',
  'internal_error',
]);

export class RequestRecord {
  readonly requestId: string;
  readonly arrivedMs: number;
  readonly admission: Admission;
  readonly hold: BodyHold;
  readonly #clock: Clock;
  readonly #prices: Pick<Prices, 'book'>;
  readonly #arrivedWallMs: number;
  readonly #clientKeyId: string;
  readonly #endpoint: string;
  readonly #attempts: Attempt[] = [];
  /** By attempt, the call that it was for; by call, when its last attempt ended. */
  readonly #callOf: number[] = [];
  readonly #freeMs: number[] = [];
  /** The Gemini model that was called; null until a worker has read the body. */
  #model: string | null = null;
  #modelAsked: string | null = null;
  #warnings = '';
  modelServed: string | null = null;
  isStream = false;
  usage: TokenUsage | null = null;
  finishReason: string | null = null;
  /** As the client saw it. */
  status = 0;
  termination: Termination = 'complete';
  #error: PlainError | null = null;
  #phase: Phase | null = null;
  #firstTokenMs: number | null = null;

  constructor({ clock, prices }: { clock: Clock; prices: Pick<Prices, 'book'> }, arrival: Arrival) {
    this.#clock = clock;
    this.#prices = prices;
    this.requestId = arrival.requestId;
    this.arrivedMs = arrival.arrivedMs;
    this.admission = arrival.admission;
    this.hold = arrival.hold;
    this.#arrivedWallMs = arrival.arrivedWallMs;
    this.#clientKeyId = arrival.clientKeyId;
    this.#endpoint = arrival.endpoint;
  }

  /** Value of `x-gemini-pool-warnings`. */
  get warnings(): string {
    return this.#warnings;
  }

  /** A worker has read the body, and wants a lease for a call. */
  wanted({ stream, model, modelAsked, warnings }: LeaseWish): void {
    this.isStream = stream;
    this.#model = model;
    this.#modelAsked = modelAsked;
    this.#warnings = warnings;
  }

  /** An attempt at a call begins; gives its number. */
  leased(geminiKeyId: string, model: string, call: number): number {
    const startedMs = this.#elapsedMs();
    const waitMs = startedMs - (this.#freeMs[call] ?? 0);
    this.#callOf.push(call);
    return (
      this.#attempts.push({ geminiKeyId, model, startedMs, waitMs, durationMs: 0, status: null, reason: 'in_flight' }) -
      1
    );
  }

  /** An attempt ends with what it said about its key. */
  attemptEnded(number: number, outcome: KeyOutcome): void {
    const attempt = this.#attempts[number];
    if (attempt === undefined) return;
    const nowMs = this.#elapsedMs();
    attempt.durationMs = nowMs - attempt.startedMs;
    this.#freeMs[this.#callOf[number] ?? 0] = nowMs;
    if (outcome.kind === 'ok') {
      attempt.reason = 'ok';
      attempt.status = 200;
    } else {
      attempt.reason = outcome.reason;
      attempt.status = outcome.refusal?.status ?? null;
    }
  }

  /** Content of the answer is there; only the first call counts. */
  contentCame(): void {
    this.#firstTokenMs ??= this.#elapsedMs();
  }

  /** The request fails, with what the client is told. */
  failed(error: PlainError, status: number, termination: Termination): void {
    this.#error = error;
    this.status = status;
    this.termination = termination;
  }

  /** The end of the request was decided in this phase; only the first call counts. */
  endedIn(phase: Phase): void {
    this.#phase ??= phase;
  }

  /** The row, with the request's duration up to now. */
  toRow(): UsageRow {
    const usage = this.usage === null ? noUsage : bounded(this.usage);
    const error = this.termination === 'complete' ? null : this.#error;
    return {
      id: this.requestId,
      atMs: this.#arrivedWallMs,
      clientKeyId: this.#clientKeyId,
      geminiKeyId: this.#attempts.at(-1)?.geminiKeyId ?? null,
      endpoint: this.#endpoint,
      modelAsked: this.#modelAsked?.slice(0, limits.modelNameCharsMax) ?? null,
      modelServed: this.#modelServed(),
      stream: this.isStream,
      status: this.status,
      termination: this.termination,
      endedBy: this.#endedBy(),
      phase: this.#phase ?? 'leasing',
      errorCode: error?.code ?? null,
      errorMessage: error === null ? null : messageOf(error),
      errorParam: error?.param?.slice(0, limits.rowParamCharsMax) ?? null,
      warnings: this.#warnings,
      finishReason: this.finishReason,
      usage,
      costNano: this.#costOf(usage),
      firstTokenMs: this.#firstTokenMs,
      durationMs: this.#elapsedMs(),
      attempts: this.#attempts,
    };
  }

  /**
   * The model that answered or, failing that, the one that was called, if there is such a model: a name that a client
   * made up is in no price list, and Gemini answers 404 to it.
   */
  #modelServed(): string | null {
    if (this.modelServed !== null || this.#model === null)
      return this.modelServed?.slice(0, limits.modelNameCharsMax) ?? null;
    const isKnown =
      this.#prices.book.knows(this.#model) ||
      this.#attempts.some(({ status }) => status !== null && status !== 404 && status !== 400);
    return isKnown ? this.#model : null;
  }

  #endedBy(): EndedBy {
    if (this.termination === 'client_gone') return 'client';
    if (this.termination === 'complete') return 'upstream';
    if (this.#attempts.length === 0 || this.#error === null || gatewaysOwn.has(this.#error.code)) return 'gateway';
    return 'upstream';
  }

  #costOf(usage: TokenUsage): number | null {
    const answered = this.#attempts.reduce((calls, { status }) => calls + (status === 200 ? 1 : 0), 0);
    const models = [this.modelServed, this.#model];
    return this.#prices.book.costOf({ atMs: this.#arrivedWallMs, models, usage, calls: answered });
  }

  #elapsedMs(): number {
    return Math.round(this.#clock.monotonicMs() - this.arrivedMs);
  }
}

/** Figures of an answer that nobody could use up are no reason to lose the row, or the sums. */
function bounded(usage: TokenUsage): TokenUsage {
  const count = (tokens: number): number => Math.min(tokens, limits.rowTokensMax);
  return {
    ...usage,
    prompt: count(usage.prompt),
    cached: count(usage.cached),
    toolPrompt: count(usage.toolPrompt),
    thoughts: count(usage.thoughts),
    output: count(usage.output),
  };
}

/** What the client was told, but for messages that may quote what it had sent. */
function messageOf({ code, message }: PlainError): string {
  const spec = errorSpec(code);
  const told = message === undefined || spec.mayQuote === true ? spec.message : message;
  return told.slice(0, limits.rowMessageCharsMax);
}

/** What the gateway knows of a request before a worker has seen it. */
export interface Arrival {
  requestId: string;
  clientKeyId: string;
  endpoint: string;
  arrivedMs: number;
  arrivedWallMs: number;
  /** What the request holds of its client key's limits. */
  admission: Admission;
  /** The memory of its body. */
  hold: BodyHold;
}
