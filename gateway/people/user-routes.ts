/** Users in the admin API. The administrator of the environment is listed among them, and can only be logged out here. */
import {
  createUserRequest,
  type LoggedOut,
  type UserEntry,
  type UserList,
  updateUserRequest,
} from '../../shared/admin-people.ts';
import type { Deleted } from '../../shared/admin-wire.ts';
import { GatewayError } from '../../shared/errors.ts';
import { limits } from '../../shared/limits.ts';
import { environmentUserId, type User, type UserChanges } from '../../shared/user.ts';
import { bodyReader } from '../admin-body.ts';
import { type AdminParts, auditOrigin, replyAdmin, replyStale } from '../admin-plane.ts';
import type { AdminSessions } from '../admin-session.ts';
import type { Call } from '../call.ts';
import type { Route } from '../route-table.ts';
import { refuseWeakPassword } from './password-rules.ts';
import type { Users } from './users.ts';

const readCreate = bodyReader(createUserRequest);
const readUpdate = bodyReader(updateUserRequest);

/** To stand behind the check of the session. */
export function userRoutes(parts: AdminParts, sessions: AdminSessions): Route[] {
  return [
    {
      path: '/admin/api/users',
      methods: { GET: (call) => list(call, parts, sessions), POST: (call) => create(call, parts, sessions) },
    },
    {
      path: '/admin/api/users/{id}',
      methods: { PUT: (call) => update(call, parts, sessions), DELETE: (call) => remove(call, parts) },
    },
    { path: '/admin/api/users/{id}/logout', methods: { POST: (call) => logout(call, parts, sessions) } },
  ];
}

function list({ down }: Call, { users }: AdminParts, { administratorName }: AdminSessions): void {
  const entries = users.all().map((user) => entryOf(user, users));
  if (administratorName !== null)
    entries.unshift({
      id: environmentUserId,
      username: administratorName,
      role: 'admin',
      source: 'environment',
      created_at: null,
      last_login_at: timeText(users.lastLoginAtMs(environmentUserId)),
      version: 1,
    });
  replyAdmin(down, { users: entries } satisfies UserList);
}

async function create(call: Call, parts: AdminParts, sessions: AdminSessions): Promise<void> {
  const { clock, nextId, users, writer } = parts;
  const by = auditOrigin(call, parts);
  const { username, password, role } = await readCreate(call, limits.adminBodyBytesMax);
  refuseWeakPassword(password, username, 'password');
  if (isTaken(username, users, sessions)) throw nameTaken();
  const passwordHash = await sessions.passwords.hash(password);
  call.actor?.recheck();
  const user: User = { id: nextId(), username, passwordHash, role, createdAtMs: clock.wallMs(), version: 1 };
  if ((await writer.command({ op: 'create_user', user, by })) !== 'ok') throw nameTaken();
  replyAdmin(call.down, entryOf(user, users));
}

async function update(call: Call, parts: AdminParts, sessions: AdminSessions): Promise<void> {
  const { users, writer } = parts;
  const { id, down, actor } = call;
  const by = auditOrigin(call, parts);
  const { role, password, version } = await readUpdate(call, limits.adminBodyBytesMax);
  const user = found(id, users);
  if (role === undefined && password === undefined)
    throw new GatewayError('missing_required_parameter', { message: 'Give at least one of role, password.' });
  // Whoever acts stays an administrator, so that there always is one.
  if (id === actor?.userId && role !== undefined && role !== user.role)
    throw new GatewayError('invalid_value', { message: 'Nobody changes his own role.', param: 'role' });
  const changes: UserChanges = {};
  if (role !== undefined) changes.role = role;
  if (password !== undefined) {
    refuseWeakPassword(password, user.username, 'password');
    changes.passwordHash = await sessions.passwords.hash(password);
    actor?.recheck();
  }
  const result = await writer.command({ op: 'update_user', id, changes, expectedVersion: version ?? null, by });
  const entry = entryOf(found(result === 'missing' ? '' : id, users), users);
  if (result === 'stale') replyStale(down, entry);
  else replyAdmin(down, entry);
}

async function remove(call: Call, parts: AdminParts): Promise<void> {
  const { id, down, actor } = call;
  found(id, parts.users);
  if (id === actor?.userId)
    throw new GatewayError('invalid_value', {
      message: 'Nobody deletes himself. Ask another administrator.',
      param: 'id',
    });
  const result = await parts.writer.command({ op: 'delete_user', id, by: auditOrigin(call, parts) });
  if (result !== 'ok') throw noSuchUser();
  replyAdmin(down, { id, deleted: true } satisfies Deleted);
}

async function logout(call: Call, parts: AdminParts, { administratorName }: AdminSessions): Promise<void> {
  const isAdministrator = call.id === environmentUserId && administratorName !== null;
  if (!isAdministrator) found(call.id, parts.users);
  await parts.writer.command({ op: 'end_sessions', userId: call.id, by: auditOrigin(call, parts) });
  replyAdmin(call.down, { status: 'logged_out' } satisfies LoggedOut);
}

function found(id: string, users: Users): User {
  if (id === environmentUserId)
    throw new GatewayError('invalid_value', {
      message: 'This administrator comes from ADMIN_USERNAME and ADMIN_PASSWORD. Change them there and restart.',
      param: 'id',
    });
  const user = users.get(id);
  if (user === null) throw noSuchUser();
  return user;
}

function noSuchUser(): GatewayError {
  return new GatewayError('entity_not_found', { message: 'There is no such user.' });
}

/** Names that differ in case alone would be taken for each other. */
function isTaken(username: string, users: Users, { administratorName }: AdminSessions): boolean {
  const name = username.toLowerCase();
  return administratorName?.toLowerCase() === name || users.all().some((user) => user.username.toLowerCase() === name);
}

function nameTaken(): GatewayError {
  return new GatewayError('entity_exists', { message: 'There is a user of this name already.', param: 'username' });
}

function entryOf({ id, username, role, createdAtMs, version }: User, users: Users): UserEntry {
  return {
    id,
    username,
    role,
    source: 'stored',
    created_at: timeText(createdAtMs),
    last_login_at: timeText(users.lastLoginAtMs(id)),
    version,
  };
}

function timeText<T extends number | null>(ms: T): T extends number ? string : string | null;
function timeText(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
