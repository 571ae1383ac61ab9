/** Usage rows for tests, made and checked: one like the gateway's, any by chance, and what the sums over them must be. */
import type Database from 'better-sqlite3';
import fc from 'fast-check';
import { systemClock } from '../../shared/clock.ts';
import { makeIdSource } from '../../shared/ids.ts';
import type { UsageRow } from '../../shared/rows.ts';
import { addTime, encodeHistogram, type Histogram } from '../store/histogram.ts';

export const nextId = makeIdSource(systemClock);

/** A complete answer, of now. */
export function makeRow(changes: Partial<UsageRow> = {}): UsageRow {
  return {
    id: nextId(),
    atMs: systemClock.wallMs(),
    clientKeyId: 'client-1',
    geminiKeyId: 'env-0123456789abcdef',
    endpoint: 'chat.completions',
    modelAsked: 'gemini-3.8-flash',
    modelServed: 'gemini-3.8-flash',
    stream: true,
    status: 200,
    termination: 'complete',
    endedBy: 'upstream',
    phase: 'streaming',
    errorCode: null,
    errorMessage: null,
    errorParam: null,
    warnings: '',
    finishReason: 'stop',
    usage: { prompt: 7, cached: 1, toolPrompt: 2, thoughts: 3, output: 5, estimated: false },
    costNano: 36_825,
    firstTokenMs: 11,
    durationMs: 13,
    attempts: [
      {
        geminiKeyId: 'env-0123456789abcdef',
        model: 'gemini-3.8-flash',
        startedMs: 1,
        waitMs: 1,
        durationMs: 12,
        status: 200,
        reason: 'ok',
      },
    ],
    ...changes,
  };
}

const count = fc.integer({ min: 0, max: 1_000_000 });

/** Any row; few ids, keys, models and minutes, so that rows meet in the same places. */
export const anyRow: fc.Arbitrary<UsageRow> = fc.record({
  id: fc.integer({ min: 0, max: 60 }).map((n) => n.toString(16).padStart(32, '0')),
  atMs: fc.integer({ min: 0, max: 200 }).map((n) => 1_700_000_000_000 + n * 1_234_567),
  clientKeyId: fc.constantFrom('a', 'a b', 'c'),
  geminiKeyId: fc.option(fc.constantFrom('k1', 'k2')),
  endpoint: fc.constant('chat.completions'),
  modelAsked: fc.option(fc.string()),
  modelServed: fc.option(fc.constantFrom('m', 'b m', '')),
  stream: fc.boolean(),
  status: fc.constantFrom(200, 429, 499, 503),
  termination: fc.constantFrom('complete', 'error', 'cut', 'client_gone', 'drained'),
  endedBy: fc.constantFrom('client', 'upstream', 'gateway'),
  phase: fc.constantFrom('leasing', 'streaming'),
  errorCode: fc.option(fc.constantFrom('keys_resting')),
  errorMessage: fc.option(fc.string()),
  errorParam: fc.option(fc.string()),
  warnings: fc.constantFrom('', 'seed, n'),
  finishReason: fc.option(fc.constantFrom('stop', 'length', 'tool_calls', 'function_call', 'content_filter')),
  usage: fc.record({
    prompt: count,
    cached: count,
    toolPrompt: count,
    thoughts: count,
    output: count,
    estimated: fc.boolean(),
  }),
  costNano: fc.option(fc.integer({ min: 0, max: 1_000_000_000_000 })),
  firstTokenMs: fc.option(count),
  durationMs: count,
  attempts: fc.array(
    fc.record({
      geminiKeyId: fc.string(),
      model: fc.string(),
      startedMs: count,
      waitMs: count,
      durationMs: count,
      status: fc.option(fc.constantFrom(200, 429)),
      reason: fc.constantFrom('ok', 'x'),
    }),
    { maxLength: 3 },
  ),
});

const tokenSums = `sum(prompt_tokens) AS prompt, sum(cached_tokens) AS cached, sum(tool_prompt_tokens) AS toolPrompt,
  sum(thoughts_tokens) AS thoughts, sum(output_tokens) AS output`;

const storedSums = `requests, completed, client_gone, unpriced, cost_nano, prompt_tokens, cached_tokens, tool_prompt_tokens,
  thoughts_tokens, output_tokens, finish_stop, finish_length, finish_tool_calls, finish_content_filter, duration_ms,
  first_tokens, first_token_ms`;

const gone = `count(*) FILTER (WHERE termination = 'client_gone')`;
const complete = `count(*) FILTER (WHERE termination = 'complete')`;
const costs = `count(*) FILTER (WHERE cost_nano IS NULL), coalesce(sum(cost_nano), 0)`;

const rowSums = `count(*), ${complete}, ${gone}, ${costs}, ${tokenSums},
  count(*) FILTER (WHERE finish_reason = 'stop'), count(*) FILTER (WHERE finish_reason = 'length'),
  count(*) FILTER (WHERE finish_reason IN ('tool_calls', 'function_call')),
  count(*) FILTER (WHERE finish_reason = 'content_filter'),
  sum(duration_ms), count(first_token_ms), coalesce(sum(first_token_ms), 0)`;

/** Where the tables of sums differ from the sums over the rows: nothing, if all is well. */
export function wrongSums(connection: Database.Database): unknown[] {
  const spans = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
  const wrong: unknown[] = [];
  const compare = (stored: string, summed: string): void => {
    for (const [have, want] of [
      [stored, summed],
      [summed, stored],
    ])
      wrong.push(...connection.prepare(`${have} EXCEPT ${want}`).all());
  };
  for (const [span, ms] of Object.entries(spans)) {
    const start = `at_ms / ${ms} * ${ms}`;
    const model = "coalesce(model_served, '')";
    compare(
      `SELECT start_ms, client_key_id, model, ${storedSums} FROM rollups WHERE span = '${span}'`,
      `SELECT ${start}, client_key_id, ${model}, ${rowSums} FROM requests GROUP BY 1, 2, 3`,
    );
    compare(
      `SELECT start_ms, gemini_key_id, model, ${storedSums} FROM gemini_key_rollups WHERE span = '${span}'`,
      `SELECT ${start}, gemini_key_id, ${model}, ${rowSums} FROM requests WHERE gemini_key_id IS NOT NULL GROUP BY 1, 2, 3`,
    );
    compare(
      `SELECT start_ms, ${storedSums} FROM overall_rollups WHERE span = '${span}'`,
      `SELECT ${start}, ${rowSums} FROM requests GROUP BY 1`,
    );
    compare(
      `SELECT start_ms, client_key_id, model, error_code, status, requests FROM error_rollups WHERE span = '${span}'`,
      `SELECT ${start}, client_key_id, ${model}, coalesce(error_code, 'unknown'), status, count(*) FROM requests
       WHERE termination NOT IN ('complete', 'client_gone') GROUP BY 1, 2, 3, 4, 5`,
    );
    for (const [column, histogram] of [
      ['duration_ms', 'duration_histogram'],
      ['first_token_ms', 'first_token_histogram'],
    ])
      wrong.push(...wrongHistograms(connection, span, `${column}`, `${histogram}`, start));
  }
  compare(
    `SELECT client_key_id, requests, completed, client_gone, unpriced, cost_nano, prompt_tokens, cached_tokens,
       tool_prompt_tokens, thoughts_tokens, output_tokens, last_at_ms FROM client_key_totals`,
    `SELECT client_key_id, count(*), ${complete}, ${gone}, ${costs}, ${tokenSums}, max(at_ms) FROM requests GROUP BY 1`,
  );
  return wrong;
}

/** Sums over rows that were taken over from elsewhere have no histogram. */
function wrongHistograms(
  connection: Database.Database,
  span: string,
  column: string,
  histogram: string,
  start: string,
): unknown[] {
  const wrong: unknown[] = [];
  const stored = connection
    .prepare(`SELECT start_ms, ${histogram} AS bytes FROM overall_rollups WHERE span = ? AND ${histogram} IS NOT NULL`)
    .all(span);
  for (const entry of stored as { start_ms: number; bytes: Buffer }[]) {
    const times = connection
      .prepare(`SELECT ${column} FROM requests WHERE ${start} = ? AND ${column} IS NOT NULL`)
      .pluck()
      .all(entry.start_ms) as number[];
    const want: Histogram = new Map();
    for (const ms of times) addTime(want, ms);
    if (!encodeHistogram(want).equals(entry.bytes)) wrong.push({ span, column, ...entry });
  }
  return wrong;
}
