/**
 * The admin API: everything but the login stands behind the check of the session. Client keys open nothing here, and
 * sessions open nothing under /v1.
 */
import { loginRoute, ownSessionRoutes } from './admin-auth-routes.ts';
import { type AdminParts, behindSession } from './admin-plane.ts';
import type { AdminSessions } from './admin-session.ts';
import { clientKeyRoutes } from './client-key-routes.ts';
import { geminiKeyRoutes } from './gemini-key-routes.ts';
import { auditRoute } from './people/audit-routes.ts';
import { userRoutes } from './people/user-routes.ts';
import { priceRoutes } from './price-routes.ts';
import type { Route } from './route-table.ts';
import { usageRoutes } from './usage-routes.ts';

/** All routes of the admin API; a `Gateway` has the parts they need. */
export function adminRoutes(parts: AdminParts, sessions: AdminSessions): Route[] {
  return [
    loginRoute(parts, sessions),
    ...behindSession(sessions, parts.log, [
      ...ownSessionRoutes(parts, sessions),
      ...usageRoutes(parts),
      ...priceRoutes(parts),
      ...clientKeyRoutes(parts),
      ...userRoutes(parts, sessions),
      auditRoute(parts),
      ...geminiKeyRoutes(parts),
    ]),
  ];
}
