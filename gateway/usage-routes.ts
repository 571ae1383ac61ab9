/** Usage in the admin API: the overview, sums over time and as a whole, single requests, and files of them. */
import type { RequestEntry, RequestList, SeriesAnswer, SummaryAnswer } from '../shared/admin-usage.ts';
import type { DashboardAnswer } from '../shared/admin-wire.ts';
import { GatewayError } from '../shared/errors.ts';
import { maskSecret } from '../shared/ids.ts';
import type { SeriesReport } from '../shared/usage-reports.ts';
import { type AdminParts, replyAdmin } from './admin-plane.ts';
import type { Call } from './call.ts';
import type { Route } from './route-table.ts';
import { exportUsage } from './usage-export.ts';
import { requestsScope, seriesScope, summaryScope } from './usage-scope.ts';

const nanosPerDollar = 1_000_000_000;

/** To stand behind the check of the session. */
export function usageRoutes(parts: AdminParts): Route[] {
  return [
    { path: '/admin/api/dashboard', methods: { GET: (call) => dashboard(call, parts) } },
    { path: '/admin/api/usage/series', methods: { GET: (call) => series(call, parts) } },
    { path: '/admin/api/usage/summary', methods: { GET: (call) => summary(call, parts) } },
    { path: '/admin/api/usage/export', methods: { GET: (call) => exportUsage(call, parts) } },
    { path: '/admin/api/requests', methods: { GET: (call) => list(call, parts) } },
    { path: '/admin/api/requests/{id}', methods: { GET: (call) => get(call, parts) } },
  ];
}

async function dashboard({ down }: Call, { clock, clientKeys, pool, relay, reports }: AdminParts): Promise<void> {
  const [{ totals }, spent] = await Promise.all([
    reports.ask('totals'),
    reports.query({ report: 'spent', nowMs: clock.wallMs() }),
  ]);
  const all = clientKeys.all();
  const { total, enabled, leases } = pool.counts();
  const answer: DashboardAnswer = {
    total_api_keys: all.length,
    active_keys: all.filter(({ isActive }) => isActive).length,
    total_requests: totals.requests,
    total_tokens: totals.inputTokens + totals.outputTokens,
    total_input_tokens: totals.inputTokens,
    total_output_tokens: totals.outputTokens,
    total_cost: totals.costNano / nanosPerDollar,
    unpriced_requests: totals.unpriced,
    requests_today: spent.requestsToday,
    cost_today: spent.todayNano / nanosPerDollar,
    cost_this_month: spent.thisMonthNano / nanosPerDollar,
    requests_in_flight: relay.inFlight,
    gemini_keys: { total, enabled, leases },
  };
  replyAdmin(down, answer);
}

async function series(call: Call, parts: AdminParts): Promise<void> {
  const scope = seriesScope(call, parts.clock.wallMs());
  const { fromMs, toMs, series: found } = await parts.reports.query(scope);
  const answer: SeriesAnswer = {
    span: scope.span,
    time_zone: scope.timeZone,
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    series: found.map(({ group, points }) => ({ group, label: labelOf(group, scope.groupBy, parts), points })),
  };
  replyAdmin(call.down, answer);
}

/** What a legend says of a group. */
function labelOf(group: string | null, groupBy: SeriesReport['groupBy'], { clientKeys, pool }: AdminParts): string {
  if (groupBy === 'none') return 'all';
  if (group === null) return 'other';
  if (groupBy === 'client_key') return clientKeys.get(group)?.name ?? group;
  if (groupBy === 'gemini_key') return maskedKey(group, pool) ?? group;
  return group === '' ? 'none' : group;
}

async function summary(call: Call, { clock, clientKeys, reports }: AdminParts): Promise<void> {
  const { scope, timeZone } = summaryScope(call, clock.wallMs());
  const { fromMs, toMs, summary: found } = await reports.query(scope);
  const answer: SummaryAnswer = {
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    time_zone: timeZone,
    ...found,
    client_keys: found.client_keys.map((sums) => ({ ...sums, key_name: clientKeys.get(sums.id)?.name ?? null })),
  };
  replyAdmin(call.down, answer);
}

async function list(call: Call, { reports, pool }: AdminParts): Promise<void> {
  const { requests, nextCursor } = await reports.query(requestsScope(call));
  const answer: RequestList = {
    requests: requests.map((request) => withMaskedKeys(request, pool)),
    next_cursor: nextCursor,
  };
  replyAdmin(call.down, answer);
}

async function get({ id, down }: Call, { reports, pool }: AdminParts): Promise<void> {
  const { request } = await reports.query({ report: 'request', id });
  if (request === null) throw new GatewayError('entity_not_found', { message: 'There is no such request.' });
  replyAdmin(down, withMaskedKeys(request, pool));
}

function withMaskedKeys(request: RequestEntry, pool: AdminParts['pool']): RequestEntry {
  return {
    ...request,
    attempts: request.attempts.map((attempt) => ({ ...attempt, gemini_key: maskedKey(attempt.gemini_key_id, pool) })),
  };
}

function maskedKey(id: string, pool: AdminParts['pool']): string | null {
  const known = pool.find(id);
  return known === null ? null : maskSecret(known.key);
}
