/**
 * Sessions of the admin API: who may log in, and the tokens that prove it. The administrator of the environment is always
 * who the environment says: a token of his is bound to its name and password, so that changing either and restarting
 * ends his sessions. Further users are in the database. A token holds for one generation of its user's sessions, and for
 * as long as it was not revoked by itself.
 */
import { createHmac, createSecretKey, generateKeySync, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import type { Clock } from '../shared/clock.ts';
import type { Config } from '../shared/config.ts';
import { GatewayError } from '../shared/errors.ts';
import { makeIdSource } from '../shared/ids.ts';
import { limits } from '../shared/limits.ts';
import { environmentUserId, type Role } from '../shared/user.ts';
import { type AdminSession, bearerToken } from './call.ts';
import { LoginThrottle } from './login-throttle.ts';
import { Passwords } from './people/passwords.ts';
import type { Users } from './people/users.ts';
import { isSameSecret } from './secret-compare.ts';

const issuer = 'gemini-pool';
const audience = 'gemini-pool/admin';
const algorithm = 'HS256';
/** Ours have some 400 characters; longer ones aren't worth parsing. */
const tokenCharsMax = 2_048;

/** What is needed of the logger. */
export interface LoginLog {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
}

/** A login that worked. */
export interface Login {
  token: string;
  session: AdminSession;
  /** The same password hashed with the present parameters, where the stored hash was made with others. */
  rehashed?: { from: string; to: string };
}

/** Who may have sessions. */
interface Identity {
  userId: string;
  username: string;
  role: Role;
  source: 'environment' | 'stored';
  /** Stands for the administrator's name and password in tokens; null for users of the database. */
  mark: string | null;
}

interface Administrator {
  readonly identity: Identity;
  readonly password: string;
}

export interface SessionParts {
  readonly clock: Clock;
  readonly log: LoginLog;
  readonly users: Users;
  /** Another one makes tests fast. */
  readonly passwords?: Passwords;
}

export class AdminSessions {
  readonly passwords: Passwords;
  readonly #clock: Clock;
  readonly #log: LoginLog;
  readonly #users: Users;
  readonly #signingKey: KeyObject;
  readonly #administrator: Administrator | null;
  readonly #throttle: LoginThrottle;
  readonly #nextId: () => string;

  constructor(
    config: Pick<Config, 'adminUsername' | 'adminPassword' | 'jwtSecret'>,
    { clock, log, users, passwords = new Passwords() }: SessionParts,
  ) {
    this.passwords = passwords;
    this.#clock = clock;
    this.#log = log;
    this.#users = users;
    // A key object, once: with the bare secret each verification would prepare it anew, at fifty times the price.
    this.#signingKey =
      config.jwtSecret === null
        ? generateKeySync('hmac', { length: 256 })
        : createSecretKey(Buffer.from(config.jwtSecret, 'utf8'));
    this.#administrator = administratorOf(config, this.#signingKey);
    this.#throttle = new LoginThrottle(clock);
    this.#nextId = makeIdSource(clock);
  }

  /** Name of the administrator of the environment; null when there is none. */
  get administratorName(): string | null {
    return this.#administrator?.identity.username ?? null;
  }

  /**
   * A new session. Throws `login_locked` when there is nobody who could log in, `login_throttled` after too many
   * failures, and `login_failed` for a wrong name and a wrong password alike, after the same time.
   */
  async login(username: string, password: string, address: string): Promise<Login> {
    if (this.#administrator === null && this.#users.all().length === 0) {
      this.#log.warn({ ...this.#attempt(username, address), outcome: 'locked' }, 'admin login');
      throw new GatewayError('login_locked');
    }
    const identity = await this.#check(username, password, address);
    const { token, session } = this.#issue(identity);
    const hash = this.#users.get(identity.userId)?.passwordHash ?? null;
    if (hash === null || !this.passwords.isOutdated(hash)) return { token, session };
    return { token, session, rehashed: { from: hash, to: await this.passwords.hash(password) } };
  }

  /** Whether a session's user knows his password; as slow to guess as a login. Throws `login_throttled`. */
  async confirm({ username }: AdminSession, password: string, address: string): Promise<boolean> {
    try {
      await this.#check(username, password, address);
      return true;
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'login_failed') return false;
      throw error;
    }
  }

  /** The session of an `Authorization` header. Whatever is wrong with it, the answer is the same `session_invalid`. */
  verify(authorization: string): AdminSession {
    const token = bearerToken(authorization);
    const session = token === null || token.length > tokenCharsMax ? null : this.#read(token);
    if (session === null) throw new GatewayError('session_invalid');
    return session;
  }

  async #check(username: string, password: string, address: string): Promise<Identity> {
    const attempt = this.#attempt(username, address);
    const waitMs = this.#throttle.waitMs(username, address);
    if (waitMs > 0) {
      this.#log.warn({ ...attempt, outcome: 'throttled', waitMs: Math.ceil(waitMs) }, 'admin login');
      throw new GatewayError('login_throttled', { retryAfterMs: waitMs });
    }
    // Counted before it is known: of many tries at once all but the first few have to wait.
    this.#throttle.failed(username, address);
    const identity = await this.#identify(username, password).catch((error: unknown) => {
      if (error instanceof GatewayError && error.code === 'overloaded') this.#throttle.notTried(username, address);
      throw error;
    });
    if (identity === null) {
      this.#log.warn({ ...attempt, outcome: 'failed' }, 'admin login');
      throw new GatewayError('login_failed');
    }
    this.#throttle.succeeded(username, address);
    this.#log.info({ ...attempt, outcome: 'ok' }, 'admin login');
    return identity;
  }

  /** Who a name and a password belong to; null for nobody, after the same time for every name. */
  async #identify(username: string, password: string): Promise<Identity | null> {
    const administrator = this.#administrator;
    const isAdministrator = administrator !== null && isSameSecret(username, administrator.identity.username);
    const isHisPassword = administrator !== null && isSameSecret(password, administrator.password);
    if (isAdministrator && isHisPassword) return administrator.identity;
    const user = isAdministrator ? null : this.#users.named(username);
    const isPassword = await this.passwords.verify(password, user?.passwordHash ?? null);
    // Another password may have come while this one was checked, and ended all sessions that were before it.
    const isStillHis = user !== null && this.#users.get(user.id)?.version === user.version;
    return isPassword && isStillHis ? this.#identityOf(user.id) : null;
  }

  #identityOf(userId: string): Identity | null {
    if (userId === environmentUserId) return this.#administrator?.identity ?? null;
    const user = this.#users.get(userId);
    if (user === null) return null;
    return { userId, username: user.username, role: user.role, source: 'stored', mark: null };
  }

  #issue(identity: Identity): { token: string; session: AdminSession } {
    const iat = this.#nowSeconds();
    const session = sessionOf(identity, this.#nextId(), (iat + limits.sessionSecondsMax) * 1000);
    const claims = {
      iss: issuer,
      aud: audience,
      sub: identity.userId,
      jti: session.sessionId,
      iat,
      exp: iat + limits.sessionSecondsMax,
      gen: this.#users.generationOf(identity.userId),
      ...(identity.mark === null ? {} : { mark: identity.mark }),
    };
    return { token: jwt.sign(claims, this.#signingKey, { algorithm }), session };
  }

  #read(token: string): AdminSession | null {
    const payload = this.#claimsOf(token);
    // The library checks an expiry that is there, but does not miss one.
    if (payload === null || typeof payload.exp !== 'number' || typeof payload.sub !== 'string') return null;
    if (typeof payload.jti !== 'string' || this.#users.isRevoked(payload.jti)) return null;
    const identity = this.#identityOf(payload.sub);
    if (identity === null || payload['gen'] !== this.#users.generationOf(identity.userId)) return null;
    if ((payload['mark'] ?? null) !== identity.mark) return null;
    return sessionOf(identity, payload.jti, payload.exp * 1000);
  }

  #claimsOf(token: string): jwt.JwtPayload | null {
    try {
      const { header, payload } = jwt.verify(token, this.#signingKey, {
        algorithms: [algorithm],
        issuer,
        audience,
        clockTimestamp: this.#nowSeconds(),
        clockTolerance: 0,
        complete: true,
      });
      // Headers such as `kid` or `crit` are never ours.
      const isOurs = Object.keys(header).every((name) => name === 'alg' || name === 'typ');
      return typeof payload === 'string' || !isOurs ? null : payload;
    } catch {
      return null;
    }
  }

  #nowSeconds(): number {
    return Math.floor(this.#clock.wallMs() / 1000);
  }

  /** What the log may hold; whoever types the password into the wrong field must not find it there. */
  #attempt(username: string, address: string): { username: string; address: string } {
    // Who mistakes one field for the other types a password here: only names that exist are written down.
    const isKnown = username === this.administratorName || this.#users.named(username) !== null;
    return { username: isKnown ? username : '[unknown]', address };
  }
}

function sessionOf({ userId, username, role, source }: Identity, sessionId: string, expiresAtMs: number): AdminSession {
  return { userId, username, role, source, sessionId, expiresAtMs };
}

function administratorOf(
  { adminUsername, adminPassword }: Pick<Config, 'adminUsername' | 'adminPassword'>,
  signingKey: KeyObject,
): Administrator | null {
  if (adminPassword === null) return null;
  // Tells nothing about name and password to who lacks the signing key.
  const mark = createHmac('sha256', signingKey)
    .update(JSON.stringify(['administrator', adminUsername, adminPassword]))
    .digest('base64url');
  return {
    identity: { userId: environmentUserId, username: adminUsername, role: 'admin', source: 'environment', mark },
    password: adminPassword,
  };
}
