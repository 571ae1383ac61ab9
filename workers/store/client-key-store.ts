/** Client keys and their limits in the database. Commands are to be called inside a transaction. */
import { type AuditValue, differences } from '../../shared/audit.ts';
import { type ClientKey, withChanges } from '../../shared/client-key.ts';
import type { ClientKeyCommand } from '../../shared/messages.ts';
import type { Applied } from './audit-store.ts';
import type { Connection, Statement } from './database.ts';

interface ClientKeyRow {
  id: string;
  name: string;
  hash: string;
  masked: string;
  is_active: number;
  created_at_ms: number;
  version: number;
  note: string;
  expires_at_ms: number | null;
  requests_per_minute: number | null;
  tokens_per_minute: number | null;
  tokens_per_day: number | null;
  tokens_per_month: number | null;
  cost_nano_per_day: number | null;
  cost_nano_per_month: number | null;
  concurrent_streams: number | null;
  allowed_models: string | null;
}

/** Columns that an update sets, in the order in which `settableOf` gives their values. */
const settable = [
  'name',
  'is_active',
  'version',
  'note',
  'expires_at_ms',
  'requests_per_minute',
  'tokens_per_minute',
  'tokens_per_day',
  'tokens_per_month',
  'cost_nano_per_day',
  'cost_nano_per_month',
  'concurrent_streams',
  'allowed_models',
] as const;

const columns = ['id', 'hash', 'masked', 'created_at_ms', ...settable];

export class ClientKeyStore {
  readonly #all: Statement<[], ClientKeyRow>;
  readonly #one: Statement<[string], ClientKeyRow>;
  readonly #insert: Statement;
  readonly #update: Statement;
  readonly #delete: Statement;

  constructor(connection: Connection) {
    const select = `SELECT ${columns.join(', ')} FROM client_keys`;
    this.#all = connection.prepare(`${select} ORDER BY created_at_ms, id`);
    this.#one = connection.prepare(`${select} WHERE id = ?`);
    this.#insert = connection.prepare(
      `INSERT INTO client_keys (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
       ON CONFLICT DO NOTHING`,
    );
    this.#update = connection.prepare(
      `UPDATE client_keys SET ${settable.map((column) => `${column} = ?`).join(', ')} WHERE id = ?`,
    );
    this.#delete = connection.prepare('DELETE FROM client_keys WHERE id = ?');
  }

  load(): ClientKey[] {
    return this.#all.all().map(fromRow);
  }

  apply(command: ClientKeyCommand): Applied {
    switch (command.op) {
      case 'create_client_key': {
        const { clientKey } = command;
        const { id, hash, masked, createdAtMs } = clientKey;
        const { changes } = this.#insert.run(id, hash, masked, createdAtMs, ...settableOf(clientKey));
        return changes === 1 ? done(command.op, id, null, clientKey) : { result: 'exists', change: null };
      }
      case 'update_client_key': {
        const { id, changes, expectedVersion } = command;
        const before = this.#find(id);
        if (before === null) return { result: 'missing', change: null };
        if (expectedVersion !== null && expectedVersion !== before.version) return { result: 'stale', change: null };
        const after = withChanges(before, changes);
        this.#update.run(...settableOf(after), id);
        return done(command.op, id, before, after);
      }
      case 'delete_client_key': {
        const before = this.#find(command.id);
        if (before === null) return { result: 'missing', change: null };
        this.#delete.run(command.id);
        return done(command.op, command.id, before, null);
      }
      default:
        return command satisfies never;
    }
  }

  #find(id: string): ClientKey | null {
    const row = this.#one.get(id);
    return row === undefined ? null : fromRow(row);
  }
}

function settableOf({ name, isActive, version, note, expiresAtMs, limits, allowedModels }: ClientKey) {
  return [
    name,
    isActive ? 1 : 0,
    version,
    note,
    expiresAtMs,
    limits.requestsPerMinute,
    limits.tokensPerMinute,
    limits.tokensPerDay,
    limits.tokensPerMonth,
    limits.costNanoPerDay,
    limits.costNanoPerMonth,
    limits.concurrentStreams,
    allowedModels === null ? null : JSON.stringify(allowedModels),
  ];
}

function fromRow(row: ClientKeyRow): ClientKey {
  return {
    id: row.id,
    name: row.name,
    hash: row.hash,
    masked: row.masked,
    isActive: row.is_active === 1,
    createdAtMs: row.created_at_ms,
    version: row.version,
    note: row.note,
    expiresAtMs: row.expires_at_ms,
    limits: {
      requestsPerMinute: row.requests_per_minute,
      tokensPerMinute: row.tokens_per_minute,
      tokensPerDay: row.tokens_per_day,
      tokensPerMonth: row.tokens_per_month,
      costNanoPerDay: row.cost_nano_per_day,
      costNanoPerMonth: row.cost_nano_per_month,
      concurrentStreams: row.concurrent_streams,
    },
    allowedModels: row.allowed_models === null ? null : namesOf(row.allowed_models),
  };
}

function namesOf(json: string): string[] {
  const names: unknown = JSON.parse(json);
  return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];
}

function done(action: string, id: string, before: ClientKey | null, after: ClientKey | null): Applied {
  const changes = differences(before && auditedFields(before), after && auditedFields(after));
  return { result: 'ok', change: { action, subject: 'client_key', subjectId: id, changes } };
}

/** In the words of the admin API, where costs are dollars and times ISO 8601. */
function auditedFields({ name, masked, isActive, note, expiresAtMs, limits, allowedModels }: ClientKey) {
  const fields: Record<string, AuditValue> = {
    key_name: name,
    api_key: masked,
    is_active: isActive,
    note,
    expires_at: expiresAtMs === null ? null : new Date(expiresAtMs).toISOString(),
    'limits.requests_per_minute': limits.requestsPerMinute,
    'limits.tokens_per_minute': limits.tokensPerMinute,
    'limits.tokens_per_day': limits.tokensPerDay,
    'limits.tokens_per_month': limits.tokensPerMonth,
    'limits.cost_per_day': dollarsOf(limits.costNanoPerDay),
    'limits.cost_per_month': dollarsOf(limits.costNanoPerMonth),
    'limits.concurrent_streams': limits.concurrentStreams,
    allowed_models: allowedModels,
  };
  return fields;
}

function dollarsOf(nanoDollars: number | null): number | null {
  return nanoDollars === null ? null : nanoDollars / 1_000_000_000;
}
