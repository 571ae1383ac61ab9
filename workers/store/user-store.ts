/** Users of the admin API and their sessions in the database. Commands are to be called inside a transaction. */
import { type AuditedField, differences } from '../../shared/audit.ts';
import type { UserCommand } from '../../shared/messages.ts';
import { type RevokedSession, type Role, type User, type UserSessions, withUserChanges } from '../../shared/user.ts';
import type { Applied } from './audit-store.ts';
import type { Connection, Statement } from './database.ts';

interface UserRow {
  id: string;
  username: string;
  password_hash: string;
  role: string;
  created_at_ms: number;
  version: number;
}

/** Stands for a password in the audit log. */
const hidden = '••••';

const missing: Applied = { result: 'missing', change: null };
const silent: Applied = { result: 'ok', change: null };

export class UserStore {
  readonly #all: Statement<[], UserRow>;
  readonly #one: Statement<[string], UserRow>;
  readonly #insert: Statement;
  readonly #update: Statement;
  readonly #delete: Statement;
  readonly #rehash: Statement;
  readonly #sessions: Statement<[], UserSessions>;
  readonly #endSessions: Statement;
  readonly #forgetSessions: Statement;
  readonly #noteLogin: Statement;
  readonly #revoked: Statement<[], RevokedSession>;
  readonly #revoke: Statement;
  readonly #forgetExpired: Statement;

  constructor(connection: Connection) {
    const select = 'SELECT id, username, password_hash, role, created_at_ms, version FROM users';
    this.#all = connection.prepare(`${select} ORDER BY created_at_ms, id`);
    this.#one = connection.prepare(`${select} WHERE id = ?`);
    this.#insert = connection.prepare(
      `INSERT INTO users (id, username, password_hash, role, created_at_ms, version) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    );
    this.#update = connection.prepare('UPDATE users SET password_hash = ?, role = ?, version = ? WHERE id = ?');
    this.#rehash = connection.prepare('UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ?');
    this.#delete = connection.prepare('DELETE FROM users WHERE id = ?');
    this.#sessions = connection.prepare(
      'SELECT user_id AS userId, generation, last_login_at_ms AS lastLoginAtMs FROM user_sessions',
    );
    this.#endSessions = connection.prepare(
      `INSERT INTO user_sessions (user_id, generation) VALUES (?, 1)
       ON CONFLICT (user_id) DO UPDATE SET generation = generation + 1`,
    );
    this.#forgetSessions = connection.prepare('DELETE FROM user_sessions WHERE user_id = ?');
    this.#noteLogin = connection.prepare(
      `INSERT INTO user_sessions (user_id, generation, last_login_at_ms) VALUES (?, 0, ?)
       ON CONFLICT (user_id) DO UPDATE SET last_login_at_ms = excluded.last_login_at_ms`,
    );
    this.#revoked = connection.prepare('SELECT id, expires_at_ms AS expiresAtMs FROM revoked_sessions');
    this.#revoke = connection.prepare(
      'INSERT INTO revoked_sessions (id, expires_at_ms) VALUES (?, ?) ON CONFLICT DO NOTHING',
    );
    this.#forgetExpired = connection.prepare('DELETE FROM revoked_sessions WHERE expires_at_ms <= ?');
  }

  load(): { users: User[]; userSessions: UserSessions[]; revokedSessions: RevokedSession[] } {
    return {
      users: this.#all.all().map(fromRow),
      userSessions: this.#sessions.all(),
      revokedSessions: this.#revoked.all(),
    };
  }

  apply(command: UserCommand): Applied {
    switch (command.op) {
      case 'create_user':
        return this.#create(command.user);
      case 'update_user':
        return this.#change(command);
      case 'delete_user': {
        const before = this.#find(command.id);
        if (before === null) return missing;
        this.#delete.run(command.id);
        this.#forgetSessions.run(command.id);
        return done('delete_user', command.id, differences(auditedFields(before), null));
      }
      case 'end_sessions':
        this.#endSessions.run(command.userId);
        return done('end_sessions', command.userId, []);
      case 'revoke_session':
        this.#forgetExpired.run(command.nowMs);
        this.#revoke.run(command.session.id, command.session.expiresAtMs);
        return silent;
      case 'note_login':
        this.#noteLogin.run(command.userId, command.atMs);
        if (command.rehashed !== undefined)
          this.#rehash.run(command.rehashed.to, command.userId, command.rehashed.from);
        return silent;
      default:
        return command satisfies never;
    }
  }

  #create(user: User): Applied {
    const { id, username, passwordHash, role, createdAtMs, version } = user;
    const { changes } = this.#insert.run(id, username, passwordHash, role, createdAtMs, version);
    if (changes === 0) return { result: 'exists', change: null };
    return done('create_user', id, differences(null, auditedFields(user)));
  }

  #change({ id, changes, expectedVersion }: Extract<UserCommand, { op: 'update_user' }>): Applied {
    const before = this.#find(id);
    if (before === null) return missing;
    if (expectedVersion !== null && expectedVersion !== before.version) return { result: 'stale', change: null };
    const after = withUserChanges(before, changes);
    this.#update.run(after.passwordHash, after.role, after.version, id);
    this.#endSessions.run(id);
    const audited = differences(auditedFields(before), auditedFields(after));
    if (changes.passwordHash !== undefined) audited.push({ field: 'password', from: hidden, to: hidden });
    return done('update_user', id, audited);
  }

  #find(id: string): User | null {
    const row = this.#one.get(id);
    return row === undefined ? null : fromRow(row);
  }
}

function fromRow({ id, username, password_hash, role, created_at_ms, version }: UserRow): User {
  return { id, username, passwordHash: password_hash, role: roleOf(role), createdAtMs: created_at_ms, version };
}

/** What is not known may look and no more. */
function roleOf(role: string): Role {
  return role === 'admin' ? 'admin' : 'viewer';
}

function auditedFields({ username, role }: User) {
  return { username, role };
}

function done(action: string, subjectId: string, changes: AuditedField[]): Applied {
  return { result: 'ok', change: { action, subject: 'user', subjectId, changes } };
}
