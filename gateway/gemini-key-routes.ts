/**
 * The Gemini keys in the admin API: those of the environment are shown, tagged and switched, those of the database can
 * also be added, deleted and exported.
 */
import {
  addGeminiKeyRequest,
  addGeminiKeysRequest,
  type GeminiKeyEntry,
  type GeminiKeyList,
  type GeminiKeysAdded,
  type GeminiKeyTested,
  type UpdateGeminiKeyRequest,
  updateGeminiKeyRequest,
} from '../shared/admin-gemini-keys.ts';
import type { Deleted, KeyCreated } from '../shared/admin-wire.ts';
import { type AuditOrigin, differences } from '../shared/audit.ts';
import { errorSpec, GatewayError } from '../shared/errors.ts';
import { maskSecret } from '../shared/ids.ts';
import { limits } from '../shared/limits.ts';
import type { StoreResult } from '../shared/messages.ts';
import { bodyReader } from './admin-body.ts';
import { type AdminParts, auditOrigin, replyAdmin, replyStale } from './admin-plane.ts';
import type { Call } from './call.ts';
import { geminiKeyEntry } from './gemini-key-entries.ts';
import { findGeminiKeys } from './gemini-key-import.ts';
import type { PoolKey } from './pool/pool-key.ts';
import { toEntries } from './pool/pool-storage.ts';
import type { Route } from './route-table.ts';

/** Keys of a paste that are with the writer at once. */
const addedAtOnce = 200;

const readAdd = bodyReader(addGeminiKeyRequest);
const readAddMany = bodyReader(addGeminiKeysRequest);
const readUpdate = bodyReader(updateGeminiKeyRequest);

/** To stand behind the check of the session. */
export function geminiKeyRoutes(parts: AdminParts): Route[] {
  return [
    {
      path: '/admin/api/gemini-keys',
      methods: { GET: (call) => list(call, parts), POST: (call) => add(call, parts) },
    },
    { path: '/admin/api/gemini-keys/bulk', methods: { POST: (call) => addMany(call, parts) } },
    // Whole keys: not for those who may only look.
    { path: '/admin/api/gemini-keys/export', viewers: 'none', methods: { GET: (call) => exportAll(call, parts) } },
    {
      path: '/admin/api/gemini-keys/{id}',
      methods: {
        GET: (call) => replyAdmin(call.down, entryOf(found(call.id, parts), parts)),
        PUT: (call) => update(call, parts),
        DELETE: (call) => remove(call, parts),
      },
    },
    { path: '/admin/api/gemini-keys/{id}/test', methods: { POST: (call) => test(call, parts) } },
  ];
}

function list({ down }: Call, parts: AdminParts): void {
  const entries = Array.from(parts.pool.keys(), (key) => entryOf(key, parts));
  replyAdmin(down, { gemini_keys: entries } satisfies GeminiKeyList);
}

async function add(call: Call, parts: AdminParts): Promise<void> {
  const by = auditOrigin(call, parts);
  const { key, project } = await readAdd(call, limits.adminBodyBytesMax);
  const { id, result } = await store(key, project ?? null, by, parts);
  if (result !== 'ok')
    throw new GatewayError('entity_exists', { message: 'This Gemini key is in the pool already.', param: 'key' });
  replyAdmin(call.down, { id, api_key: maskSecret(key) } satisfies KeyCreated);
}

/** What could be added is, whatever else is in the text. */
async function addMany(call: Call, parts: AdminParts): Promise<void> {
  const by = auditOrigin(call, parts);
  const { text, project } = await readAddMany(call, limits.adminBodyBytesMax);
  const { keys, duplicates, malformed } = findGeminiKeys(text);
  const answer: GeminiKeysAdded = { added: [], duplicates, malformed };
  for (let from = 0; from < keys.length; from += addedAtOnce) {
    const stored = keys.slice(from, from + addedAtOnce).map(async ({ line, key }) => {
      const { id, result } = await store(key, project ?? null, { ...by, id: parts.nextId() }, parts);
      const api_key = maskSecret(key);
      if (result === 'ok') answer.added.push({ id, api_key });
      else answer.duplicates.push({ line, api_key });
    });
    await Promise.all(stored);
  }
  answer.duplicates.sort((one, other) => one.line - other.line);
  replyAdmin(call.down, answer);
}

async function store(
  key: string,
  project: string | null,
  by: AuditOrigin,
  { clock, nextId, pool, writer }: AdminParts,
): Promise<{ id: string; result: StoreResult }> {
  const id = nextId();
  // The database does not know the environment's keys, the pool does.
  if (pool.holds(key)) return { id, result: 'exists' };
  const geminiKey = { id, key, source: 'stored' } as const;
  const result = await writer.command({ op: 'add_gemini_key', geminiKey, createdAtMs: clock.wallMs(), by });
  if (result === 'ok' && project !== null) pool.setProject(id, project, 'operator');
  return { id, result };
}

async function update(call: Call, parts: AdminParts): Promise<void> {
  const { id, down } = call;
  const by = auditOrigin(call, parts);
  const body = await readUpdate(call, limits.adminBodyBytesMax);
  const { pool, clock, writer } = parts;
  const key = found(id, parts);
  if (body.version !== undefined && body.version !== key.version) {
    replyStale(down, entryOf(key, parts));
    return;
  }
  const { project, projectSource, disabled, version } = key;
  const before = audited(key);
  // The memory changes first: whoever comes with the older version while this is written is told so.
  change(key, body, parts);
  const changes = differences(before, audited(key));
  try {
    await writer.command({
      op: 'save_pool_state',
      entries: toEntries([{ kind: 'key', id, model: '' }], pool, clock),
      change: { action: 'update_gemini_key', subject: 'gemini_key', subjectId: id, changes },
      by,
    });
  } catch (error) {
    if (key.version === version + 1) pool.restoreKey(id, { project, projectSource, disabled, version });
    throw error;
  }
  replyAdmin(down, entryOf(key, parts));
}

function change(key: PoolKey, { project, is_active }: UpdateGeminiKeyRequest, { pool }: AdminParts): void {
  key.version++;
  if (project !== undefined) {
    pool.setProject(key.id, project, 'operator');
    // Its rests may be over with its project before.
    pool.onCapacity();
  }
  if (is_active === false) pool.disable(key.id, 'switched_off', 'operator');
  if (is_active !== true) return;
  pool.enable(key.id);
  pool.forgetLearnt(key.id);
}

function audited({ project, disabled }: PoolKey): { project: string | null; is_active: boolean } {
  return { project, is_active: disabled === null };
}

async function remove(call: Call, parts: AdminParts): Promise<void> {
  const { id, down } = call;
  if (found(id, parts).source === 'environment')
    throw new GatewayError('invalid_value', {
      message: 'This key comes from the environment. Remove it from GEMINI_API_KEYS and restart.',
      param: 'id',
    });
  const result = await parts.writer.command({ op: 'delete_gemini_key', id, by: auditOrigin(call, parts) });
  if (result !== 'ok') throw new GatewayError('entity_not_found', { message: 'There is no such Gemini key.' });
  replyAdmin(down, { id, deleted: true } satisfies Deleted);
}

/** Asks Google which models the key offers, which costs no quota; a key that Google takes again is back in the pool. */
async function test({ id, down }: Call, parts: AdminParts): Promise<void> {
  found(id, parts);
  const result = await parts.poolParts.probes.probe(id);
  if (result === null) throw new GatewayError('entity_not_found', { message: 'There is no such Gemini key.' });
  if ('models' in result) {
    const models = result.models.length;
    replyAdmin(down, { ok: true, status: 200, message: '', models } satisfies GeminiKeyTested);
    return;
  }
  const refusal = result.outcome.kind === 'ok' ? undefined : result.outcome.refusal;
  const message = refusal?.message || (result.error.message ?? errorSpec(result.error.code).message);
  replyAdmin(down, { ok: false, status: refusal?.status ?? null, message, models: 0 } satisfies GeminiKeyTested);
}

async function exportAll(call: Call, parts: AdminParts): Promise<void> {
  const stored = [...parts.pool.keys()].filter(({ source }) => source === 'stored');
  await parts.writer.command({
    op: 'note_in_audit',
    change: {
      action: 'export_gemini_keys',
      subject: 'gemini_key',
      subjectId: '',
      changes: [{ field: 'keys', from: null, to: stored.length }],
    },
    by: auditOrigin(call, parts),
  });
  const text = stored.map(({ key }) => `${key}\n`).join('');
  call.down.reply(
    200,
    [
      ['content-type', 'text/plain; charset=utf-8'],
      ['content-disposition', 'attachment; filename="gemini-keys.txt"'],
      ['cache-control', 'no-store'],
      ['x-content-type-options', 'nosniff'],
    ],
    text,
  );
}

function found(id: string, { pool }: AdminParts): PoolKey {
  const key = pool.find(id);
  if (key === null) throw new GatewayError('entity_not_found', { message: 'There is no such Gemini key.' });
  return key;
}

function entryOf(key: PoolKey, { pool, clock }: AdminParts): GeminiKeyEntry {
  return geminiKeyEntry(key, pool, clock);
}
