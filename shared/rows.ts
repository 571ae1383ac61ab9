/** The shapes that are stored: usage rows and Gemini keys. Exchanged between the gateway and the writer. */
import type { TokenUsage } from './usage.ts';

/** One try at a request with one Gemini key. */
export interface Attempt {
  geminiKeyId: string;
  model: string;
  /** Milliseconds after the request's arrival. */
  startedMs: number;
  /** From the end of the same call's last attempt, or from the arrival, until it had its key. */
  waitMs: number;
  durationMs: number;
  /** HTTP status of Gemini's answer; null when there was none. */
  status: number | null;
  /** `ok`, or why it failed, in the pool's words. */
  reason: string;
}

/**
 * How a request ended: complete; refused or failed before anything was sent; failed after the head was sent (an error
 * event and a cut); left by the client; ended by the gateway's own stop.
 */
export type Termination = 'complete' | 'error' | 'cut' | 'client_gone' | 'drained';

/** Who ended a request: its client, by leaving; Gemini, with its whole answer or a failure; or this gateway. */
export type EndedBy = 'client' | 'upstream' | 'gateway';

/** One client request, with its attempts inside. Immutable once it was handed to the writer. */
export interface UsageRow {
  /** Time-ordered and unique: inserts are idempotent by it. */
  id: string;
  /** Wall milliseconds of the request's arrival. */
  atMs: number;
  clientKeyId: string;
  /** The key of the last attempt; null when no key was leased. */
  geminiKeyId: string | null;
  endpoint: string;
  /** As the client named it; null when the body could not be read. */
  modelAsked: string | null;
  modelServed: string | null;
  stream: boolean;
  /** HTTP status as the client saw it; 499 when it left before a status was sent. */
  status: number;
  termination: Termination;
  endedBy: EndedBy;
  /** The phase of `gateway/lifecycle.ts` in which it ended. */
  phase: string;
  /** Code of the error catalogue; null for a complete answer. */
  errorCode: string | null;
  /** As the client saw it, unless it may quote what the client had sent. */
  errorMessage: string | null;
  /** The request parameter at fault. */
  errorParam: string | null;
  /** Value of `x-gemini-pool-warnings`; empty when there were none. */
  warnings: string;
  finishReason: string | null;
  usage: TokenUsage;
  /** Nano-dollars; null when the price is unknown. */
  costNano: number | null;
  firstTokenMs: number | null;
  durationMs: number;
  attempts: Attempt[];
}

/** A Gemini key as the gateway holds it in memory. */
export interface GeminiKey {
  id: string;
  /** The key itself; sealed in the database, never in a log, an answer or an error. */
  key: string;
  /** Where it comes from: the environment's keys are never stored. */
  source: 'environment' | 'stored';
}

/** Totals since the first row, over one client key or over all. */
export interface UsageTotals {
  requests: number;
  inputTokens: number;
  outputTokens: number;
  /** Nano-dollars, of the requests whose price is known. */
  costNano: number;
  /** Requests whose price is unknown. */
  unpriced: number;
}
