/** What the routes of the admin API share: the parts they work with, the check of the session, and the form of answers. */
import type { AuditOrigin } from '../shared/audit.ts';
import { errorEnvelope, errorSpec, GatewayError } from '../shared/errors.ts';
import type { Role } from '../shared/user.ts';
import type { AdminSessions } from './admin-session.ts';
import type { AdminSession, Call, Method } from './call.ts';
import type { Downstream } from './downstream.ts';
import type { Gateway } from './gateway.ts';
import type { KeyProbes } from './pool/key-probes.ts';
import { replyJson } from './reply.ts';
import type { Reports } from './reports.ts';
import type { Handler, Route } from './route-table.ts';
import type { WriterLink } from './writer-link.ts';

/** The parts of the gateway that the admin API sees. */
export interface AdminParts
  extends Pick<Gateway, 'clock' | 'nextId' | 'clientKeys' | 'clientLimits' | 'users' | 'pool' | 'prices'> {
  readonly log: { info(fields: object, text: string): void };
  readonly relay: { readonly inFlight: number };
  readonly writer: Pick<WriterLink, 'command'>;
  readonly reports: Pick<Reports, 'ask' | 'query'>;
  readonly poolParts: { readonly probes: Pick<KeyProbes, 'probe'> };
}

const methods: readonly Method[] = ['GET', 'POST', 'PUT', 'DELETE'];

/**
 * The same routes, each of whose handlers runs only for a valid session whose role may do it, and learns from the call
 * who that is; what was changed is logged with who did it. Throws `session_invalid` and `not_permitted`.
 */
export function behindSession(sessions: AdminSessions, log: AdminParts['log'], routes: readonly Route[]): Route[] {
  const guard =
    (method: Method, handler: Handler, viewers: Route['viewers'] = 'read'): Handler =>
    async (call) => {
      const check = (): AdminSession => {
        const session = sessions.verify(call.authorization);
        if (!mayUse(session.role, viewers, method)) throw new GatewayError('not_permitted');
        return session;
      };
      const session = check();
      const { username } = session;
      // Now, since there is no address any more once the client has left.
      await handler({ ...call, actor: { ...session, address: call.remoteAddress(), recheck: () => void check() } });
      if (method !== 'GET') log.info({ username, method, path: call.path }, 'admin change');
    };
  return routes.map((route) => {
    const guarded: Partial<Record<Method, Handler>> = {};
    for (const method of methods) {
      const handler = route.methods[method];
      if (handler !== undefined) guarded[method] = guard(method, handler, route.viewers);
    }
    return { ...route, methods: guarded };
  });
}

function mayUse(role: Role, viewers: NonNullable<Route['viewers']>, method: Method): boolean {
  return role === 'admin' || viewers === 'all' || (viewers === 'read' && method === 'GET');
}

/** Who makes a change, for the audit log: to be asked for before anything is awaited. */
export function auditOrigin({ actor }: Call, { clock, nextId }: Pick<AdminParts, 'clock' | 'nextId'>): AuditOrigin {
  return { id: nextId(), atMs: clock.wallMs(), actor: actor?.username ?? '', address: actor?.address ?? '' };
}

/** 409 for a change that was made on an older state, with the present one. */
export function replyStale(down: Downstream, current: object): void {
  const error = { code: 'entity_changed' } as const;
  replyJson(down, errorSpec(error.code).status, { ...errorEnvelope(error), current });
}

/** A successful answer: JSON that no cache keeps and no browser takes for anything else. */
export function replyAdmin(down: Downstream, value: object): void {
  replyJson(down, 200, value, [['x-content-type-options', 'nosniff']]);
}
