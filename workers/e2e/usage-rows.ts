/** Usage rows for tests, made and checked: one like the gateway's, any by chance, and what the sums over them must be. */
import type Database from 'better-sqlite3';
import fc from 'fast-check';
import { systemClock } from '../../shared/clock.ts';
import { makeIdSource } from '../../shared/ids.ts';
import type { UsageRow } from '../../shared/rows.ts';

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
    errorCode: null,
    finishReason: 'stop',
    usage: { prompt: 7, cached: 1, toolPrompt: 2, thoughts: 3, output: 5, estimated: false },
    firstTokenMs: 11,
    durationMs: 13,
    attempts: [{ geminiKeyId: 'env-0123456789abcdef', startedMs: 1, durationMs: 12, outcome: 'ok' }],
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
  errorCode: fc.option(fc.constantFrom('keys_resting')),
  finishReason: fc.option(fc.constantFrom('stop', 'length')),
  usage: fc.record({
    prompt: count,
    cached: count,
    toolPrompt: count,
    thoughts: count,
    output: count,
    estimated: fc.boolean(),
  }),
  firstTokenMs: fc.option(count),
  durationMs: count,
  attempts: fc.array(
    fc.record({ geminiKeyId: fc.string(), startedMs: count, durationMs: count, outcome: fc.constantFrom('ok', 'x') }),
    { maxLength: 3 },
  ),
});

const tokenSums = `sum(prompt_tokens) AS prompt, sum(cached_tokens) AS cached, sum(tool_prompt_tokens) AS toolPrompt,
  sum(thoughts_tokens) AS thoughts, sum(output_tokens) AS output`;

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
  for (const [span, ms] of Object.entries(spans))
    compare(
      `SELECT start_ms, client_key_id, model, requests, completed, client_gone, prompt_tokens, cached_tokens,
         tool_prompt_tokens, thoughts_tokens, output_tokens, duration_ms, first_tokens, first_token_ms
       FROM rollups WHERE span = '${span}'`,
      `SELECT at_ms / ${ms} * ${ms}, client_key_id, coalesce(model_served, ''), count(*),
         count(*) FILTER (WHERE termination = 'complete'), count(*) FILTER (WHERE termination = 'client_gone'),
         ${tokenSums}, sum(duration_ms), count(first_token_ms), coalesce(sum(first_token_ms), 0)
       FROM requests GROUP BY 1, 2, 3`,
    );
  compare(
    `SELECT client_key_id, requests, prompt_tokens, cached_tokens, tool_prompt_tokens, thoughts_tokens, output_tokens
     FROM client_key_totals`,
    `SELECT client_key_id, count(*), ${tokenSums} FROM requests GROUP BY 1`,
  );
  return wrong;
}
