/**
 * The pool's state as entries of the database, and back. Monotonic times mean nothing to another run, so they are
 * stored as wall times. What can't be read is left out: at worst Google says it again.
 */
import Type, { type Static, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Clock } from '../../shared/clock.ts';
import type { PoolStateEntry } from '../../shared/pool-state.ts';
import type { KeyPool } from './key-pool.ts';
import type { Change } from './pool-changes.ts';
import { quotaOwner } from './pool-key.ts';
import { isOfUse } from './quota-ledger.ts';

/** No rest is longer, whatever a clock that jumped makes of it. */
const restMsMax = 26 * 3_600_000;

const restReason = Type.Union([
  Type.Literal('quota_minute'),
  Type.Literal('quota_day'),
  Type.Literal('limit_zero'),
  Type.Literal('spend_cap'),
  Type.Literal('exhausted'),
  Type.Literal('model_closed'),
  Type.Literal('permission_denied'),
]);
const quotaKind = Type.Union([
  Type.Literal('requests_per_minute'),
  Type.Literal('tokens_per_minute'),
  Type.Literal('requests_per_day'),
]);
const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

const readKey = reader(
  Type.Object({
    disabled: nullable(
      Type.Object({
        reason: Type.String(),
        by: Type.Union([Type.Literal('google'), Type.Literal('operator')]),
        atMs: Type.Number(),
      }),
    ),
    project: nullable(Type.String()),
    projectSource: nullable(Type.Union([Type.Literal('operator'), Type.Literal('learnt')])),
    version: Type.Integer(),
  }),
);
const readRest = reader(Type.Object({ untilWallMs: Type.Number(), reason: restReason }));
const readQuota = reader(
  Type.Object({
    limits: Type.Array(Type.Tuple([quotaKind, Type.Number(), Type.Number()])),
    day: Type.String(),
    dayRequests: Type.Number(),
  }),
);
const readCharged = reader(Type.Object({ model: Type.String() }));

/** The present values of what has changed. */
export function toEntries(changes: readonly Change[], pool: KeyPool, clock: Clock): PoolStateEntry[] {
  return changes.map(({ kind, id, model }) => {
    const value = presentValue({ kind, id, model }, pool, clock);
    return { kind, id, model, value: value === null ? null : JSON.stringify(value) };
  });
}

function presentValue({ kind, id, model }: Change, pool: KeyPool, clock: Clock): object | null {
  switch (kind) {
    case 'key': {
      const key = pool.find(id);
      if (key === null) return null;
      const { disabled, project, projectSource, version } = key;
      const isNothing = disabled === null && project === null && version === 1;
      const value: Static<typeof readKey.schema> = { disabled, project, projectSource, version };
      return isNothing ? null : value;
    }
    case 'rest': {
      const rest = pool.find(id)?.rests.get(model);
      const leftMs = rest === undefined ? 0 : rest.untilMs - clock.monotonicMs();
      if (rest === undefined || leftMs <= 0) return null;
      const value: Static<typeof readRest.schema> = { untilWallMs: clock.wallMs() + leftMs, reason: rest.reason };
      return value;
    }
    case 'quota': {
      const quota = pool.ledger.find(id, model);
      if (quota === null) return null;
      quota.isMarked = false;
      const value = quota.toStored();
      return isOfUse(value, clock.wallMs()) ? value : null;
    }
    case 'charged': {
      const charged = pool.charged.of(model);
      return charged === model ? null : { model: charged };
    }
    default:
      return kind satisfies never;
  }
}

/** Gives the pool what an earlier run wrote down. Keys must be in it already; entries of others wait in the database. */
export function restorePool(entries: readonly PoolStateEntry[], pool: KeyPool, clock: Clock): void {
  // Projects first: quotas and rests are theirs.
  const order: readonly PoolStateEntry['kind'][] = ['charged', 'key', 'quota', 'rest'];
  const over: PoolStateEntry[] = [];
  for (const kind of order) {
    const owners = new Set(Array.from(pool.keys(), quotaOwner));
    for (const entry of entries) if (entry.kind === kind && !restore(entry, pool, clock, owners)) over.push(entry);
  }
  // What was just read needs no writing, unless there is no use in it any more.
  pool.changes.take();
  for (const { kind, id, model } of over) pool.changes.mark(kind, id, model);
  pool.isRestored = true;
}

/** Gives one entry to the pool; false when there is no use in it any more. */
function restore(
  { kind, id, model, value }: PoolStateEntry,
  pool: KeyPool,
  clock: Clock,
  owners: ReadonlySet<string>,
): boolean {
  if (value === null) return true;
  const wallMs = clock.wallMs();
  switch (kind) {
    case 'key': {
      const stored = readKey.read(value);
      if (stored !== null) pool.restoreKey(id, stored);
      return true;
    }
    case 'rest': {
      const stored = readRest.read(value);
      if (stored === null) return true;
      const leftMs = Math.min(restMsMax, stored.untilWallMs - wallMs);
      if (leftMs > 0) pool.restoreRest(id, model, { untilMs: clock.monotonicMs() + leftMs, reason: stored.reason });
      return leftMs > 0;
    }
    case 'quota': {
      const stored = readQuota.read(value);
      if (stored === null) return true;
      if (!isOfUse(stored, wallMs)) return false;
      // Those of keys and projects that are not here wait in the database.
      if (!owners.has(id)) return true;
      pool.restoreModel(model);
      pool.ledger.quota(id, model).add(stored, wallMs);
      return true;
    }
    case 'charged': {
      const stored = readCharged.read(value);
      if (stored !== null) pool.charged.learn(model, stored.model);
      return true;
    }
    default:
      return kind satisfies never;
  }
}

/** Reads JSON that this program wrote, or an older one. */
function reader<T extends TSchema>(schema: T): { schema: T; read: (text: string) => Static<T> | null } {
  const validator = Compile(schema);
  return {
    schema,
    read: (text) => {
      try {
        const value: unknown = JSON.parse(text);
        return validator.Check(value) ? value : null;
      } catch {
        return null;
      }
    },
  };
}
