/**
 * A database of the Rust program that this one replaces is taken over in place, once: its client keys stay valid but
 * are stored as fingerprints, its usage becomes ours. Its tables, which hold keys in the clear, are dropped.
 */
import { fingerprint, maskSecret } from '../../shared/ids.ts';
import type { Connection } from './database.ts';

const logsAtOnce = 5_000;
/** Below this a number is in seconds: as milliseconds it would lie in January 1970. */
const secondsMax = 100_000_000_000;

type Values = Record<string, unknown>;

/** Takes over `api_keys` and `usage_logs` if they are there. To be run inside a transaction. */
export function importRustDatabase(connection: Connection): void {
  const tables = connection
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN ('api_keys', 'usage_logs')")
    .pluck()
    .all();
  if (tables.includes('usage_logs')) {
    importLogs(connection);
    connection.exec('DROP TABLE usage_logs');
  }
  if (tables.includes('api_keys')) {
    importKeys(connection);
    // Overwrites the pages as they become free.
    connection.pragma('secure_delete = ON');
    connection.exec('DROP TABLE api_keys');
    connection.pragma('secure_delete = OFF');
  }
}

function importKeys(connection: Connection): void {
  const insertKey = connection.prepare(
    `INSERT INTO client_keys (id, name, hash, masked, is_active, created_at_ms) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
  );
  const insertTotals = connection.prepare(
    `INSERT INTO client_key_totals (client_key_id, requests, prompt_tokens, cached_tokens, tool_prompt_tokens,
       thoughts_tokens, output_tokens) VALUES (?, ?, ?, 0, 0, 0, ?)`,
  );
  const keys = connection
    .prepare<[], Values>(
      `SELECT id, key_name, api_key, is_active, created_at, total_requests, total_input_tokens, total_output_tokens
       FROM api_keys`,
    )
    .all();
  for (const values of keys) {
    const id = textOf(values['id']);
    const key = textOf(values['api_key']);
    // Without either there is nothing that a client could present.
    if (id === '' || key === '') continue;
    const createdAtMs = timeOf(values['created_at']);
    insertKey.run(
      id,
      textOf(values['key_name']),
      fingerprint(key),
      maskSecret(key),
      isTrue(values['is_active']) ? 1 : 0,
      createdAtMs,
    );
    insertTotals.run(
      id,
      countOf(values['total_requests']),
      countOf(values['total_input_tokens']),
      countOf(values['total_output_tokens']),
    );
  }
}

/**
 * In the order in which they were written, which is close to that of time. Into the table as it is at this step of the
 * schema; the sums over the rows are made by a later one.
 */
function importLogs(connection: Connection): void {
  const insert = connection.prepare(
    `INSERT INTO requests (id, at_ms, client_key_id, endpoint, model_asked, model_served, stream, status, termination,
       error_code, prompt_tokens, cached_tokens, tool_prompt_tokens, thoughts_tokens, output_tokens, tokens_estimated,
       duration_ms, attempts) VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, 0, 0, 0, ?, 1, 0, '[]')
     ON CONFLICT (id) DO NOTHING`,
  );
  const next = connection.prepare<[number, number], Values>(
    `SELECT rowid AS place, id, api_key_id, timestamp, endpoint, model, input_tokens, output_tokens, success
     FROM usage_logs WHERE rowid > ? ORDER BY rowid LIMIT ?`,
  );
  let place = Number.MIN_SAFE_INTEGER;
  for (;;) {
    const logs = next.all(place, logsAtOnce);
    for (const log of logs) insert.run(...rowOf(log));
    const last = logs.at(-1)?.['place'];
    if (typeof last !== 'number') return;
    place = last;
  }
}

function rowOf(log: Values): unknown[] {
  const atMs = timeOf(log['timestamp']);
  const model = textOf(log['model']);
  const succeeded = isTrue(log['success']);
  return [
    // Sorts by time like our own, and the same log always gets the same.
    atMs.toString(16).padStart(12, '0') + fingerprint(textOf(log['id'])).slice(0, 20),
    atMs,
    textOf(log['api_key_id']),
    textOf(log['endpoint']),
    model,
    model,
    // The status of a failure was not recorded.
    succeeded ? 200 : 0,
    succeeded ? 'complete' : 'error',
    succeeded ? null : 'unknown',
    countOf(log['input_tokens']),
    countOf(log['output_tokens']),
  ];
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : '';
}

function countOf(value: unknown): number {
  const count = Math.trunc(Number(value ?? 0));
  return Number.isSafeInteger(count) && count > 0 ? count : 0;
}

function isTrue(value: unknown): boolean {
  return value === 1 || (typeof value === 'string' && /^(1|true)$/i.test(value));
}

/** SQLite's own `YYYY-MM-DD HH:MM:SS`, which is UTC, or RFC 3339, or a number. What can't be read becomes 0. */
function timeOf(value: unknown): number {
  if (typeof value === 'number') return Math.max(0, Math.trunc(value < secondsMax ? value * 1_000 : value));
  if (typeof value !== 'string') return 0;
  const withZone = /(Z|[+-]\d{2}:?\d{2})$/i.test(value) ? value : `${value}Z`;
  const ms = Date.parse(withZone.replace(' ', 'T'));
  return Number.isNaN(ms) ? 0 : Math.max(0, ms);
}
