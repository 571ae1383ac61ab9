/** Totals since the first row, and what was spent today and this month: a few rows, however many requests there were. */
import type { UsageTotals } from '../../shared/rows.ts';
import type { UsageAnswer } from '../../shared/usage-reports.ts';
import type { Connection } from '../store/database.ts';
import { startOf } from '../store/rollup.ts';

/** Thoughts are billed as output; what tools put into the prompt, as input. */
const sums = `
  coalesce(sum(requests), 0) AS requests,
  coalesce(sum(prompt_tokens + tool_prompt_tokens), 0) AS inputTokens,
  coalesce(sum(output_tokens + thoughts_tokens), 0) AS outputTokens,
  coalesce(sum(cost_nano), 0) AS costNano,
  coalesce(sum(unpriced), 0) AS unpriced`;

const none: UsageTotals = { requests: 0, inputTokens: 0, outputTokens: 0, costNano: 0, unpriced: 0 };

export function readTotals(connection: Connection): UsageTotals {
  return connection.prepare<[], UsageTotals>(`SELECT ${sums} FROM client_key_totals`).get() ?? none;
}

export function readTotalsByClientKey(connection: Connection): Record<string, UsageTotals> {
  const rows = connection
    .prepare<[], UsageTotals & { clientKeyId: string }>(
      `SELECT client_key_id AS clientKeyId, ${sums} FROM client_key_totals GROUP BY client_key_id`,
    )
    .all();
  return Object.fromEntries(rows.map(({ clientKeyId, ...totals }) => [clientKeyId, totals]));
}

/** The present day and month, UTC. */
export function readSpent(connection: Connection, nowMs: number): Extract<UsageAnswer, { report: 'spent' }> {
  const now = new Date(nowMs);
  const today = startOf(nowMs, 'day');
  const days = connection
    .prepare<[number], { startMs: number; costNano: number; requests: number }>(
      `SELECT start_ms AS startMs, cost_nano AS costNano, requests FROM overall_rollups
       WHERE span = 'day' AND start_ms >= ?`,
    )
    .all(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1));
  const ofToday = days.find(({ startMs }) => startMs === today);
  return {
    report: 'spent',
    todayNano: ofToday?.costNano ?? 0,
    thisMonthNano: days.reduce((sum, { costNano }) => sum + costNano, 0),
    requestsToday: ofToday?.requests ?? 0,
  };
}
