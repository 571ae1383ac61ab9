/**
 * The one error class that carries what the catalogue names, its plain form for crossing threads, and its form for
 * clients: OpenAI's error object, `{"error":{"message","type","param","code"}}`.
 */
import { type ErrorCode, type ErrorSpec, errorCatalogue } from './error-catalogue.ts';

/** What the thrower knows beyond the catalogue. Nothing in it may hold a secret, a prompt or a stack. */
export interface ErrorDetail {
  /** Replaces the catalogue's message. */
  message?: string;
  /** The request parameter at fault, e.g. `messages[2].content`. */
  param?: string;
  /** When trying again makes sense; becomes `Retry-After`. */
  retryAfterMs?: number;
  /** Overrides the catalogue: false tells SDKs not to try again. */
  retryable?: boolean;
}

/** The plain form of a GatewayError, as it crosses threads. */
export interface PlainError extends ErrorDetail {
  code: ErrorCode;
}

/** A failure with a place in the catalogue. Everything else that is thrown is a bug and answers as `internal_error`. */
export class GatewayError extends Error {
  readonly code: ErrorCode;
  readonly detail: ErrorDetail;

  constructor(code: ErrorCode, detail: ErrorDetail = {}, cause?: unknown) {
    super(detail.message ?? errorCatalogue[code].message, cause === undefined ? undefined : { cause });
    this.name = 'GatewayError';
    this.code = code;
    this.detail = detail;
  }

  toPlain(): PlainError {
    return { code: this.code, ...this.detail };
  }
}

/** The catalogue's entry, with optional fields readable. */
export function errorSpec(code: ErrorCode): ErrorSpec {
  return errorCatalogue[code];
}

/** Any thrown value as a plain error; what is not a GatewayError loses its text, which may hold anything. */
export function toPlainError(thrown: unknown): PlainError {
  return thrown instanceof GatewayError ? thrown.toPlain() : { code: 'internal_error' };
}

/** OpenAI's error object in its envelope. */
export interface ErrorEnvelope {
  error: { message: string; type: string; param: string | null; code: string | null };
}

export function errorEnvelope(error: PlainError): ErrorEnvelope {
  const spec = errorCatalogue[error.code];
  return {
    error: {
      message: error.message ?? spec.message,
      type: spec.type,
      param: error.param ?? null,
      code: spec.code,
    },
  };
}

/** The body of an error answer: OpenAI's error object as JSON text. */
export function errorBody(error: PlainError): string {
  return JSON.stringify(errorEnvelope(error));
}
