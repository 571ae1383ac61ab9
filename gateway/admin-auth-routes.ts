/** Logging in to the admin API, and asking whether a token still holds. */
import { type LoginAnswer, loginRequest, type VerifyAnswer } from '../shared/admin-wire.ts';
import { bodyReader } from './admin-body.ts';
import { replyAdmin } from './admin-plane.ts';
import type { AdminSessions } from './admin-session.ts';
import type { Call } from './call.ts';
import type { Route } from './route-table.ts';

/** Anybody may send this body, and it is parsed on the thread that serves everybody. */
const loginBodyBytesMax = 16 * 1024;

const readLogin = bodyReader(loginRequest);

/** The one route that needs no session. */
export function loginRoute(sessions: AdminSessions): Route {
  return { path: '/admin/api/auth/login', methods: { POST: (call) => login(call, sessions) } };
}

/** To stand behind the check of the session: whoever comes here has a valid one. */
export function verifyRoute(): Route {
  return {
    path: '/admin/api/auth/verify',
    methods: { GET: ({ down }) => replyAdmin(down, { status: 'valid' } satisfies VerifyAnswer) },
  };
}

async function login(call: Call, sessions: AdminSessions): Promise<void> {
  // Before anything is awaited: there is no address any more once the client has left.
  const address = call.remoteAddress();
  const { username, password } = await readLogin(call, loginBodyBytesMax);
  const token = sessions.login(username, password, address);
  replyAdmin(call.down, { token } satisfies LoginAnswer);
}
