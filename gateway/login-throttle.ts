/**
 * Slows down the guessing of passwords: failures are counted by account and by remote address, and each beyond the
 * first few makes the next try wait longer. A pure state machine with the clock passed in; its memory is bounded.
 */
import { isIP } from 'node:net';
import type { Clock } from '../shared/clock.ts';
import { fingerprint } from '../shared/ids.ts';

/** Failures that cost nothing: people mistype. */
const freeFailures = 5;
const firstDelayMs = 1_000;
const delayMsMax = 300_000;
/** After this long without a failure an account or address begins anew. */
const forgetAfterMs = 3_600_000;
const entriesMax = 10_000;
const knownPlacesMax = 1_000;

export class LoginThrottle {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #accounts = new FailureTable();
  readonly #addresses = new FailureTable();
  /** By account and address together. */
  readonly #places = new FailureTable();
  /** Accounts with the addresses from which they have logged in, the latest last. */
  readonly #knownPlaces = new Set<string>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** Milliseconds until this account may be tried from this address; 0 when it may be now. */
  waitMs(account: string, address: string): number {
    const nowMs = this.#clock.monotonicMs();
    const place = placeOf(account, address);
    // Otherwise anybody could keep a user out for ever by failing on his account from elsewhere.
    const accountWaitMs = this.#knownPlaces.has(place)
      ? this.#places.waitMs(place, nowMs)
      : this.#accounts.waitMs(fingerprint(account), nowMs);
    return Math.max(this.#addresses.waitMs(networkOf(address), nowMs), accountWaitMs);
  }

  /** Counts a failure. A try that was made to wait is none: its password was not looked at. */
  failed(account: string, address: string): void {
    const nowMs = this.#clock.monotonicMs();
    this.#accounts.add(fingerprint(account), nowMs);
    this.#addresses.add(networkOf(address), nowMs);
    this.#places.add(placeOf(account, address), nowMs);
  }

  /** Takes one failure back: there was no time to look at the password. */
  notTried(account: string, address: string): void {
    this.#accounts.take(fingerprint(account), 1);
    this.#addresses.take(networkOf(address), 1);
    this.#places.take(placeOf(account, address), 1);
  }

  /**
   * Forgets the failures on the account, and of those from the address only the account's own: whoever has an account
   * must not be able to guess another's password in between his own logins.
   */
  succeeded(account: string, address: string): void {
    const place = placeOf(account, address);
    this.#accounts.clear(fingerprint(account));
    this.#addresses.take(networkOf(address), this.#places.clear(place));
    this.#knownPlaces.delete(place);
    this.#knownPlaces.add(place);
    const [oldest] = this.#knownPlaces;
    if (this.#knownPlaces.size > knownPlacesMax && oldest !== undefined) this.#knownPlaces.delete(oldest);
  }
}

function placeOf(account: string, address: string): string {
  return `${fingerprint(account)} ${networkOf(address)}`;
}

interface Failures {
  count: number;
  lastMs: number;
}

/** Failures by key, in the order of their last. */
class FailureTable {
  readonly #byKey = new Map<string, Failures>();

  waitMs(key: string, nowMs: number): number {
    const failures = this.#byKey.get(key);
    return failures === undefined ? 0 : Math.max(0, failures.lastMs + delayMs(failures.count) - nowMs);
  }

  add(key: string, nowMs: number): void {
    const known = this.#byKey.get(key);
    const count = known === undefined || nowMs - known.lastMs >= forgetAfterMs ? 0 : known.count;
    this.#byKey.delete(key);
    if (this.#byKey.size >= entriesMax) this.#makeRoom();
    this.#byKey.set(key, { count: count + 1, lastMs: nowMs });
  }

  /** Forgets all failures of a key, and gives their number. */
  clear(key: string): number {
    const count = this.#byKey.get(key)?.count ?? 0;
    this.#byKey.delete(key);
    return count;
  }

  /** Forgets some failures of a key. */
  take(key: string, count: number): void {
    const known = this.#byKey.get(key);
    if (known === undefined) return;
    if (known.count <= count) this.#byKey.delete(key);
    else known.count -= count;
  }

  /** Drops the oldest of those that still wait for nothing: a flood of new names must not wash out who is being guessed. */
  #makeRoom(): void {
    const [oldest] = this.#byKey.keys();
    for (const [key, { count }] of this.#byKey)
      if (count <= freeFailures) {
        this.#byKey.delete(key);
        return;
      }
    if (oldest !== undefined) this.#byKey.delete(oldest);
  }
}

/** The pause after the `count`-th failure: none at first, then doubling up to its bound. */
function delayMs(count: number): number {
  return count <= freeFailures ? 0 : Math.min(delayMsMax, firstDelayMs * 2 ** (count - freeFailures - 1));
}

/**
 * What counts as one place: an IPv4 address, but the /64 of an IPv6 address, since whoever has one address there has all
 * of them. The server writes IPv6 addresses out in full, proxies write them short.
 */
function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [left = '', right] = address.toLowerCase().split('::');
  const before = groupsOf(left);
  const after = groupsOf(right ?? '');
  const groups = [...before, ...Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0'), ...after];
  const numbers = groups.map((group) => Number.parseInt(group, 16));
  const isMappedIpv4 = numbers.slice(0, 5).every((number) => number === 0);
  return (isMappedIpv4 ? numbers : numbers.slice(0, 4)).map((number) => number.toString(16)).join(':');
}

/** Of a part of an IPv6 address, whose last four bytes may be written as IPv4. */
function groupsOf(part: string): string[] {
  if (part === '') return [];
  return part.split(':').flatMap((group) => {
    if (!group.includes('.')) return [group];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [(a * 256 + b).toString(16), (c * 256 + d).toString(16)];
  });
}
