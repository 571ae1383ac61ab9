/** The client keys in the admin API. Answers and commands are built field by field; memory follows the committed command. */
import {
  type ClientKeyEntry,
  type ClientKeyList,
  createClientKeyRequest,
  type Deleted,
  type KeyCreated,
  updateClientKeyRequest,
} from '../shared/admin-wire.ts';
import { GatewayError } from '../shared/errors.ts';
import { fingerprint, maskSecret, mintClientKey } from '../shared/ids.ts';
import { limits } from '../shared/limits.ts';
import type { StoreCommand, StoreResult } from '../shared/messages.ts';
import type { ClientKey, UsageTotals } from '../shared/rows.ts';
import { bodyReader, wrongField } from './admin-body.ts';
import { type AdminParts, replyAdmin } from './admin-plane.ts';
import type { Call } from './call.ts';
import type { Route } from './route-table.ts';

const nameCharsMax = 200;
/** Control characters, lone surrogates, line and paragraph separators: what no name needs and some reader trips over. */
const refusedInNames = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u;

const readCreate = bodyReader(createClientKeyRequest);
const readUpdate = bodyReader(updateClientKeyRequest);

/** To stand behind the check of the session. */
export function clientKeyRoutes(parts: AdminParts): Route[] {
  return [
    {
      path: '/admin/api/api-keys',
      methods: { GET: (call) => list(call, parts), POST: (call) => create(call, parts) },
    },
    {
      path: '/admin/api/api-keys/{id}',
      methods: {
        GET: (call) => get(call, parts),
        PUT: (call) => update(call, parts),
        DELETE: (call) => remove(call, parts),
      },
    },
  ];
}

async function list({ down }: Call, { clientKeys, reports }: AdminParts): Promise<void> {
  const { byClientKey } = await reports.ask('client_keys');
  const newestFirst = clientKeys.all().sort((a, b) => b.createdAtMs - a.createdAtMs);
  const answer: ClientKeyList = { api_keys: newestFirst.map((clientKey) => entryOf(clientKey, byClientKey)) };
  replyAdmin(down, answer);
}

async function get({ id, down }: Call, { clientKeys, reports }: AdminParts): Promise<void> {
  const { byClientKey } = await reports.ask('client_keys');
  replyAdmin(down, entryOf(found(clientKeys.get(id)), byClientKey));
}

async function create(call: Call, { clock, nextId, writer }: AdminParts): Promise<void> {
  const body = await readCreate(call, limits.adminBodyBytesMax);
  const name = nameOf(body.key_name);
  const key = body.api_key ?? mintClientKey();
  const clientKey: ClientKey = {
    id: nextId(),
    name,
    hash: fingerprint(key),
    masked: maskSecret(key),
    isActive: true,
    createdAtMs: clock.wallMs(),
  };
  const result = await writer.command({ op: 'create_client_key', clientKey });
  if (result !== 'ok')
    throw new GatewayError('entity_exists', { message: 'There is such a client key already.', param: 'api_key' });
  replyAdmin(call.down, { id: clientKey.id, api_key: key } satisfies KeyCreated);
}

async function update(call: Call, { clientKeys, writer, reports }: AdminParts): Promise<void> {
  const { id, down } = call;
  const body = await readUpdate(call, limits.adminBodyBytesMax);
  const command: StoreCommand = { op: 'update_client_key', id };
  if (body.key_name !== undefined) command.name = nameOf(body.key_name);
  if (body.is_active !== undefined) command.isActive = body.is_active;
  found(clientKeys.get(id));
  // Asked before the change, so that a report that fails can't make a change that was committed look like none.
  const { byClientKey } = await reports.ask('client_keys');
  refuseMissing(await writer.command(command));
  replyAdmin(down, entryOf(found(clientKeys.get(id)), byClientKey));
}

async function remove({ id, down }: Call, { writer }: AdminParts): Promise<void> {
  refuseMissing(await writer.command({ op: 'delete_client_key', id }));
  replyAdmin(down, { id, deleted: true } satisfies Deleted);
}

function found(clientKey: ClientKey | null): ClientKey {
  if (clientKey === null) throw new GatewayError('entity_not_found', { message: 'There is no such client key.' });
  return clientKey;
}

function refuseMissing(result: StoreResult): void {
  if (result !== 'ok') throw new GatewayError('entity_not_found', { message: 'There is no such client key.' });
}

function nameOf(raw: string): string {
  const name = raw.trim();
  const chars = [...name].length;
  if (chars === 0 || chars > nameCharsMax || refusedInNames.test(name))
    throw wrongField('invalid_value', createClientKeyRequest, 'key_name');
  return name;
}

function entryOf(clientKey: ClientKey, byClientKey: Readonly<Record<string, UsageTotals>>): ClientKeyEntry {
  const totals = byClientKey[clientKey.id];
  return {
    id: clientKey.id,
    key_name: clientKey.name,
    api_key: clientKey.masked,
    is_active: clientKey.isActive,
    created_at: new Date(clientKey.createdAtMs).toISOString(),
    total_requests: totals?.requests ?? 0,
    total_input_tokens: totals?.inputTokens ?? 0,
    total_output_tokens: totals?.outputTokens ?? 0,
  };
}
