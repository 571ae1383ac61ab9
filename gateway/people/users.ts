/** The users of the admin API in memory, and which of their sessions hold. It follows the database. */
import type { StoreCommand, StoredState } from '../../shared/messages.ts';
import { type User, type UserSessions, withUserChanges } from '../../shared/user.ts';

export class Users {
  readonly #byId = new Map<string, User>();
  readonly #sessions = new Map<string, UserSessions>();
  /** Sessions that were ended one by one, with the time at which they would have expired. */
  readonly #revoked = new Map<string, number>();

  /** Replaces all by what the database holds. */
  load({
    users,
    userSessions,
    revokedSessions,
  }: Pick<StoredState, 'users' | 'userSessions' | 'revokedSessions'>): void {
    this.#byId.clear();
    this.#sessions.clear();
    this.#revoked.clear();
    for (const user of users) this.#byId.set(user.id, user);
    for (const sessions of userSessions) this.#sessions.set(sessions.userId, sessions);
    for (const { id, expiresAtMs } of revokedSessions) this.#revoked.set(id, expiresAtMs);
  }

  /** Follows a command that was committed; those about other things change nothing here. */
  apply(command: StoreCommand): void {
    switch (command.op) {
      case 'create_user':
        this.#byId.set(command.user.id, command.user);
        return;
      case 'update_user': {
        const known = this.#byId.get(command.id);
        if (known !== undefined) this.#byId.set(known.id, withUserChanges(known, command.changes));
        this.#endSessions(command.id);
        return;
      }
      case 'delete_user':
        this.#byId.delete(command.id);
        this.#sessions.delete(command.id);
        return;
      case 'end_sessions':
        this.#endSessions(command.userId);
        return;
      case 'revoke_session':
        for (const [id, expiresAtMs] of this.#revoked) if (expiresAtMs <= command.nowMs) this.#revoked.delete(id);
        this.#revoked.set(command.session.id, command.session.expiresAtMs);
        return;
      case 'note_login':
        this.#noteLogin(command);
        return;
      default:
    }
  }

  all(): User[] {
    return [...this.#byId.values()];
  }

  get(id: string): User | null {
    return this.#byId.get(id) ?? null;
  }

  /** By the name as it was given, its case included. */
  named(username: string): User | null {
    for (const user of this.#byId.values()) if (user.username === username) return user;
    return null;
  }

  /** The generation of sessions of a user that holds. */
  generationOf(userId: string): number {
    return this.#sessions.get(userId)?.generation ?? 0;
  }

  lastLoginAtMs(userId: string): number | null {
    return this.#sessions.get(userId)?.lastLoginAtMs ?? null;
  }

  isRevoked(sessionId: string): boolean {
    return this.#revoked.has(sessionId);
  }

  #endSessions(userId: string): void {
    this.#sessions.set(userId, {
      userId,
      generation: this.generationOf(userId) + 1,
      lastLoginAtMs: this.lastLoginAtMs(userId),
    });
  }

  #noteLogin({ userId, atMs, rehashed }: Extract<StoreCommand, { op: 'note_login' }>): void {
    this.#sessions.set(userId, { userId, generation: this.generationOf(userId), lastLoginAtMs: atMs });
    const known = this.#byId.get(userId);
    if (known !== undefined && known.passwordHash === rehashed?.from)
      this.#byId.set(userId, { ...known, passwordHash: rehashed.to });
  }
}
