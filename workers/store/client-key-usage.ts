/** What client keys have used of their limits, from rows and rollups: with it the gateway begins to count after a start. */
import type { ClientKeyUsage } from '../../shared/client-key.ts';
import type { Connection } from './database.ts';

const minuteMs = 60_000;
const dayMs = 86_400_000;
/** How long before the last minute a request may have begun whose tokens count in it: longer ones are rare. */
const longestRequestMs = 300_000;

/** What tokens count as, for limits and budgets alike. */
const tokens = 'prompt_tokens + tool_prompt_tokens + thoughts_tokens + output_tokens';

interface RecentRow {
  clientKeyId: string;
  arrivedSecond: number;
  endedSecond: number;
  requests: number;
  tokens: number;
}

interface SpanRow {
  clientKeyId: string;
  startMs: number;
  tokens: number;
  costNano: number;
  unpriced: number;
}

interface LastUseRow {
  clientKeyId: string;
  lastUsedAtMs: number;
}

/** By client key, keys without any use left out. `nowMs` is wall time. */
export function readClientKeyUsage(connection: Connection, nowMs: number): ClientKeyUsage[] {
  const byId = new Map<string, ClientKeyUsage>();
  const usageOf = (clientKeyId: string): ClientKeyUsage => {
    let usage = byId.get(clientKeyId);
    if (usage === undefined) {
      usage = { clientKeyId, recent: [], today: noSpan(), thisMonth: noSpan(), lastUsedAtMs: null };
      byId.set(clientKeyId, usage);
    }
    return usage;
  };
  for (const { clientKeyId, lastUsedAtMs } of lastUses(connection)) usageOf(clientKeyId).lastUsedAtMs = lastUsedAtMs;
  const today = Math.floor(nowMs / dayMs) * dayMs;
  for (const row of days(connection, nowMs)) {
    const { thisMonth, today: sums } = usageOf(row.clientKeyId);
    for (const sum of row.startMs >= today ? [thisMonth, sums] : [thisMonth]) {
      sum.tokens += row.tokens;
      sum.costNano += row.costNano;
      sum.unpriced += row.unpriced;
    }
  }
  for (const row of lastMinute(connection, nowMs)) {
    const { recent } = usageOf(row.clientKeyId);
    recent.push({ atMs: row.arrivedSecond * 1_000, requests: row.requests, tokens: 0 });
    recent.push({ atMs: row.endedSecond * 1_000, requests: 0, tokens: row.tokens });
  }
  return [...byId.values()];
}

function noSpan(): ClientKeyUsage['today'] {
  return { tokens: 0, costNano: 0, unpriced: 0 };
}

function lastMinute(connection: Connection, nowMs: number): RecentRow[] {
  return connection
    .prepare<[number, number], RecentRow>(
      `SELECT client_key_id AS clientKeyId, at_ms / 1000 AS arrivedSecond, (at_ms + duration_ms) / 1000 AS endedSecond,
         count(*) AS requests, sum(${tokens}) AS tokens
       FROM requests WHERE at_ms >= ? AND at_ms + duration_ms >= ?
       GROUP BY 1, 2, 3`,
    )
    .all(nowMs - minuteMs - longestRequestMs, nowMs - minuteMs);
}

function days(connection: Connection, nowMs: number): SpanRow[] {
  const now = new Date(nowMs);
  const monthStart = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1);
  return connection
    .prepare<[number], SpanRow>(
      `SELECT client_key_id AS clientKeyId, start_ms AS startMs, sum(${tokens}) AS tokens, 
         sum(cost_nano) AS costNano, sum(unpriced) AS unpriced
       FROM rollups WHERE span = 'day' AND start_ms >= ? GROUP BY 1, 2`,
    )
    .all(monthStart);
}

function lastUses(connection: Connection): LastUseRow[] {
  return connection
    .prepare<[], LastUseRow>(
      'SELECT client_key_id AS clientKeyId, last_at_ms AS lastUsedAtMs FROM client_key_totals WHERE last_at_ms IS NOT NULL',
    )
    .all();
}
