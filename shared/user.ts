/** The users of the admin API beside the administrator of the environment, and the states of their sessions. */

/** `admin` may do everything, `viewer` may look. */
export type Role = 'admin' | 'viewer';

/** Stands for the administrator of the environment where users are named by id. */
export const environmentUserId = 'environment';

export interface User {
  id: string;
  username: string;
  /** scrypt, with its parameters: see `gateway/people/password.ts`. */
  passwordHash: string;
  role: Role;
  createdAtMs: number;
  /** One more with each change. */
  version: number;
}

/** What an update sets. A new password or role ends the user's sessions. */
export interface UserChanges {
  passwordHash?: string;
  role?: Role;
}

/** The sessions of one user, the administrator of the environment included. */
export interface UserSessions {
  userId: string;
  /** Tokens of another generation are over; 0 where nothing is stored. */
  generation: number;
  lastLoginAtMs: number | null;
}

/** A session that was ended before its time. Kept until it would have expired. */
export interface RevokedSession {
  id: string;
  expiresAtMs: number;
}

/** The user after an update: the same for the database and for the gateway's memory. */
export function withUserChanges(user: User, changes: UserChanges): User {
  return { ...user, ...changes, version: user.version + 1 };
}
