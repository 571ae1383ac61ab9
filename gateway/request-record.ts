/** What is known of a request in flight for its usage row: gathered as it goes on, made into the row once at its end. */
import type { Clock } from '../shared/clock.ts';
import type { ErrorCode } from '../shared/error-catalogue.ts';
import type { KeyOutcome } from '../shared/key-outcome.ts';
import type { Attempt, Termination, UsageRow } from '../shared/rows.ts';
import { noUsage, type TokenUsage } from '../shared/usage.ts';

export class RequestRecord {
  readonly requestId: string;
  readonly arrivedMs: number;
  readonly #clock: Clock;
  readonly #arrivedWallMs: number;
  readonly #clientKeyId: string;
  readonly #endpoint: string;
  readonly #attempts: Attempt[] = [];
  /** The Gemini model that was asked for; null until a worker has read the body. */
  model: string | null = null;
  modelAsked: string | null = null;
  modelServed: string | null = null;
  isStream = false;
  usage: TokenUsage | null = null;
  finishReason: string | null = null;
  /** As the client saw it. */
  status = 0;
  termination: Termination = 'complete';
  errorCode: ErrorCode | null = null;
  #firstTokenMs: number | null = null;

  constructor(clock: Clock, arrival: Arrival) {
    this.#clock = clock;
    this.requestId = arrival.requestId;
    this.arrivedMs = arrival.arrivedMs;
    this.#arrivedWallMs = arrival.arrivedWallMs;
    this.#clientKeyId = arrival.clientKeyId;
    this.#endpoint = arrival.endpoint;
  }

  /** An attempt begins; gives its number. */
  leased(geminiKeyId: string): number {
    return this.#attempts.push({ geminiKeyId, startedMs: this.#elapsedMs(), durationMs: 0, outcome: 'in_flight' }) - 1;
  }

  /** An attempt ends with what it said about its key. */
  attemptEnded(number: number, outcome: KeyOutcome): void {
    const attempt = this.#attempts[number];
    if (attempt === undefined) return;
    attempt.durationMs = this.#elapsedMs() - attempt.startedMs;
    attempt.outcome = outcome.kind === 'ok' ? 'ok' : outcome.reason;
  }

  /** Content of the answer is there; only the first call counts. */
  contentCame(): void {
    this.#firstTokenMs ??= this.#elapsedMs();
  }

  /** The row, with the request's duration up to now. */
  toRow(): UsageRow {
    return {
      id: this.requestId,
      atMs: this.#arrivedWallMs,
      clientKeyId: this.#clientKeyId,
      geminiKeyId: this.#attempts.at(-1)?.geminiKeyId ?? null,
      endpoint: this.#endpoint,
      modelAsked: this.modelAsked,
      modelServed: this.modelServed ?? this.model,
      stream: this.isStream,
      status: this.status,
      termination: this.termination,
      errorCode: this.errorCode,
      finishReason: this.finishReason,
      usage: this.usage ?? noUsage,
      firstTokenMs: this.#firstTokenMs,
      durationMs: this.#elapsedMs(),
      attempts: this.#attempts,
    };
  }

  #elapsedMs(): number {
    return Math.round(this.#clock.monotonicMs() - this.arrivedMs);
  }
}

/** What the gateway knows of a request before a worker has seen it. */
export interface Arrival {
  requestId: string;
  clientKeyId: string;
  endpoint: string;
  arrivedMs: number;
  arrivedWallMs: number;
}
