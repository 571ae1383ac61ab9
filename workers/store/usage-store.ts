/**
 * Usage rows and their sums. Inserts are idempotent by row id: a row that is there already changes nothing, neither
 * itself nor a sum, so that a batch may be sent again after a crash. To be called inside a transaction.
 */
import type { UsageRow } from '../../shared/rows.ts';
import type { Connection, Statement } from './database.ts';
import { addSums, spans, startOf, sumsOf, totalColumns } from './rollup.ts';
import { RollupTable } from './rollup-table.ts';

/** What the rows of one batch add to the totals of a client key. */
interface Total {
  clientKeyId: string;
  sums: Float64Array;
  lastAtMs: number;
}

/** Failed requests of one batch, of one minute and kind. */
interface Errors {
  startMs: number;
  clientKeyId: string;
  model: string;
  errorCode: string;
  status: number;
  requests: number;
}

export class UsageStore {
  readonly #insert: Statement;
  readonly #addError: Statement;
  readonly #addToTotal: Statement;
  readonly #byClientKey: RollupTable;
  readonly #byGeminiKey: RollupTable;
  readonly #overall: RollupTable;

  constructor(connection: Connection) {
    this.#insert = connection.prepare(insertSql);
    this.#addError = connection.prepare(addErrorSql);
    this.#addToTotal = connection.prepare(addToTotalSql);
    this.#byClientKey = new RollupTable(connection, { table: 'rollups', owner: 'client_key_id' });
    this.#byGeminiKey = new RollupTable(connection, { table: 'gemini_key_rollups', owner: 'gemini_key_id' });
    this.#overall = new RollupTable(connection, { table: 'overall_rollups', owner: null });
  }

  /** Inserts the rows that are not there yet and adds them to every sum. Gives their number. */
  insert(rows: readonly UsageRow[]): number {
    const totals = new Map<string, Total>();
    const errors = new Map<string, Errors>();
    let inserted = 0;
    for (const row of rows) {
      if (!this.#insertRow(row)) continue;
      inserted++;
      const sums = sumsOf(row);
      // What the client asked for stays out: whoever invents names would make rows without end.
      const model = row.modelServed ?? '';
      this.#byClientKey.add(row, sums, row.clientKeyId, model);
      if (row.geminiKeyId !== null) this.#byGeminiKey.add(row, sums, row.geminiKeyId, model);
      this.#overall.add(row, sums, '', '');
      addToTotal(totals, row, sums);
      if (row.termination !== 'complete' && row.termination !== 'client_gone') addError(errors, row, model);
    }
    for (const table of this.#rollups()) table.write();
    for (const { clientKeyId, sums, lastAtMs } of totals.values()) this.#addToTotal.run(clientKeyId, ...sums, lastAtMs);
    for (const entry of errors.values()) this.#writeErrors(entry);
    return inserted;
  }

  /** To be called when the transaction of an insert failed, and after rollups were deleted: sums are read anew. */
  forget(): void {
    for (const table of this.#rollups()) table.forget();
  }

  #rollups(): RollupTable[] {
    return [this.#byClientKey, this.#byGeminiKey, this.#overall];
  }

  #writeErrors({ startMs, clientKeyId, model, errorCode, status, requests }: Errors): void {
    for (const span of spans)
      this.#addError.run(span, startOf(startMs, span), clientKeyId, model, errorCode, status, requests);
  }

  #insertRow(row: UsageRow): boolean {
    const { usage } = row;
    const { changes } = this.#insert.run(
      row.id,
      row.atMs,
      row.clientKeyId,
      row.geminiKeyId,
      row.endpoint,
      row.modelAsked,
      row.modelServed,
      row.stream ? 1 : 0,
      row.status,
      row.termination,
      row.endedBy,
      row.phase,
      row.errorCode,
      row.errorMessage,
      row.errorParam,
      row.warnings,
      row.finishReason,
      usage.prompt,
      usage.cached,
      usage.toolPrompt,
      usage.thoughts,
      usage.output,
      usage.estimated ? 1 : 0,
      row.costNano,
      row.firstTokenMs,
      row.durationMs,
      JSON.stringify(row.attempts),
    );
    return changes === 1;
  }
}

function addToTotal(totals: Map<string, Total>, { clientKeyId, atMs }: UsageRow, sums: readonly number[]): void {
  const total = totals.get(clientKeyId) ?? { clientKeyId, sums: new Float64Array(totalColumns.length), lastAtMs: atMs };
  totals.set(clientKeyId, total);
  addSums(total.sums, sums);
  if (atMs > total.lastAtMs) total.lastAtMs = atMs;
}

function addError(errors: Map<string, Errors>, row: UsageRow, model: string): void {
  const { clientKeyId, status } = row;
  const errorCode = row.errorCode ?? 'unknown';
  const startMs = startOf(row.atMs, 'minute');
  // With the length in it, no two kinds share a key, whatever characters ids and models hold.
  const key = `${startMs} ${status} ${errorCode} ${clientKeyId.length} ${clientKeyId}${model}`;
  const known = errors.get(key);
  if (known === undefined) errors.set(key, { startMs, clientKeyId, model, errorCode, status, requests: 1 });
  else known.requests++;
}

const insertSql = `
  INSERT INTO requests (
    id, at_ms, client_key_id, gemini_key_id, endpoint, model_asked, model_served, stream, status, termination, ended_by,
    phase, error_code, error_message, error_param, warnings, finish_reason, prompt_tokens, cached_tokens,
    tool_prompt_tokens, thoughts_tokens, output_tokens, tokens_estimated, cost_nano, first_token_ms, duration_ms, attempts
  ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (id) DO NOTHING`;

const addErrorSql = `
  INSERT INTO error_rollups (span, start_ms, client_key_id, model, error_code, status, requests)
  VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (span, start_ms, client_key_id, model, error_code, status) DO UPDATE SET
    requests = requests + excluded.requests`;

const addToTotalSql = `
  INSERT INTO client_key_totals (client_key_id, ${totalColumns.join(', ')}, last_at_ms)
  VALUES (?, ${totalColumns.map(() => '?').join(', ')}, ?)
  ON CONFLICT (client_key_id) DO UPDATE SET
    ${totalColumns.map((column) => `${column} = ${column} + excluded.${column}`).join(', ')},
    last_at_ms = max(coalesce(last_at_ms, 0), excluded.last_at_ms)`;
