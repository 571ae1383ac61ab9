/** The client keys in the admin API. Answers and commands are built field by field; memory follows the committed command. */
import {
  type ClientKeyLimitsRequest,
  type ClientKeyList,
  createClientKeyRequest,
  listClientKeysQuery,
  type UpdateClientKeyRequest,
  updateClientKeyRequest,
} from '../shared/admin-client-keys.ts';
import type { Deleted, KeyCreated } from '../shared/admin-wire.ts';
import { type ClientKey, type ClientKeyChanges, type ClientKeyLimits, noLimits } from '../shared/client-key.ts';
import { GatewayError } from '../shared/errors.ts';
import { fingerprint, maskSecret, mintClientKey } from '../shared/ids.ts';
import { limits } from '../shared/limits.ts';
import { bodyReader, wrongField } from './admin-body.ts';
import { type AdminParts, auditOrigin, replyAdmin, replyStale } from './admin-plane.ts';
import { queryReader } from './admin-query.ts';
import { readTime } from './admin-time.ts';
import type { Call } from './call.ts';
import { entryOf, matchingKeys, nanoPerDollar, sortEntries } from './client-key-entries.ts';
import type { Route } from './route-table.ts';

const nameCharsMax = 200;
/** Control characters, lone surrogates, line and paragraph separators: what no name needs and some reader trips over. */
const refusedInNames = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u;
/** A note may have lines. */
const refusedInNotes = /(?![\n\r\t])[\p{Cc}\p{Cs}]/u;

const readCreate = bodyReader(createClientKeyRequest);
const readUpdate = bodyReader(updateClientKeyRequest);
const readList = queryReader(listClientKeysQuery);

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

async function list(call: Call, { clientKeys, clientLimits, reports }: AdminParts): Promise<void> {
  const query = readList(call);
  const { byClientKey } = await reports.ask('client_keys');
  const entries = matchingKeys(query, clientKeys).map((clientKey) => entryOf(clientKey, clientLimits, byClientKey));
  sortEntries(entries, query.sort);
  replyAdmin(call.down, { api_keys: entries } satisfies ClientKeyList);
}

async function get({ id, down }: Call, { clientKeys, clientLimits, reports }: AdminParts): Promise<void> {
  const { byClientKey } = await reports.ask('client_keys');
  replyAdmin(down, entryOf(found(clientKeys.get(id)), clientLimits, byClientKey));
}

async function create(call: Call, parts: AdminParts): Promise<void> {
  const { clock, nextId, writer } = parts;
  const by = auditOrigin(call, parts);
  const body = await readCreate(call, limits.adminBodyBytesMax);
  const key = body.api_key ?? mintClientKey();
  const expiresAtMs = expiryOf(body.expires_at) ?? null;
  if (expiresAtMs !== null && expiresAtMs <= clock.wallMs())
    throw new GatewayError('invalid_value', {
      message: "Invalid value for 'expires_at': expected a time in the future.",
      param: 'expires_at',
    });
  const clientKey: ClientKey = {
    id: nextId(),
    name: nameOf(body.key_name),
    hash: fingerprint(key),
    masked: maskSecret(key),
    isActive: true,
    createdAtMs: clock.wallMs(),
    version: 1,
    note: noteOf(body.note) ?? '',
    expiresAtMs,
    limits: { ...noLimits, ...limitsOf(body.limits) },
    allowedModels: body.allowed_models ?? null,
  };
  const result = await writer.command({ op: 'create_client_key', clientKey, by });
  if (result !== 'ok')
    throw new GatewayError('entity_exists', { message: 'There is such a client key already.', param: 'api_key' });
  replyAdmin(call.down, { id: clientKey.id, api_key: key } satisfies KeyCreated);
}

async function update(call: Call, parts: AdminParts): Promise<void> {
  const { clientKeys, clientLimits, writer, reports } = parts;
  const { id, down } = call;
  const by = auditOrigin(call, parts);
  const body = await readUpdate(call, limits.adminBodyBytesMax);
  const changes = changesOf(body);
  found(clientKeys.get(id));
  // Asked before the change, so that a report that fails can't make a change that was committed look like none.
  const { byClientKey } = await reports.ask('client_keys');
  const result = await writer.command({
    op: 'update_client_key',
    id,
    changes,
    expectedVersion: body.version ?? null,
    by,
  });
  const entry = result === 'missing' ? null : clientKeys.get(id);
  const shown = entryOf(found(entry), clientLimits, byClientKey);
  if (result === 'stale') replyStale(down, shown);
  else replyAdmin(down, shown);
}

async function remove(call: Call, parts: AdminParts): Promise<void> {
  const { id, down } = call;
  const result = await parts.writer.command({ op: 'delete_client_key', id, by: auditOrigin(call, parts) });
  if (result !== 'ok') throw new GatewayError('entity_not_found', { message: 'There is no such client key.' });
  replyAdmin(down, { id, deleted: true } satisfies Deleted);
}

function found(clientKey: ClientKey | null): ClientKey {
  if (clientKey === null) throw new GatewayError('entity_not_found', { message: 'There is no such client key.' });
  return clientKey;
}

function changesOf(body: UpdateClientKeyRequest): ClientKeyChanges {
  const changes: ClientKeyChanges = {};
  if (body.key_name !== undefined) changes.name = nameOf(body.key_name);
  if (body.is_active !== undefined) changes.isActive = body.is_active;
  if (body.allowed_models !== undefined) changes.allowedModels = body.allowed_models;
  if (body.limits !== undefined) changes.limits = limitsOf(body.limits);
  const note = noteOf(body.note);
  if (note !== undefined) changes.note = note;
  const expiresAtMs = expiryOf(body.expires_at);
  if (expiresAtMs !== undefined) changes.expiresAtMs = expiresAtMs;
  if (Object.keys(changes).length > 0) return changes;
  throw new GatewayError('missing_required_parameter', { message: 'Give at least one field to change.' });
}

function nameOf(raw: string): string {
  const name = raw.trim();
  const chars = [...name].length;
  if (chars === 0 || chars > nameCharsMax || refusedInNames.test(name))
    throw wrongField('invalid_value', createClientKeyRequest, 'key_name');
  return name;
}

function noteOf(raw: string | undefined): string | undefined {
  if (raw !== undefined && refusedInNotes.test(raw)) throw wrongField('invalid_value', createClientKeyRequest, 'note');
  return raw?.trim();
}

/** Undefined when the field was left out. */
function expiryOf(raw: string | null | undefined): number | null | undefined {
  if (raw === undefined || raw === null) return raw;
  const ms = readTime(raw);
  if (ms === null) throw wrongField('invalid_value', createClientKeyRequest, 'expires_at');
  return ms;
}

/** The limits that a body names; what it leaves out is not in the result. */
function limitsOf(body: ClientKeyLimitsRequest = {}): Partial<ClientKeyLimits> {
  const changed: Partial<ClientKeyLimits> = {};
  if (body.requests_per_minute !== undefined) changed.requestsPerMinute = body.requests_per_minute;
  if (body.tokens_per_minute !== undefined) changed.tokensPerMinute = body.tokens_per_minute;
  if (body.tokens_per_day !== undefined) changed.tokensPerDay = body.tokens_per_day;
  if (body.tokens_per_month !== undefined) changed.tokensPerMonth = body.tokens_per_month;
  if (body.cost_per_day !== undefined) changed.costNanoPerDay = nanoOf(body.cost_per_day);
  if (body.cost_per_month !== undefined) changed.costNanoPerMonth = nanoOf(body.cost_per_month);
  if (body.concurrent_streams !== undefined) changed.concurrentStreams = body.concurrent_streams;
  return changed;
}

function nanoOf(dollars: number | null): number | null {
  return dollars === null ? null : Math.round(dollars * nanoPerDollar);
}
