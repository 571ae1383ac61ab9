/**
 * Sessions of the admin API: who may log in, and the tokens that prove it. The administrator is the one of the
 * environment; a token is bound to its name and password, so that changing either and restarting ends all sessions.
 */
import { createHmac, createSecretKey, generateKeySync, type KeyObject, timingSafeEqual } from 'node:crypto';
import jwt from 'jsonwebtoken';
import type { Clock } from '../shared/clock.ts';
import type { Config } from '../shared/config.ts';
import { GatewayError } from '../shared/errors.ts';
import { makeIdSource } from '../shared/ids.ts';
import { limits } from '../shared/limits.ts';
import { bearerToken } from './call.ts';
import { LoginThrottle } from './login-throttle.ts';

const issuer = 'gemini-pool';
const audience = 'gemini-pool/admin';
const algorithm = 'HS256';
/** Ours have some 400 characters; longer ones aren't worth parsing. */
const tokenCharsMax = 2_048;
const loggedNameCharsMax = 64;

/** Who acts on the admin API. */
export interface AdminSession {
  readonly username: string;
  readonly role: 'admin';
}

/** What is needed of the logger. */
export interface LoginLog {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
}

interface Administrator {
  readonly username: string;
  readonly password: string;
  /** Stands for name and password in tokens, without telling anything about them to who lacks the signing key. */
  readonly mark: string;
}

export class AdminSessions {
  readonly #clock: Clock;
  readonly #log: LoginLog;
  readonly #signingKey: KeyObject;
  readonly #administrator: Administrator | null;
  readonly #throttle: LoginThrottle;
  readonly #nextId: () => string;

  constructor(config: Pick<Config, 'adminUsername' | 'adminPassword' | 'jwtSecret'>, clock: Clock, log: LoginLog) {
    this.#clock = clock;
    this.#log = log;
    // A key object, once: with the bare secret each verification would prepare it anew, at fifty times the price.
    this.#signingKey =
      config.jwtSecret === null
        ? generateKeySync('hmac', { length: 256 })
        : createSecretKey(Buffer.from(config.jwtSecret, 'utf8'));
    this.#administrator = administratorOf(config, this.#signingKey);
    this.#throttle = new LoginThrottle(clock);
    this.#nextId = makeIdSource(clock);
  }

  /**
   * A new token for the administrator. Throws `login_locked` when there is none, `login_throttled` after too many
   * failures, and `login_failed` for a wrong name and a wrong password alike.
   */
  login(username: string, password: string, remoteAddress: string): string {
    const administrator = this.#administrator;
    const attempt = { username: loggableName(username, administrator), address: remoteAddress };
    if (administrator === null) {
      this.#log.warn({ ...attempt, outcome: 'locked' }, 'admin login');
      throw new GatewayError('login_locked');
    }
    const waitMs = this.#throttle.waitMs(username, remoteAddress);
    if (waitMs > 0) {
      this.#log.warn({ ...attempt, outcome: 'throttled', waitMs: Math.ceil(waitMs) }, 'admin login');
      throw new GatewayError('login_throttled', { retryAfterMs: waitMs });
    }
    const isName = this.#isSame(username, administrator.username);
    const isPassword = this.#isSame(password, administrator.password);
    if (!isName || !isPassword) {
      this.#throttle.failed(username, remoteAddress);
      this.#log.warn({ ...attempt, outcome: 'failed' }, 'admin login');
      throw new GatewayError('login_failed');
    }
    this.#throttle.succeeded(username, remoteAddress);
    this.#log.info({ ...attempt, outcome: 'ok' }, 'admin login');
    return this.#issue(administrator);
  }

  /** The session of an `Authorization` header. Whatever is wrong with it, the answer is the same `session_invalid`. */
  verify(authorization: string): AdminSession {
    const token = bearerToken(authorization);
    const administrator = this.#administrator;
    if (
      token === null ||
      token.length > tokenCharsMax ||
      administrator === null ||
      !this.#isValid(token, administrator)
    )
      throw new GatewayError('session_invalid');
    return { username: administrator.username, role: 'admin' };
  }

  #issue({ username, mark }: Administrator): string {
    const iat = this.#nowSeconds();
    const claims = {
      iss: issuer,
      aud: audience,
      sub: username,
      jti: this.#nextId(),
      iat,
      exp: iat + limits.sessionSecondsMax,
      mark,
    };
    return jwt.sign(claims, this.#signingKey, { algorithm });
  }

  #isValid(token: string, { username, mark }: Administrator): boolean {
    try {
      const { header, payload } = jwt.verify(token, this.#signingKey, {
        algorithms: [algorithm],
        issuer,
        audience,
        subject: username,
        clockTimestamp: this.#nowSeconds(),
        clockTolerance: 0,
        complete: true,
      });
      // The library checks an expiry that is there, but does not miss one. Headers such as `kid` or `crit` are never ours.
      return (
        typeof payload !== 'string' &&
        typeof payload.exp === 'number' &&
        payload['mark'] === mark &&
        Object.keys(header).every((name) => name === 'alg' || name === 'typ')
      );
    } catch {
      return false;
    }
  }

  #nowSeconds(): number {
    return Math.floor(this.#clock.wallMs() / 1000);
  }

  /** Compares by digest, so that neither length nor content of what is expected shows in the time taken. */
  #isSame(given: string, expected: string): boolean {
    return timingSafeEqual(digest(this.#signingKey, given), digest(this.#signingKey, expected));
  }
}

function administratorOf(
  { adminUsername, adminPassword }: Pick<Config, 'adminUsername' | 'adminPassword'>,
  signingKey: KeyObject,
): Administrator | null {
  if (adminPassword === null) return null;
  const mark = digest(signingKey, JSON.stringify(['administrator', adminUsername, adminPassword])).toString(
    'base64url',
  );
  return { username: adminUsername, password: adminPassword, mark };
}

function digest(key: KeyObject, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** A user name for the log; whoever types the password into the wrong field must not find it there. */
function loggableName(username: string, administrator: Administrator | null): string {
  if (administrator !== null && username.includes(administrator.password)) return '[secret]';
  return username.slice(0, loggedNameCharsMax);
}
