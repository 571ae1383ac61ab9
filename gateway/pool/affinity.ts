/** Which key served a conversation last, or owns what a request refers to: bounded, the one used longest ago gives way. */
import { limits } from '../../shared/limits.ts';

/** How long a conversation stays with its key: as long as Google's implicit cache may. */
const ttlMs = 3_600_000;

interface Served {
  keyId: string;
  atMs: number;
}

export class Affinity {
  readonly #served = new Map<string, Served>();

  /** The key that served `token` last, null when none did or it is too long ago. */
  keyId(token: string, nowMs: number): string | null {
    const served = this.#served.get(token);
    return served === undefined || nowMs - served.atMs > ttlMs ? null : served.keyId;
  }

  remember(token: string, keyId: string, nowMs: number): void {
    this.#served.delete(token);
    this.#served.set(token, { keyId, atMs: nowMs });
    if (this.#served.size <= limits.affinitiesMax) return;
    const [oldest] = this.#served.keys();
    if (oldest !== undefined) this.#served.delete(oldest);
  }
}
