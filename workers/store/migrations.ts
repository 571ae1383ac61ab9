/**
 * The schema, as numbered steps forward. Each step is one transaction together with its number, so that a step which was
 * killed has not happened; steps that were released are never edited.
 */
import { clientKeyLimitsSchema } from './client-key-limits-schema.ts';
import { applicationId, type Connection, checkpoint, pragmaNumber } from './database.ts';
import { peopleSchema } from './people-schema.ts';
import { poolSchema } from './pool-schema.ts';
import { importRustDatabase } from './rust-import.ts';
import { usageSchema } from './usage-schema.ts';

const tables = `
  CREATE TABLE client_keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    masked TEXT NOT NULL,
    is_active INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE gemini_keys (
    id TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE,
    sealed BLOB NOT NULL,
    created_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- One row a client request. Ids sort by time, so rows are appended; keys that were deleted keep their rows.
  CREATE TABLE requests (
    id TEXT PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    client_key_id TEXT NOT NULL,
    gemini_key_id TEXT,
    endpoint TEXT NOT NULL,
    model_asked TEXT,
    model_served TEXT,
    stream INTEGER NOT NULL,
    status INTEGER NOT NULL,
    termination TEXT NOT NULL,
    error_code TEXT,
    finish_reason TEXT,
    prompt_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    tool_prompt_tokens INTEGER NOT NULL,
    thoughts_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    tokens_estimated INTEGER NOT NULL,
    first_token_ms INTEGER,
    duration_ms INTEGER NOT NULL,
    attempts TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- Sums over rows by span of UTC time ('minute', 'hour', 'day'), client key and model served ('' when none was).
  CREATE TABLE rollups (
    span TEXT NOT NULL,
    start_ms INTEGER NOT NULL,
    client_key_id TEXT NOT NULL,
    model TEXT NOT NULL,
    requests INTEGER NOT NULL,
    completed INTEGER NOT NULL,
    client_gone INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    tool_prompt_tokens INTEGER NOT NULL,
    thoughts_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    first_tokens INTEGER NOT NULL,
    first_token_ms INTEGER NOT NULL,
    PRIMARY KEY (span, start_ms, client_key_id, model)
  ) STRICT, WITHOUT ROWID;

  -- Sums since the first row: lists and the overview read these, however many rows there are.
  CREATE TABLE client_key_totals (
    client_key_id TEXT PRIMARY KEY,
    requests INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    tool_prompt_tokens INTEGER NOT NULL,
    thoughts_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

interface Step {
  /** `outside` a transaction only where SQLite refuses to be inside: what such a step does must bear being repeated. */
  outside?: true;
  run: (connection: Connection) => void;
}

const steps: readonly Step[] = [
  {
    run: (connection) => {
      connection.pragma(`application_id = ${applicationId}`);
      connection.exec(tables);
    },
  },
  { run: importRustDatabase },
  {
    // Nothing is to be left of tables that held keys in the clear, nor of rows that the Rust program had deleted.
    outside: true,
    run: (connection) => {
      if (pragmaNumber(connection, 'freelist_count') === 0) return;
      connection.exec('VACUUM');
      checkpoint(connection);
    },
  },
  { run: (connection) => connection.exec(clientKeyLimitsSchema) },
  { run: (connection) => connection.exec(peopleSchema) },
  { run: (connection) => connection.exec(usageSchema) },
  { run: (connection) => connection.exec(poolSchema) },
];

/** The schema that this program writes. */
export const newestSchema = steps.length;

/** The schema before and after; 0 is a database without one. */
export interface Migration {
  from: number;
  to: number;
}

/** Brings the schema to the newest version, or to one before. */
export function migrate(connection: Connection, to = newestSchema): Migration {
  const from = pragmaNumber(connection, 'user_version');
  for (const [index, step] of steps.slice(0, to).entries()) {
    if (index < from) continue;
    const run = (): void => {
      step.run(connection);
      connection.pragma(`user_version = ${index + 1}`);
    };
    if (step.outside) run();
    else connection.transaction(run).immediate();
  }
  return { from, to };
}
