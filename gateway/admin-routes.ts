/**
 * The admin API: everything but the login stands behind the check of the session. Client keys open nothing here, and
 * sessions open nothing under /v1.
 */
import type { DashboardAnswer } from '../shared/admin-wire.ts';
import { loginRoute, verifyRoute } from './admin-auth-routes.ts';
import { type AdminParts, behindSession, replyAdmin } from './admin-plane.ts';
import type { AdminSessions } from './admin-session.ts';
import type { Call } from './call.ts';
import { clientKeyRoutes } from './client-key-routes.ts';
import { geminiKeyRoutes } from './gemini-key-routes.ts';
import type { Route } from './route-table.ts';

/** All routes of the admin API; a `Gateway` has the parts they need. */
export function adminRoutes(parts: AdminParts, sessions: AdminSessions): Route[] {
  return [
    loginRoute(sessions),
    ...behindSession(sessions, parts.log, [
      verifyRoute(),
      { path: '/admin/api/dashboard', methods: { GET: (call) => dashboard(call, parts) } },
      ...clientKeyRoutes(parts),
      ...geminiKeyRoutes(parts),
    ]),
  ];
}

async function dashboard({ down }: Call, { clientKeys, pool, relay, reports }: AdminParts): Promise<void> {
  const { totals } = await reports.ask('totals');
  const all = clientKeys.all();
  const { total, enabled, leases } = pool.counts();
  const answer: DashboardAnswer = {
    total_api_keys: all.length,
    active_keys: all.filter(({ isActive }) => isActive).length,
    total_requests: totals.requests,
    total_tokens: totals.inputTokens + totals.outputTokens,
    total_input_tokens: totals.inputTokens,
    total_output_tokens: totals.outputTokens,
    requests_in_flight: relay.inFlight,
    gemini_keys: { total, enabled, leases },
  };
  replyAdmin(down, answer);
}
