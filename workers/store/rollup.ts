/** What a row adds to the sums, and the spans of time by which sums are kept: cut in UTC, a day is a day of UTC. */
import type { UsageRow } from '../../shared/rows.ts';

export type Span = 'minute' | 'hour' | 'day';

export const spanMs: Readonly<Record<Span, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

export const spans: readonly Span[] = ['minute', 'hour', 'day'];

export function startOf(ms: number, span: Span): number {
  return Math.floor(ms / spanMs[span]) * spanMs[span];
}

/** The sums that reports show as they are; those up to `output_tokens` are also those of the totals by client key. */
export const shownColumns = [
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
] as const;

/** The sums of every table of rollups. */
export const sumColumns = [...shownColumns, 'duration_ms', 'first_tokens', 'first_token_ms'] as const;

export const totalColumns = sumColumns.slice(0, sumColumns.indexOf('output_tokens') + 1);

/** What a row adds to each sum, in the order of `sumColumns`. */
export function sumsOf({ termination, costNano, usage, finishReason, durationMs, firstTokenMs }: UsageRow): number[] {
  return [
    1,
    termination === 'complete' ? 1 : 0,
    termination === 'client_gone' ? 1 : 0,
    costNano === null ? 1 : 0,
    costNano ?? 0,
    usage.prompt,
    usage.cached,
    usage.toolPrompt,
    usage.thoughts,
    usage.output,
    finishReason === 'stop' ? 1 : 0,
    finishReason === 'length' ? 1 : 0,
    finishReason === 'tool_calls' || finishReason === 'function_call' ? 1 : 0,
    finishReason === 'content_filter' ? 1 : 0,
    durationMs,
    firstTokenMs === null ? 0 : 1,
    firstTokenMs ?? 0,
  ];
}

/** Adds sums to sums, in place. */
export function addSums(to: Float64Array, sums: readonly number[]): void {
  for (let i = 0; i < to.length; i++) to[i] = (to[i] ?? 0) + (sums[i] ?? 0);
}
