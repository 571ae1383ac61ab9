/**
 * Usage rows and their sums. Inserts are idempotent by row id: a row that is there already changes nothing, neither
 * itself nor a sum, so that a batch may be sent again after a crash. To be called inside a transaction.
 */
import type { UsageRow } from '../../shared/rows.ts';
import type { Connection, Statement } from './database.ts';
import { encodeHistogram, mergeEncoded } from './histogram.ts';
import { type Bucket, Rollup, type Sums } from './rollup.ts';

export class UsageStore {
  readonly #insert: Statement;
  readonly #addByClientKey: Statement;
  readonly #addByGeminiKey: Statement;
  readonly #addOverall: Statement;
  readonly #addError: Statement;
  readonly #addToTotal: Statement;

  constructor(connection: Connection) {
    connection.function('merge_histograms', { deterministic: true }, mergeHistograms);
    this.#insert = connection.prepare(insertSql);
    this.#addByClientKey = connection.prepare(addSumsSql('rollups', ['span', 'start_ms', 'client_key_id', 'model']));
    this.#addByGeminiKey = connection.prepare(
      addSumsSql('gemini_key_rollups', ['span', 'start_ms', 'gemini_key_id', 'model']),
    );
    this.#addOverall = connection.prepare(addSumsSql('overall_rollups', ['span', 'start_ms']));
    this.#addError = connection.prepare(addErrorSql);
    this.#addToTotal = connection.prepare(addToTotalSql);
  }

  /** Inserts the rows that are not there yet and adds them to every sum. Gives their number. */
  insert(rows: readonly UsageRow[]): number {
    const rollup = new Rollup();
    for (const row of rows) if (this.#insertRow(row)) rollup.add(row);
    if (rollup.rows > 0) this.#addToSums(rollup);
    return rollup.rows;
  }

  #addToSums(rollup: Rollup): void {
    for (const bucket of rollup.byClientKey()) addBucket(this.#addByClientKey, bucket);
    for (const bucket of rollup.byGeminiKey()) addBucket(this.#addByGeminiKey, bucket);
    for (const { span, startMs, sums } of rollup.overall()) this.#addOverall.run(span, startMs, ...valuesOf(sums));
    for (const { span, startMs, owner, model, errorCode, status, requests } of rollup.errors())
      this.#addError.run(span, startMs, owner, model, errorCode, status, requests);
    for (const { clientKeyId, sums, lastAtMs } of rollup.totals())
      this.#addToTotal.run(
        clientKeyId,
        sums.requests,
        sums.completed,
        sums.clientGone,
        sums.unpriced,
        sums.costNano,
        sums.prompt,
        sums.cached,
        sums.toolPrompt,
        sums.thoughts,
        sums.output,
        lastAtMs,
      );
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

function addBucket(statement: Statement, { span, startMs, owner, model, sums }: Bucket): void {
  statement.run(span, startMs, owner, model, ...valuesOf(sums));
}

/** In the order of `sumColumns`. */
function valuesOf(sums: Sums): unknown[] {
  return [
    sums.requests,
    sums.completed,
    sums.clientGone,
    sums.unpriced,
    sums.costNano,
    sums.prompt,
    sums.cached,
    sums.toolPrompt,
    sums.thoughts,
    sums.output,
    sums.finishStop,
    sums.finishLength,
    sums.finishToolCalls,
    sums.finishContentFilter,
    sums.durationMs,
    sums.firstTokens,
    sums.firstTokenMs,
    encodeHistogram(sums.durations),
    encodeHistogram(sums.firstTokenTimes),
  ];
}

/** SQL's `merge_histograms(one, other)`: either may be null. */
function mergeHistograms(one: unknown, other: unknown): Uint8Array | null {
  if (!(one instanceof Uint8Array)) return other instanceof Uint8Array ? other : null;
  return other instanceof Uint8Array ? mergeEncoded(one, other) : one;
}

const sumColumns = [
  'requests',
  'completed',
  'client_gone',
  'unpriced',
  'cost_nano',
  'prompt_tokens',
  'cached_tokens',
  'tool_prompt_tokens',
  'thoughts_tokens',
  'output_tokens',
  'finish_stop',
  'finish_length',
  'finish_tool_calls',
  'finish_content_filter',
  'duration_ms',
  'first_tokens',
  'first_token_ms',
] as const;

const histogramColumns = ['duration_histogram', 'first_token_histogram'] as const;

function addSumsSql(table: string, place: readonly string[]): string {
  const columns = [...place, ...sumColumns, ...histogramColumns];
  const added = [
    ...sumColumns.map((column) => `${column} = ${column} + excluded.${column}`),
    ...histogramColumns.map((column) => `${column} = merge_histograms(${column}, excluded.${column})`),
  ];
  return `
    INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
    ON CONFLICT (${place.join(', ')}) DO UPDATE SET ${added.join(', ')}`;
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
  INSERT INTO client_key_totals (
    client_key_id, requests, completed, client_gone, unpriced, cost_nano, prompt_tokens, cached_tokens,
    tool_prompt_tokens, thoughts_tokens, output_tokens, last_at_ms
  ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (client_key_id) DO UPDATE SET
    requests = requests + excluded.requests,
    completed = completed + excluded.completed,
    client_gone = client_gone + excluded.client_gone,
    unpriced = unpriced + excluded.unpriced,
    cost_nano = cost_nano + excluded.cost_nano,
    prompt_tokens = prompt_tokens + excluded.prompt_tokens,
    cached_tokens = cached_tokens + excluded.cached_tokens,
    tool_prompt_tokens = tool_prompt_tokens + excluded.tool_prompt_tokens,
    thoughts_tokens = thoughts_tokens + excluded.thoughts_tokens,
    output_tokens = output_tokens + excluded.output_tokens,
    last_at_ms = max(coalesce(last_at_ms, 0), excluded.last_at_ms)`;
