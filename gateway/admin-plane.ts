/** What the routes of the admin API share: the parts they work with, the check of the session, and the form of answers. */
import type { AdminSessions } from './admin-session.ts';
import type { Method } from './call.ts';
import type { Downstream } from './downstream.ts';
import type { Gateway } from './gateway.ts';
import { replyJson } from './reply.ts';
import type { Reports } from './reports.ts';
import type { Handler, Route } from './route-table.ts';
import type { WriterLink } from './writer-link.ts';

/** The parts of the gateway that the admin API sees. */
export interface AdminParts extends Pick<Gateway, 'clock' | 'nextId' | 'clientKeys' | 'pool'> {
  readonly log: { info(fields: object, text: string): void };
  readonly relay: { readonly inFlight: number };
  readonly writer: Pick<WriterLink, 'command'>;
  readonly reports: Pick<Reports, 'ask'>;
}

const methods: readonly Method[] = ['GET', 'POST', 'PUT', 'DELETE'];

/** The same routes, each of whose handlers runs only for a valid session; what was changed is logged with who did it. */
export function behindSession(sessions: AdminSessions, log: AdminParts['log'], routes: readonly Route[]): Route[] {
  const guard =
    (method: Method, handler: Handler): Handler =>
    async (call) => {
      const { username } = sessions.verify(call.authorization);
      await handler(call);
      if (method !== 'GET') log.info({ username, method, path: call.path }, 'admin change');
    };
  return routes.map((route) => {
    const guarded: Partial<Record<Method, Handler>> = {};
    for (const method of methods) {
      const handler = route.methods[method];
      if (handler !== undefined) guarded[method] = guard(method, handler);
    }
    return { path: route.path, methods: guarded };
  });
}

/** A successful answer: JSON that no cache keeps and no browser takes for anything else. */
export function replyAdmin(down: Downstream, value: object): void {
  replyJson(down, 200, value, [['x-content-type-options', 'nosniff']]);
}
