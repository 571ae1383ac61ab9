/** Sessions in the admin API: logging in and out, the own password, and whether a token still holds. */
import {
  changePasswordRequest,
  type LoggedOut,
  type LoginAnswer,
  loginRequest,
  type PasswordChanged,
  type VerifyAnswer,
} from '../shared/admin-people.ts';
import { GatewayError } from '../shared/errors.ts';
import { bodyReader } from './admin-body.ts';
import { type AdminParts, auditOrigin, replyAdmin } from './admin-plane.ts';
import type { AdminSessions, Login } from './admin-session.ts';
import type { AdminActor, Call } from './call.ts';
import { refuseWeakPassword } from './people/password-rules.ts';
import type { Route } from './route-table.ts';

/** Anybody may send this body, and it is parsed on the thread that serves everybody. */
const loginBodyBytesMax = 16 * 1024;

const readLogin = bodyReader(loginRequest);
const readPasswordChange = bodyReader(changePasswordRequest);

/** The one route that needs no session. */
export function loginRoute(parts: AdminParts, sessions: AdminSessions): Route {
  return { path: '/admin/api/auth/login', methods: { POST: (call) => login(call, parts, sessions) } };
}

/** To stand behind the check of the session; each is about the session, or the user, that calls. */
export function ownSessionRoutes(parts: AdminParts, sessions: AdminSessions): Route[] {
  return [
    { path: '/admin/api/auth/verify', methods: { GET: verify } },
    { path: '/admin/api/auth/logout', viewers: 'all', methods: { POST: (call) => logout(call, parts) } },
    {
      path: '/admin/api/auth/logout-everywhere',
      viewers: 'all',
      methods: { POST: (call) => logoutEverywhere(call, parts) },
    },
    {
      path: '/admin/api/auth/password',
      viewers: 'all',
      methods: { POST: (call) => changePassword(call, parts, sessions) },
    },
  ];
}

async function login(call: Call, parts: AdminParts, sessions: AdminSessions): Promise<void> {
  // Before anything is awaited: there is no address any more once the client has left.
  const address = call.remoteAddress();
  const { username, password } = await readLogin(call, loginBodyBytesMax);
  const found = await sessions.login(username, password, address);
  noteLogin(found, parts);
  const { token, session } = found;
  replyAdmin(call.down, {
    token,
    username: session.username,
    role: session.role,
    expires_at: new Date(session.expiresAtMs).toISOString(),
  } satisfies LoginAnswer);
}

/** Nobody waits for it: a database that can't be written must not keep the operator out. */
function noteLogin({ session, rehashed }: Login, { clock, log, writer }: AdminParts): void {
  writer
    .command({
      op: 'note_login',
      userId: session.userId,
      atMs: clock.wallMs(),
      ...(rehashed === undefined ? {} : { rehashed }),
    })
    .catch(() => log.info({ username: session.username }, 'the time of a login was not recorded'));
}

function verify(call: Call): void {
  const { username, role, source, expiresAtMs } = actorOf(call);
  const expires_at = new Date(expiresAtMs).toISOString();
  replyAdmin(call.down, { status: 'valid', username, role, source, expires_at } satisfies VerifyAnswer);
}

async function logout(call: Call, { clock, writer }: AdminParts): Promise<void> {
  const { sessionId, expiresAtMs } = actorOf(call);
  await writer.command({ op: 'revoke_session', session: { id: sessionId, expiresAtMs }, nowMs: clock.wallMs() });
  replyAdmin(call.down, { status: 'logged_out' } satisfies LoggedOut);
}

async function logoutEverywhere(call: Call, parts: AdminParts): Promise<void> {
  await parts.writer.command({ op: 'end_sessions', userId: actorOf(call).userId, by: auditOrigin(call, parts) });
  replyAdmin(call.down, { status: 'logged_out' } satisfies LoggedOut);
}

async function changePassword(call: Call, parts: AdminParts, sessions: AdminSessions): Promise<void> {
  const actor = actorOf(call);
  const by = auditOrigin(call, parts);
  const body = await readPasswordChange(call, loginBodyBytesMax);
  if (actor.source === 'environment')
    throw new GatewayError('invalid_value', {
      message: 'The password of this administrator is ADMIN_PASSWORD. Change it there and restart.',
      param: 'new_password',
    });
  refuseWeakPassword(body.new_password, actor.username, 'new_password');
  const expectedVersion = parts.users.get(actor.userId)?.version ?? null;
  if (!(await sessions.confirm(actor, body.current_password, actor.address)))
    throw new GatewayError('invalid_value', { message: 'The present password is another.', param: 'current_password' });
  const passwordHash = await sessions.passwords.hash(body.new_password);
  // All sessions may have been ended since, and an administrator may have set another password.
  actor.recheck();
  const changes = { passwordHash };
  const result = await parts.writer.command({ op: 'update_user', id: actor.userId, changes, expectedVersion, by });
  if (result !== 'ok') throw new GatewayError('session_invalid');
  replyAdmin(call.down, { status: 'changed' } satisfies PasswordChanged);
}

function actorOf({ actor }: Call): AdminActor {
  if (actor === null) throw new GatewayError('session_invalid');
  return actor;
}
