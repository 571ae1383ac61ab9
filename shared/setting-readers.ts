/**
 * How the text of a setting becomes its value. Each reader gets the text, or undefined when it is unset or empty, and
 * throws an Error that says what is wrong without repeating what may be a secret.
 */
import { isIP } from 'node:net';

export function whole(from: number, to: number, fallback: number): (raw: string | undefined) => number {
  return (raw) => {
    if (raw === undefined) return fallback;
    const value = Number(raw);
    if (!Number.isInteger(value) || value < from || value > to)
      throw new Error(`must be a whole number from ${from} to ${to}`);
    return value;
  };
}

export function oneOf<const T extends string>(choices: readonly T[], fallback: T): (raw: string | undefined) => T {
  return (raw) => {
    const found = choices.find((choice) => choice === raw?.toLowerCase());
    if (raw !== undefined && found === undefined) throw new Error(`must be one of ${choices.join(', ')}`);
    return found ?? fallback;
  };
}

export function text(raw: string | undefined): string | null {
  return raw ?? null;
}

export function parseGeminiKeys(raw: string | undefined): readonly string[] {
  const keys = listOf(raw);
  // Google issues `AIza…` and `AQ.…` keys and may issue others: only what cannot be a header value is refused.
  if (keys.some((key) => !/^[A-Za-z0-9._~-]+$/.test(key)))
    throw new Error('must be Gemini keys separated by commas; one of them has characters that no key has');
  return [...new Set(keys)];
}

export function parseBaseUrl(raw: string | undefined): string {
  const value = raw ?? 'https://generativelanguage.googleapis.com';
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '' || url.username !== '')
    throw new Error('must be an http(s) URL without query, fragment or credentials');
  return url.href.replace(/\/+$/, '');
}

/** Secrets that were published in example files, and so protect nothing. */
const publishedSecrets =
  /^(your[-_ ].*|change[-_ ]?me.*|secret|jwt[-_]?secret|.*change[-_ ]in[-_ ]production.*|.*placeholder.*)$/i;

export function parseJwtSecret(raw: string | undefined): string | null {
  if (raw !== undefined && publishedSecrets.test(raw))
    throw new Error('is a published placeholder; make your own, for example with: openssl rand -hex 32');
  return raw ?? null;
}

export function parseAdminPassword(raw: string | undefined): string | null {
  if (raw !== undefined && /^(admin|password|admin123|changeme|change-me|your[-_ ].*)$/i.test(raw))
    throw new Error('is a password that everybody knows; choose another');
  return raw ?? null;
}

export function parseDatabasePath(raw: string | undefined): string {
  const value = raw ?? 'sqlite:./gemini_pool.db';
  const match = /^sqlite:(?:\/\/(?=[^/]|\/[^/]))?([^?]+)(?:\?.*)?$/.exec(value);
  if (match?.[1] === undefined) throw new Error('must look like sqlite:./gemini_pool.db');
  return match[1];
}

export interface ListenAddress {
  host: string;
  port: number;
}

export function parseListenAddress(raw: string | undefined): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:\s]+)):(\d{1,5})$/.exec(raw ?? '0.0.0.0:8080');
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || !Number.isInteger(port) || port > 65_535)
    throw new Error('must be an address and a port, like 0.0.0.0:8080 or [::]:8080');
  return { host, port };
}

export function parseEncryptionKey(raw: string | undefined): string | null {
  if (raw === undefined) return null;
  if (/^[0-9a-fA-F]{64}$/.test(raw)) return raw.toLowerCase();
  const bytes = Buffer.from(raw, 'base64');
  if (bytes.length !== 32)
    throw new Error('must be 32 bytes as 64 hex digits or base64; make it with: openssl rand -hex 32');
  return bytes.toString('hex');
}

export function parseOrigins(raw: string | undefined): readonly string[] {
  const origins = (raw ?? '*').split(',').map((origin) => origin.trim().replace(/\/$/, ''));
  if (origins.some((origin) => origin !== '*' && !/^https?:\/\/[^/\s]+$/.test(origin)))
    throw new Error('must be * or origins like https://app.example, separated by commas');
  return origins;
}

/** Addresses and networks of proxies. */
export function parseProxies(raw: string | undefined): readonly string[] {
  const entries = listOf(raw);
  for (const entry of entries) {
    const [address = '', prefix, ...more] = entry.split('/');
    const bits = isIP(address) === 4 ? 32 : isIP(address) === 6 ? 128 : 0;
    const isPrefix = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
    if (bits === 0 || !isPrefix || more.length > 0)
      throw new Error('must be addresses or networks like 127.0.0.1 or 10.0.0.0/8, separated by commas');
  }
  return entries;
}

const modelName = /^(?:models\/)?[A-Za-z0-9][A-Za-z0-9._:@/-]*$/;

/** `gpt-4o=gemini-3.8-flash, …`: what clients say, and the model that answers for it. */
export function parseAliases(raw: string | undefined): ReadonlyMap<string, string> {
  const pairs = listOf(raw).map((pair) => pair.split('=').map((name) => name.trim()));
  if (pairs.some((pair) => pair.length !== 2 || !pair.every((name) => modelName.test(name))))
    throw new Error('must look like gpt-4o=gemini-3.8-flash, with commas between');
  return new Map(pairs.map(([asked = '', model = '']) => [asked, model]));
}

/** `a>b>c, …`: the models that are asked, in this order, when the one before is overloaded or has no key left. */
export function parseFallbacks(raw: string | undefined): ReadonlyMap<string, readonly string[]> {
  const chains = listOf(raw).map((chain) => chain.split('>').map((name) => name.trim()));
  if (chains.some((chain) => chain.length < 2 || !chain.every((name) => modelName.test(name))))
    throw new Error('must look like gemini-3.8-flash>gemini-3.6-flash, with commas between');
  return new Map(chains.map(([model = '', ...others]) => [model, others]));
}

function listOf(raw: string | undefined): string[] {
  return (raw ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

/** yes/no, true/false, on/off, 1/0. */
export function yesOrNo(fallback: boolean): (raw: string | undefined) => boolean {
  return (raw) => {
    if (raw === undefined) return fallback;
    if (/^(1|true|yes|on)$/i.test(raw)) return true;
    if (/^(0|false|no|off)$/i.test(raw)) return false;
    throw new Error('must be yes or no');
  };
}
