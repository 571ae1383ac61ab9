/** The Gemini keys in the admin API: those of the environment are shown, those of the database can be added and deleted. */
import {
  addGeminiKeyRequest,
  type Deleted,
  type GeminiKeyEntry,
  type GeminiKeyList,
  type KeyCreated,
} from '../shared/admin-wire.ts';
import { GatewayError } from '../shared/errors.ts';
import { maskSecret } from '../shared/ids.ts';
import { limits } from '../shared/limits.ts';
import { bodyReader } from './admin-body.ts';
import { type AdminParts, replyAdmin } from './admin-plane.ts';
import type { Call } from './call.ts';
import type { KeyPool } from './key-pool.ts';
import type { Route } from './route-table.ts';

const readAdd = bodyReader(addGeminiKeyRequest);

/** To stand behind the check of the session. */
export function geminiKeyRoutes(parts: AdminParts): Route[] {
  return [
    {
      path: '/admin/api/gemini-keys',
      methods: { GET: (call) => list(call, parts), POST: (call) => add(call, parts) },
    },
    { path: '/admin/api/gemini-keys/{id}', methods: { DELETE: (call) => remove(call, parts) } },
  ];
}

function list({ down }: Call, { pool }: AdminParts): void {
  replyAdmin(down, { gemini_keys: entriesOf(pool) } satisfies GeminiKeyList);
}

async function add(call: Call, { clock, nextId, pool, writer }: AdminParts): Promise<void> {
  const { key } = await readAdd(call, limits.adminBodyBytesMax);
  const id = nextId();
  // The database does not know the environment's keys, the pool does.
  const result = pool.holds(key)
    ? 'exists'
    : await writer.command({
        op: 'add_gemini_key',
        geminiKey: { id, key, source: 'stored' },
        createdAtMs: clock.wallMs(),
      });
  if (result !== 'ok')
    throw new GatewayError('entity_exists', { message: 'This Gemini key is in the pool already.', param: 'key' });
  replyAdmin(call.down, { id, api_key: maskSecret(key) } satisfies KeyCreated);
}

async function remove({ id, down }: Call, { pool, writer }: AdminParts): Promise<void> {
  if (pool.status().some((known) => known.id === id && known.source === 'environment'))
    throw new GatewayError('invalid_value', {
      message: 'This key comes from the environment. Remove it from GEMINI_API_KEYS and restart.',
      param: 'id',
    });
  const result = await writer.command({ op: 'delete_gemini_key', id });
  if (result !== 'ok') throw new GatewayError('entity_not_found', { message: 'There is no such Gemini key.' });
  replyAdmin(down, { id, deleted: true } satisfies Deleted);
}

function entriesOf(pool: KeyPool): GeminiKeyEntry[] {
  return pool.status().map(({ id, masked, source, disabledReason, inFlight, rests }) => ({
    id,
    api_key: masked,
    source,
    state: disabledReason === null ? 'enabled' : 'disabled',
    disabled_reason: disabledReason,
    in_flight: inFlight,
    rests: rests.map(({ model, remainingMs, reason }) => ({ model, remaining_ms: Math.ceil(remainingMs), reason })),
  }));
}
