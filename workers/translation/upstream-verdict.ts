/** What the failure of an attempt leads to, whatever it was: for the client, for the key that was used, and for another try. */
import type { ErrorCode } from '../../shared/error-catalogue.ts';
import { type ErrorDetail, GatewayError } from '../../shared/errors.ts';
import type { DisableReason, FailedUse, RestReason } from '../../shared/key-outcome.ts';
import { redact } from './google-error.ts';

export interface UpstreamVerdict {
  error: GatewayError;
  outcome: FailedUse;
  /**
   * Whether another try may do better. `once`: one is enough to tell. `foreign`: the key does not own what the request
   * refers to, another may.
   */
  retry: boolean | 'once' | 'foreign';
  /** Another try makes sense with the signatures of the request replaced: see `withPlaceholderSignatures`. */
  repair?: 'signatures';
}

/** Neutral reasons of Google's own trouble. */
const isFree: ReadonlySet<string> = new Set(['overloaded', 'deadline', 'internal', 'aborted', 'address_refused']);

/** What says nothing of the key. `isFree`: it took nothing of the quota. */
export function aboutNobody(reason: string, isFree = false): FailedUse {
  return { kind: 'neutral', reason, ...(isFree ? { isFree } : {}) };
}

/** Not the key's doing: `retry` says whether another call may end better. */
export function neutral(
  reason: string,
  retry: UpstreamVerdict['retry'],
  code: ErrorCode,
  detail: ErrorDetail = {},
): UpstreamVerdict {
  // Google counts neither what failed on its side nor what never arrived.
  return { error: new GatewayError(code, detail), outcome: aboutNobody(reason, isFree.has(reason)), retry };
}

/** The client's fault: Google's own words, and no other key is bothered. */
export function rejected(message: string): UpstreamVerdict {
  return neutral('client', false, 'upstream_rejected', message === '' ? {} : { message: redact(message) });
}

/** The key is out; the request goes on with another. */
export function disabled(reason: DisableReason): UpstreamVerdict {
  return { error: new GatewayError('no_available_keys'), outcome: { kind: 'disable', reason }, retry: true };
}

/** The key rests for the model for `forMs`; the request goes on with another. */
export function resting(forMs: number, reason: RestReason): UpstreamVerdict {
  return {
    error: new GatewayError('keys_resting', { retryAfterMs: forMs }),
    outcome: { kind: 'rest', forMs, reason },
    retry: true,
  };
}
