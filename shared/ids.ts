/** Identifiers: time-ordered request ids, client keys and their fingerprints. The only place that draws random bytes. */
import { hash, randomBytes } from 'node:crypto';
import type { Clock } from './clock.ts';

const CLIENT_KEY_PREFIX = 'gp_';
const RANDOM_POOL_BYTES = 4096;

let randomPool = Buffer.alloc(0);
let randomOffset = 0;

/** `n` random bytes as lower-case hex; drawn from a pool, since one system call a request would cost more than the id. */
function randomHex(n: number): string {
  if (randomOffset + n > randomPool.length) {
    randomPool = randomBytes(RANDOM_POOL_BYTES);
    randomOffset = 0;
  }
  const hex = randomPool.toString('hex', randomOffset, randomOffset + n);
  randomOffset += n;
  return hex;
}

/**
 * A maker of ids of 32 hex digits that sort by time: 12 digits of wall milliseconds, 4 of a counter that runs on within
 * a millisecond, 16 random. Ids never go back, even when the wall clock does: rows are inserted in primary-key order,
 * which is several times faster than random order.
 */
export function makeIdSource(clock: Clock): () => string {
  let lastMs = 0;
  let counter = 0;
  return () => {
    const nowMs = clock.wallMs();
    if (nowMs > lastMs) {
      lastMs = nowMs;
      counter = 0;
    } else if (++counter > 0xffff) {
      lastMs++;
      counter = 0;
    }
    return lastMs.toString(16).padStart(12, '0') + counter.toString(16).padStart(4, '0') + randomHex(8);
  };
}

/** A new client key: `gp_` and 48 hex digits, 192 random bits. Shown to the operator once, stored as its fingerprint. */
export function mintClientKey(): string {
  return CLIENT_KEY_PREFIX + randomHex(24);
}

/** `n` random bytes that nothing else has seen: keys and nonces. */
export function secretBytes(n: number): Buffer {
  return randomBytes(n);
}

/** The SHA-256 of a secret in hex: how client keys are stored and looked up. */
export function fingerprint(secret: string): string {
  return hash('sha256', secret, 'hex');
}

/** A secret as a person may see it: its first characters and its last four. Short secrets show nothing but dots. */
export function maskSecret(secret: string): string {
  if (secret.length < 12) return '••••';
  return `${secret.slice(0, 5)}••••${secret.slice(-4)}`;
}

/** A random number in [0, 1), for jitter. */
export function randomFraction(): number {
  return Number.parseInt(randomHex(3), 16) / 0x1000000;
}
