/** Whether a request may begin at all. Decided before its body is read, so that a refusal costs next to nothing. */
import type { ClientKey } from '../shared/client-key.ts';
import { GatewayError } from '../shared/errors.ts';
import type { Call } from './call.ts';
import type { Admission } from './client-limits/client-limits.ts';
import type { Gateway } from './gateway.ts';

/** What a refused client should wait before it comes again. */
const overloadRetryMs = 1_000;

/** Throws `shutting_down`, `usage_backlog` or `overloaded`. `contentLength` is that of a body that is still to be read. */
export function admit({ isDraining, usage, bodies, overload, config }: Gateway, contentLength: number | null): void {
  if (isDraining) throw new GatewayError('shutting_down', { retryAfterMs: overloadRetryMs });
  if (usage.isFull) throw new GatewayError('usage_backlog', { retryAfterMs: overloadRetryMs });
  if (bodies.requests >= config.maxConcurrentRequests)
    throw new GatewayError('overloaded', { retryAfterMs: overloadRetryMs });
  overload.admit(contentLength);
}

/**
 * Takes what a request needs of its key's limits, and lets its answer show them, whatever that will be. Throws what
 * `ClientLimits.admit` throws.
 */
export function admitClient(
  clientKey: ClientKey,
  call: Call,
  { clientLimits }: Pick<Gateway, 'clientLimits'>,
): Admission {
  try {
    return clientLimits.admit(clientKey, call.contentLength);
  } finally {
    call.down.addHeaders(clientLimits.headers(clientKey));
  }
}
