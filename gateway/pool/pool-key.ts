/** One Gemini key as the pool holds it: its state for everything, and by model its rests and its figures. */
import type { FailedUse, RestReason } from '../../shared/key-outcome.ts';
import type { GeminiKey } from '../../shared/rows.ts';

export interface Rest {
  /** Monotonic milliseconds. */
  untilMs: number;
  reason: RestReason;
}

/** Why a key is out of the pool, and who took it out. */
export interface Disabled {
  reason: string;
  by: 'google' | 'operator';
  /** Wall milliseconds. */
  atMs: number;
}

/** The last time that Google did not answer with a key as it should. */
export interface LastError {
  /** Wall milliseconds. */
  atMs: number;
  model: string;
  /** HTTP status; null when there was none. */
  status: number | null;
  reason: string;
  message: string;
}

export interface ModelFigures {
  inFlight: number;
  requests: number;
  succeeded: number;
  failed: number;
}

export interface PoolKey {
  readonly id: string;
  readonly key: string;
  readonly source: GeminiKey['source'];
  disabled: Disabled | null;
  /** The Google project that the key belongs to, in the operator's words or by Google's number. */
  project: string | null;
  projectSource: 'operator' | 'learnt' | null;
  /** Counts the operator's changes. */
  version: number;
  inFlight: number;
  lastError: LastError | null;
  readonly rests: Map<string, Rest>;
  readonly figures: Map<string, ModelFigures>;
}

export function newPoolKey({ id, key, source }: GeminiKey): PoolKey {
  return {
    id,
    key,
    source,
    disabled: null,
    project: null,
    projectSource: null,
    version: 1,
    inFlight: 0,
    lastError: null,
    rests: new Map(),
    figures: new Map(),
  };
}

/** Under which name the ledger keeps the quotas of a key. */
export function quotaOwner({ id, project }: PoolKey): string {
  return project === null ? `key ${id}` : `project ${project}`;
}

export function figuresOf(key: PoolKey, model: string): ModelFigures {
  const known = key.figures.get(model);
  if (known !== undefined) return known;
  const figures = { inFlight: 0, requests: 0, succeeded: 0, failed: 0 };
  key.figures.set(model, figures);
  return figures;
}

/** How long a key still rests for a model; a rest that is over is dropped on the way. */
export function restLeftMs(key: PoolKey, model: string, nowMs: number): number {
  if (key.rests.size === 0) return 0;
  const rest = key.rests.get(model);
  if (rest === undefined) return 0;
  if (rest.untilMs > nowMs) return rest.untilMs - nowMs;
  key.rests.delete(model);
  return 0;
}

export function lastErrorOf(
  { reason, refusal }: Exclude<FailedUse, { kind: 'neutral' }>,
  model: string,
  atMs: number,
): LastError {
  const { status = null, message = '' } = refusal ?? {};
  return { atMs, model, status, reason, message };
}
