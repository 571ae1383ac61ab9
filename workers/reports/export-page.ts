/** A file of requests or rollups, a page of text at a time: CSV as spreadsheets read it, or one JSON array. */
import type { RequestEntry } from '../../shared/admin-usage.ts';
import type { ExportReport, UsageAnswer } from '../../shared/usage-reports.ts';
import type { Connection } from '../store/database.ts';
import { readRequests } from './request-list.ts';
import { dollarsOf } from './usage-sums.ts';

const pageRows = 1_000;

type Answer = Extract<UsageAnswer, { report: 'export_page' }>;
type Value = string | number | boolean | null;
type Line = Readonly<Record<string, Value>>;

interface RollupRow {
  start_ms: number;
  client_key_id: string;
  client_key_name: string | null;
  model: string;
  requests: number;
  completed: number;
  client_gone: number;
  prompt_tokens: number;
  cached_tokens: number;
  tool_prompt_tokens: number;
  thoughts_tokens: number;
  output_tokens: number;
  cost_nano: number;
  unpriced: number;
}

/** Throws a RangeError for a cursor that no page had. */
export function readExportPage(connection: Connection, query: ExportReport): Answer {
  const { lines, columns, nextCursor } =
    query.of === 'requests' ? requests(connection, query) : rollups(connection, query);
  const position = { isFirst: query.cursor === null, isLast: nextCursor === null };
  const text = query.format === 'csv' ? toCsv(lines, columns, position) : toJson(lines, position);
  return { report: 'export_page', text, nextCursor };
}

interface Lines {
  lines: Line[];
  columns: readonly string[];
  nextCursor: string | null;
}

function requests(connection: Connection, { filter, cursor }: ExportReport): Lines {
  const page = readRequests(connection, filter, pageRows, cursor);
  return { lines: page.requests.map(lineOf), columns: requestNames, nextCursor: page.nextCursor };
}

const requestNames: readonly Exclude<keyof RequestEntry, 'attempts' | 'warnings'>[] = [
  'id',
  'at',
  'client_key_id',
  'client_key_name',
  'gemini_key_id',
  'endpoint',
  'model_asked',
  'model_served',
  'stream',
  'status',
  'outcome',
  'ended_by',
  'phase',
  'error_code',
  'error_message',
  'error_param',
  'finish_reason',
  'prompt_tokens',
  'cached_tokens',
  'tool_prompt_tokens',
  'thoughts_tokens',
  'output_tokens',
  'tokens_estimated',
  'cost',
  'first_token_ms',
  'duration_ms',
];

function lineOf(entry: RequestEntry): Line {
  return Object.fromEntries(requestNames.map((name) => [name, entry[name]]));
}

const rollupNames = [
  'start',
  'client_key_id',
  'client_key_name',
  'model',
  'requests',
  'completed',
  'client_gone',
  'failed',
  'prompt_tokens',
  'cached_tokens',
  'tool_prompt_tokens',
  'thoughts_tokens',
  'output_tokens',
  'cost',
  'unpriced_requests',
];

function rollups(connection: Connection, { filter, span, cursor }: ExportReport): Lines {
  const place = cursor === null ? { startMs: filter.fromMs ?? 0, clientKeyId: '', model: '' } : placeOf(cursor);
  const rows = connection
    .prepare<[Record<string, string | number | null>], RollupRow>(
      `SELECT start_ms, client_key_id, client_keys.name AS client_key_name, model, requests, completed, client_gone,
         prompt_tokens, cached_tokens, tool_prompt_tokens, thoughts_tokens, output_tokens, cost_nano, unpriced
       FROM rollups LEFT JOIN client_keys ON client_keys.id = client_key_id
       WHERE span = @span AND (start_ms, client_key_id, model) > (@startMs, @clientKeyId, @model) AND start_ms < @toMs
         AND (@onlyClientKeyId IS NULL OR client_key_id = @onlyClientKeyId) AND (@onlyModel IS NULL OR model = @onlyModel)
       ORDER BY start_ms, client_key_id, model LIMIT ${pageRows}`,
    )
    .all({
      span,
      ...place,
      toMs: filter.toMs ?? Number.MAX_SAFE_INTEGER,
      onlyClientKeyId: filter.clientKeyId,
      onlyModel: filter.model,
    });
  const last = rows.length < pageRows ? undefined : rows.at(-1);
  return {
    lines: rows.map(rollupLineOf),
    columns: rollupNames,
    nextCursor:
      last === undefined ? null : `${last.start_ms} ${last.client_key_id.length} ${last.client_key_id}${last.model}`,
  };
}

function placeOf(cursor: string): { startMs: number; clientKeyId: string; model: string } {
  const [, startMs, length, rest] = /^(\d+) (\d+) (.*)$/s.exec(cursor) ?? [];
  if (startMs === undefined || length === undefined || rest === undefined) throw new RangeError('cursor');
  return { startMs: Number(startMs), clientKeyId: rest.slice(0, Number(length)), model: rest.slice(Number(length)) };
}

function rollupLineOf(row: RollupRow): Line {
  return {
    start: new Date(row.start_ms).toISOString(),
    client_key_id: row.client_key_id,
    client_key_name: row.client_key_name,
    model: row.model,
    requests: row.requests,
    completed: row.completed,
    client_gone: row.client_gone,
    failed: row.requests - row.completed - row.client_gone,
    prompt_tokens: row.prompt_tokens,
    cached_tokens: row.cached_tokens,
    tool_prompt_tokens: row.tool_prompt_tokens,
    thoughts_tokens: row.thoughts_tokens,
    output_tokens: row.output_tokens,
    cost: row.cost_nano === 0 && row.unpriced > 0 ? null : dollarsOf(row.cost_nano),
    unpriced_requests: row.unpriced,
  };
}

interface Position {
  isFirst: boolean;
  isLast: boolean;
}

function toCsv(lines: readonly Line[], columns: readonly string[], { isFirst }: Position): string {
  const head = isFirst ? `${columns.join(',')}\r\n` : '';
  return head + lines.map((line) => `${columns.map((column) => cell(line[column] ?? null)).join(',')}\r\n`).join('');
}

/** A field of RFC 4180. Text that a spreadsheet would take for a formula gets an apostrophe before it. */
function cell(value: Value): string {
  if (value === null) return '';
  if (typeof value !== 'string') return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function toJson(lines: readonly Line[], { isFirst, isLast }: Position): string {
  const open = isFirst ? '[' : '';
  // Each line but the very first has a comma before it; a page without lines has none to give.
  const text = lines.map((line, index) => `${isFirst && index === 0 ? '\n' : ',\n'}${JSON.stringify(line)}`).join('');
  return `${open}${text}${isLast ? '\n]\n' : ''}`;
}
