/** How a Gemini key stands in answers of the admin API. */
import type { GeminiKeyEntry, GeminiKeyModel } from '../shared/admin-gemini-keys.ts';
import type { Clock } from '../shared/clock.ts';
import type { KeyPool } from './pool/key-pool.ts';
import type { PoolKey } from './pool/pool-key.ts';
import { type ModelStatus, statusOfKey } from './pool/pool-status.ts';
import type { QuotaLeft } from './pool/quota-ledger.ts';

export function geminiKeyEntry(key: PoolKey, pool: KeyPool, clock: Clock): GeminiKeyEntry {
  const status = statusOfKey(key, pool, clock);
  const { id, masked, source, disabled, project, projectSource, version, inFlight, requests, succeeded } = status;
  const models = status.models.map(modelEntry);
  return {
    id,
    api_key: masked,
    source,
    state: disabled === null ? 'enabled' : 'disabled',
    disabled_reason: disabled?.reason ?? null,
    disabled_by: disabled?.by ?? null,
    project,
    project_source: projectSource,
    version,
    in_flight: inFlight,
    requests,
    succeeded,
    last_error: lastError(status.lastError),
    models,
    rests: models.flatMap(({ model, remaining_ms, reason }) =>
      remaining_ms > 0 ? [{ model, remaining_ms, reason: reason ?? '' }] : [],
    ),
  };
}

function lastError(error: PoolKey['lastError']): GeminiKeyEntry['last_error'] {
  if (error === null) return null;
  const { atMs, model, status, reason, message } = error;
  return { at: new Date(atMs).toISOString(), model, status, reason, message };
}

function modelEntry({ model, remainingMs, reason, inFlight, quota, ...figures }: ModelStatus): GeminiKeyModel {
  return {
    model,
    available: remainingMs === 0,
    remaining_ms: Math.ceil(remainingMs),
    reason,
    in_flight: inFlight,
    ...figures,
    quota:
      quota === null
        ? null
        : {
            requests_per_minute: quotaEntry(quota.requests_per_minute),
            tokens_per_minute: quotaEntry(quota.tokens_per_minute),
            requests_per_day: quotaEntry(quota.requests_per_day),
          },
  };
}

function quotaEntry({ limit, used, left, resetsMs }: QuotaLeft): {
  limit: number | null;
  used: number;
  left: number | null;
  resets_ms: number;
} {
  return { limit, used, left, resets_ms: Math.ceil(resetsMs) };
}
