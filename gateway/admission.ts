/** Whether a request may begin at all. Decided before its body is read, so that a refusal costs next to nothing. */
import { GatewayError } from '../shared/errors.ts';
import type { Gateway } from './gateway.ts';

/** What a refused client should wait before it comes again. */
const overloadRetryMs = 1_000;

/** Throws `shutting_down`, `usage_backlog` or `overloaded`. */
export function admit({ isDraining, usage, relay, config }: Gateway): void {
  if (isDraining) throw new GatewayError('shutting_down', { retryAfterMs: overloadRetryMs });
  if (usage.isFull) throw new GatewayError('usage_backlog', { retryAfterMs: overloadRetryMs });
  if (relay.inFlight >= config.maxConcurrentRequests)
    throw new GatewayError('overloaded', { retryAfterMs: overloadRetryMs });
}
