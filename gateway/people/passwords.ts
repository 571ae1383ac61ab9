/**
 * Password hashes: scrypt, with its parameters in the stored text, so that they can grow and old hashes still verify.
 * One is made or checked at a time, each on a thread of Node's pool: whoever floods the login waits in a short line.
 */
import { type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { GatewayError } from '../../shared/errors.ts';
import { secretBytes } from '../../shared/ids.ts';

export interface ScryptParameters {
  /** Memory is 128 · N · r bytes, time grows with N · r · p. */
  N: number;
  r: number;
  p: number;
}

/** About a quarter of a second, and 32 MiB. */
const present: ScryptParameters = { N: 32_768, r: 8, p: 3 };
const saltBytes = 16;
const keyBytes = 32;
const waitingMax = 32;
const retryMs = 1_000;
/** A hash as it is stored: `scrypt$N$r$p$salt$key`, both in base64url. */
const stored = /^scrypt\$(\d{1,8})\$(\d{1,3})\$(\d{1,3})\$([A-Za-z0-9_-]+)\$([A-Za-z0-9_-]+)$/;

export class Passwords {
  readonly #parameters: ScryptParameters;
  /** Looks like a hash and is none: what an unknown user's password is checked against. */
  readonly #nobodys: string;
  #line: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(parameters: ScryptParameters = present) {
    this.#parameters = parameters;
    this.#nobodys = textOf(parameters, secretBytes(saltBytes), secretBytes(keyBytes));
  }

  /** The text to store for a password. Throws `overloaded`. */
  hash(password: string): Promise<string> {
    const salt = secretBytes(saltBytes);
    return this.#inLine(async () =>
      textOf(this.#parameters, salt, await derive(password, salt, keyBytes, this.#parameters)),
    );
  }

  /**
   * Whether a password is the one of a hash; for null, a user that is not there, it is not, after the same time. Throws
   * `overloaded`.
   */
  verify(password: string, hash: string | null): Promise<boolean> {
    return this.#inLine(async () => {
      const [, N, r, p, salt, key] = stored.exec(hash ?? this.#nobodys) ?? [];
      if (salt === undefined || key === undefined) return false;
      const expected = Buffer.from(key, 'base64url');
      const parameters = { N: Number(N), r: Number(r), p: Number(p) };
      const given = await derive(password, Buffer.from(salt, 'base64url'), expected.length, parameters);
      return timingSafeEqual(given, expected) && hash !== null;
    });
  }

  /** Whether a hash was made with other parameters than new ones are. */
  isOutdated(hash: string): boolean {
    const { N, r, p } = this.#parameters;
    return !hash.startsWith(`scrypt$${N}$${r}$${p}$`);
  }

  async #inLine<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= waitingMax) throw new GatewayError('overloaded', { retryAfterMs: retryMs });
    this.#waiting++;
    const before = this.#line;
    const result = before.then(work);
    this.#line = result.catch(() => undefined);
    try {
      return await result;
    } finally {
      this.#waiting--;
    }
  }
}

function textOf({ N, r, p }: ScryptParameters, salt: Buffer, key: Buffer): string {
  return ['scrypt', N, r, p, salt.toString('base64url'), key.toString('base64url')].join('$');
}

function derive(password: string, salt: Buffer, bytes: number, { N, r, p }: ScryptParameters): Promise<Buffer> {
  const options: ScryptOptions = { N, r, p, maxmem: 256 * r * (N + p + 2) };
  return new Promise((resolve, reject) => {
    // Composed, so that the same letters typed on another system are the same password.
    scrypt(password.normalize('NFC'), salt, bytes, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
