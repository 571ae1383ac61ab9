/** The shapes that are stored: usage rows, client keys, Gemini keys. Exchanged between the gateway and the writer. */
import type { TokenUsage } from './usage.ts';

/** One try at a request with one Gemini key. */
export interface Attempt {
  geminiKeyId: string;
  /** Milliseconds after the request's arrival. */
  startedMs: number;
  durationMs: number;
  /** `ok`, or why it failed, in the pool's words. */
  outcome: string;
}

/**
 * How a request ended: complete; refused or failed before anything was sent; failed after the head was sent (an error
 * event and a cut); left by the client; ended by the gateway's own stop.
 */
export type Termination = 'complete' | 'error' | 'cut' | 'client_gone' | 'drained';

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
  /** Code of the error catalogue; null for a complete answer. */
  errorCode: string | null;
  finishReason: string | null;
  usage: TokenUsage;
  firstTokenMs: number | null;
  durationMs: number;
  attempts: Attempt[];
}

/** A key of a caller. The key itself is not kept: `hash` is its SHA-256 in hex, `masked` what a list may show. */
export interface ClientKey {
  id: string;
  name: string;
  hash: string;
  masked: string;
  isActive: boolean;
  createdAtMs: number;
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
}
