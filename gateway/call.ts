/** One HTTP request as the handlers get it: what was read of its head, and its response. */
import type { Role } from '../shared/user.ts';
import type { Downstream } from './downstream.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** Who acts on the admin API. */
export interface AdminSession {
  /** The user's id; that of the administrator of the environment is `environment`. */
  readonly userId: string;
  readonly username: string;
  readonly role: Role;
  readonly source: 'environment' | 'stored';
  /** Of this session: by it a single one can be ended. */
  readonly sessionId: string;
  readonly expiresAtMs: number;
}

/** A session at work, from an address. */
export interface AdminActor extends AdminSession {
  readonly address: string;
  /**
   * Looks again whether the session holds and its role may do this: to be asked after what takes its time, as the body
   * does whose sender decides how much. Throws `session_invalid` and `not_permitted`.
   */
  readonly recheck: () => void;
}

export interface Call {
  readonly method: Method;
  /** The path as it came, without the query. Never decoded: only exact routes match. */
  readonly path: string;
  readonly query: string;
  /** The last segment of a route that ends in `{id}`, percent-decoded; empty for other routes. */
  readonly id: string;
  readonly authorization: string;
  readonly contentType: string;
  readonly contentEncoding: string;
  readonly acceptEncoding: string;
  readonly ifNoneMatch: string;
  /** `x-gemini-pool-strict`: refuse what would else be left out with a warning. */
  readonly isStrict: boolean;
  /** Announced size of the body; null when it comes in chunks or there is none. */
  readonly contentLength: number | null;
  /** Who makes this call of the admin API; null where that was not asked. */
  readonly actor: AdminActor | null;
  /** The client's address, or that of the proxy before it; empty once the client has left. */
  readonly remoteAddress: () => string;
  /** A proxy says that it passes the request on for somebody else. */
  readonly isForwarded: boolean;
  readonly down: Downstream;
}

/** The token of an `Authorization: Bearer …` header; null when there is none. */
export function bearerToken(authorization: string): string | null {
  if (authorization.length < 8 || authorization.slice(0, 7).toLowerCase() !== 'bearer ') return null;
  const token = authorization.slice(7).trim();
  return token === '' ? null : token;
}
