/**
 * Usage rows and their sums. Inserts are idempotent by row id: a row that is there already changes nothing, neither
 * itself nor a sum, so that a batch may be sent again after a crash. To be called inside a transaction.
 */
import type { UsageRow } from '../../shared/rows.ts';
import type { Connection, Statement } from './database.ts';
import { Rollup } from './rollup.ts';

export class UsageStore {
  readonly #insert: Statement;
  readonly #addToRollup: Statement;
  readonly #addToTotal: Statement;

  constructor(connection: Connection) {
    this.#insert = connection.prepare(insertSql);
    this.#addToRollup = connection.prepare(addToRollupSql);
    this.#addToTotal = connection.prepare(addToTotalSql);
  }

  /** Inserts the rows that are not there yet and adds them to every sum. Gives their number. */
  insert(rows: readonly UsageRow[]): number {
    const rollup = this.#insertRows(rows);
    for (const { clientKeyId, sums } of rollup.totals())
      this.#addToTotal.run(
        clientKeyId,
        sums.requests,
        sums.prompt,
        sums.cached,
        sums.toolPrompt,
        sums.thoughts,
        sums.output,
      );
    return rollup.rows;
  }

  /** As `insert`, but the client keys' totals stay: for rows of which the totals are known from elsewhere. */
  insertWithoutTotals(rows: readonly UsageRow[]): number {
    return this.#insertRows(rows).rows;
  }

  #insertRows(rows: readonly UsageRow[]): Rollup {
    const rollup = new Rollup();
    for (const row of rows) if (this.#insertRow(row)) rollup.add(row);
    for (const { span, startMs, clientKeyId, model, sums } of rollup.buckets())
      this.#addToRollup.run(
        span,
        startMs,
        clientKeyId,
        model,
        sums.requests,
        sums.completed,
        sums.clientGone,
        sums.prompt,
        sums.cached,
        sums.toolPrompt,
        sums.thoughts,
        sums.output,
        sums.durationMs,
        sums.firstTokens,
        sums.firstTokenMs,
      );
    return rollup;
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
      row.errorCode,
      row.finishReason,
      usage.prompt,
      usage.cached,
      usage.toolPrompt,
      usage.thoughts,
      usage.output,
      usage.estimated ? 1 : 0,
      row.firstTokenMs,
      row.durationMs,
      JSON.stringify(row.attempts),
    );
    return changes === 1;
  }
}

const insertSql = `
  INSERT INTO requests (
    id, at_ms, client_key_id, gemini_key_id, endpoint, model_asked, model_served, stream, status, termination,
    error_code, finish_reason, prompt_tokens, cached_tokens, tool_prompt_tokens, thoughts_tokens, output_tokens,
    tokens_estimated, first_token_ms, duration_ms, attempts
  ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (id) DO NOTHING`;

const addToRollupSql = `
  INSERT INTO rollups (
    span, start_ms, client_key_id, model, requests, completed, client_gone, prompt_tokens, cached_tokens,
    tool_prompt_tokens, thoughts_tokens, output_tokens, duration_ms, first_tokens, first_token_ms
  ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (span, start_ms, client_key_id, model) DO UPDATE SET
    requests = requests + excluded.requests,
    completed = completed + excluded.completed,
    client_gone = client_gone + excluded.client_gone,
    prompt_tokens = prompt_tokens + excluded.prompt_tokens,
    cached_tokens = cached_tokens + excluded.cached_tokens,
    tool_prompt_tokens = tool_prompt_tokens + excluded.tool_prompt_tokens,
    thoughts_tokens = thoughts_tokens + excluded.thoughts_tokens,
    output_tokens = output_tokens + excluded.output_tokens,
    duration_ms = duration_ms + excluded.duration_ms,
    first_tokens = first_tokens + excluded.first_tokens,
    first_token_ms = first_token_ms + excluded.first_token_ms`;

const addToTotalSql = `
  INSERT INTO client_key_totals (
    client_key_id, requests, prompt_tokens, cached_tokens, tool_prompt_tokens, thoughts_tokens, output_tokens
  ) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (client_key_id) DO UPDATE SET
    requests = requests + excluded.requests,
    prompt_tokens = prompt_tokens + excluded.prompt_tokens,
    cached_tokens = cached_tokens + excluded.cached_tokens,
    tool_prompt_tokens = tool_prompt_tokens + excluded.tool_prompt_tokens,
    thoughts_tokens = thoughts_tokens + excluded.thoughts_tokens,
    output_tokens = output_tokens + excluded.output_tokens`;
