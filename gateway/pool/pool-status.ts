/** What the pool tells about its keys, for the admin API and for metrics; the keys themselves never leave it this way. */
import type { Clock } from '../../shared/clock.ts';
import { maskSecret } from '../../shared/ids.ts';
import { type QuotaKind, quotaKinds } from '../../shared/key-outcome.ts';
import type { GeminiKey } from '../../shared/rows.ts';
import type { KeyPool } from './key-pool.ts';
import { type Disabled, type LastError, type ModelFigures, type PoolKey, quotaOwner, restLeftMs } from './pool-key.ts';
import type { QuotaLeft } from './quota-ledger.ts';

export interface KeyStatus {
  id: string;
  masked: string;
  source: GeminiKey['source'];
  disabled: Disabled | null;
  project: string | null;
  projectSource: PoolKey['projectSource'];
  version: number;
  inFlight: number;
  requests: number;
  succeeded: number;
  lastError: LastError | null;
  models: ModelStatus[];
}

export interface ModelStatus extends ModelFigures {
  model: string;
  /** Until the key may serve this model; 0 when it may. */
  remainingMs: number;
  /** Why it may not: a rest's reason, or `quota_known` when a limit that is known is used up. */
  reason: string | null;
  quota: Record<QuotaKind, QuotaLeft> | null;
}

/** One limit that is known. */
export interface KnownQuota {
  /** Project or key, by name or id. */
  owner: string;
  model: string;
  kind: QuotaKind;
  limit: number;
  left: number;
}

/** Every limit that is known, once for each project. */
export function knownQuotas(pool: KeyPool, clock: Clock): KnownQuota[] {
  const owners = new Set(Array.from(pool.keys(), quotaOwner));
  const known: KnownQuota[] = [];
  for (const owner of owners)
    for (const model of pool.ledger.models(owner)) {
      const quota = pool.ledger.find(owner, model)?.left(clock.monotonicMs(), clock.wallMs());
      for (const kind of quotaKinds) {
        const { limit = null, left = null } = quota?.[kind] ?? {};
        if (limit !== null && left !== null) known.push({ owner, model, kind, limit, left });
      }
    }
  return known;
}

const noFigures: ModelFigures = { inFlight: 0, requests: 0, succeeded: 0, failed: 0 };
const oneRequest = { requests: 1, tokens: 0 };

export function statusOfPool(pool: KeyPool, clock: Clock): KeyStatus[] {
  return Array.from(pool.keys(), (key) => statusOfKey(key, pool, clock));
}

export function statusOfKey(key: PoolKey, { ledger }: KeyPool, clock: Clock): KeyStatus {
  const owner = quotaOwner(key);
  const names = new Set([...key.figures.keys(), ...key.rests.keys(), ...ledger.models(owner)]);
  const nowMs = clock.monotonicMs();
  const wallMs = clock.wallMs();
  const models = Array.from(names, (model): ModelStatus => {
    const quota = ledger.find(owner, model);
    const restMs = restLeftMs(key, model, nowMs);
    const quotaMs = quota?.freeInMs(nowMs, wallMs, oneRequest) ?? 0;
    return {
      model,
      ...(key.figures.get(model) ?? noFigures),
      remainingMs: Math.max(restMs, quotaMs),
      reason: quotaMs > restMs ? 'quota_known' : (key.rests.get(model)?.reason ?? null),
      quota: quota?.left(nowMs, wallMs) ?? null,
    };
  });
  const { id, source, disabled, project, projectSource, version, inFlight, lastError } = key;
  return {
    id,
    masked: maskSecret(key.key),
    source,
    disabled,
    project,
    projectSource,
    version,
    inFlight,
    requests: models.reduce((sum, { requests }) => sum + requests, 0),
    succeeded: models.reduce((sum, { succeeded }) => sum + succeeded, 0),
    lastError,
    models,
  };
}
