/**
 * What one use of a Gemini key says about that key, and about the quotas of its project. Workers classify, the pool in
 * the gateway applies it: nobody else changes a key's state.
 */

/** Why a key rests for a model. Those of `projectRests` hold for every key of the same project. */
export type RestReason =
  | 'quota_minute'
  | 'quota_day'
  /** The model is not offered to this project at all. */
  | 'limit_zero'
  | 'spend_cap'
  /** A 429 that says nothing more. */
  | 'exhausted'
  /** The model is closed to newer projects. */
  | 'model_closed'
  /** A refusal that nobody has described. */
  | 'permission_denied';

/** Rests that belong to the project rather than to the key: its other keys would meet the same. */
export const projectRests: ReadonlySet<RestReason> = new Set([
  'quota_minute',
  'quota_day',
  'limit_zero',
  'spend_cap',
  'model_closed',
]);

/** Why Google will have nothing more to do with a key. Those of `projectTroubles` hold for every key of the project. */
export type DisableReason =
  | 'invalid_key'
  | 'expired_key'
  /** Seen in public. */
  | 'leaked'
  /** The key is kept to other APIs, websites, addresses or apps. */
  | 'restricted'
  /** It is no API key, or of a kind that Google takes no longer. */
  | 'unauthenticated'
  | 'project_denied'
  /** The project is gone. */
  | 'project_invalid'
  | 'billing'
  | 'suspended'
  | 'service_disabled';

/** Reasons for which a key is out that hold for every key of its project. */
export const projectTroubles: ReadonlySet<string> = new Set<DisableReason>([
  'project_denied',
  'project_invalid',
  'billing',
  'suspended',
  'service_disabled',
]);

/** A limit of a project for a model, as an error of Google told it. */
export interface QuotaLimit {
  of: QuotaKind;
  limit: number;
}

export const quotaKinds = ['requests_per_minute', 'tokens_per_minute', 'requests_per_day'] as const;
export type QuotaKind = (typeof quotaKinds)[number];

/** What Google said with a failure. */
export interface Refusal {
  /** HTTP status. */
  status: number;
  /** Google's sentence, without keys and projects; '' when it said none. */
  message: string;
  /** Number of the project that the key belongs to, where the error names it. */
  project: string | null;
  /** Limits that the error states. */
  limits: readonly QuotaLimit[];
  /** The model that the quota is charged to, where it differs from the one that was asked for. */
  chargedModel: string | null;
}

export type KeyOutcome =
  /** It worked. `promptTokens` is what it took of the token quota, where that is known by now. */
  { kind: 'ok'; promptTokens?: number } | FailedUse;

/** What a use that worked says about the key; `promptTokens` where Google has told them. */
export function answered(promptTokens: number | null): KeyOutcome {
  return promptTokens === null ? { kind: 'ok' } : { kind: 'ok', promptTokens };
}

/** What a use that failed says about the key; `refusal` is there when Google has answered. */
export type FailedUse = { refusal?: Refusal } & (
  | {
      /** For a reason that says nothing about the key: the client's fault, the model's trouble. */
      kind: 'neutral';
      reason: string;
      /** It took nothing of the quota, since it never arrived or failed on Google's side. */
      isFree?: boolean;
    }
  /** The key rests for this model: a rate limit or a quota. */
  | { kind: 'rest'; forMs: number; reason: RestReason }
  /** The key is out of the pool for everything, until an operator or a free probe brings it back. */
  | { kind: 'disable'; reason: string }
);
