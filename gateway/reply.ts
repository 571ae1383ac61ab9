/** Answers that are not completions: JSON and errors. The only place where an error becomes bytes of a whole answer. */
import { errorBody, errorSpec, type PlainError } from '../shared/errors.ts';
import type { Downstream, Headers } from './downstream.ts';

const json = 'application/json';

/** A JSON answer. */
export function replyJson(down: Downstream, status: number, value: unknown, headers: Headers = []): void {
  down.reply(status, [['content-type', json], ['cache-control', 'no-store'], ...headers], JSON.stringify(value));
}

/** An error answer in OpenAI's shape, with what SDKs read to decide on another try. */
export function replyError(down: Downstream, error: PlainError, requestId: string | null): void {
  const spec = errorSpec(error.code);
  const headers: [string, string][] = [
    ['content-type', json],
    ['cache-control', 'no-store'],
    ['x-content-type-options', 'nosniff'],
  ];
  if (requestId !== null) headers.push(['x-request-id', requestId]);
  if (error.retryAfterMs !== undefined)
    headers.push(
      ['retry-after', String(Math.max(1, Math.ceil(error.retryAfterMs / 1000)))],
      // The same, exactly: OpenAI's SDKs prefer it.
      ['retry-after-ms', String(Math.ceil(error.retryAfterMs))],
    );
  if ((error.retryable ?? spec.retryable) === false) headers.push(['x-should-retry', 'false']);
  down.reply(spec.status, headers, errorBody(error));
}
