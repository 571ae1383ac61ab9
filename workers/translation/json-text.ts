/** JSON text of a client: parsed once, and refused before that when it is deeper than anything may walk. */
import { GatewayError } from '../../shared/errors.ts';
import { isRecord, type JsonRecord } from '../../shared/gemini-wire.ts';
import { limits } from '../../shared/limits.ts';

declare global {
  // In Node since 20; TypeScript has them in lib es2024.string.
  interface String {
    isWellFormed(): boolean;
    toWellFormed(): string;
  }
}

const quote = 0x22;
const backslash = 0x5c;

/** Parses a request body. Throws `invalid_json`, without a word of the text. */
export function parseBody(text: string): unknown {
  if (isDeeperThan(text, limits.jsonDepthMax))
    throw new GatewayError('invalid_json', {
      message: `The request body is nested more than ${limits.jsonDepthMax} levels deep.`,
    });
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new GatewayError('invalid_json', { message: describeFault(error) });
  }
}

/** Parses a request body that must be an object. Throws `invalid_json`, or `invalid_type` for anything else. */
export function parseBodyObject(text: string): JsonRecord {
  const body = parseBody(text);
  if (!isRecord(body)) throw new GatewayError('invalid_type', { message: 'The request body must be a JSON object.' });
  return body;
}

/** Parses an answer of Gemini that must be an object. Throws `upstream_protocol` for anything else. */
export function parseUpstreamObject(text: string): JsonRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new GatewayError('upstream_protocol', {}, error);
  }
  if (!isRecord(value)) throw new GatewayError('upstream_protocol');
  return value;
}

/** V8 quotes the text in its message; only the place is passed on. */
function describeFault(error: unknown): string {
  const place = error instanceof Error ? /at position (\d+)/.exec(error.message)?.[1] : undefined;
  return place === undefined
    ? 'The request body could not be parsed as JSON.'
    : `The request body could not be parsed as JSON: the fault is at position ${place}.`;
}

/**
 * Whether objects and lists are nested deeper than `depthMax`. Hardly any text has brackets enough for it, which is
 * counted at the speed of memchr; the others are read bracket by bracket, strings left out.
 */
export function isDeeperThan(text: string, depthMax: number): boolean {
  if (!hasMoreThan(text, '{', depthMax, '[')) return false;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfString(text, at);
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > depthMax) return true;
    } else if (code === 0x7d || code === 0x5d) depth--;
  }
  return false;
}

function hasMoreThan(text: string, mark: string, countMax: number, other: string): boolean {
  let count = 0;
  for (const sought of [mark, other])
    for (let at = text.indexOf(sought); at !== -1; at = text.indexOf(sought, at + 1))
      if (++count > countMax) return true;
  return false;
}

/** The index of the quote that closes the string opened at `start`, or the text's length. */
export function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (text.charCodeAt(at - 1 - slashes) === backslash) slashes++;
    if (slashes % 2 === 0) return at;
  }
  return text.length;
}

/** An escape of a surrogate, in a pair or alone, or of NUL. Only by escapes can a text that was bytes have got these. */
const suspectEscape = /\\u(?:[dD][89a-fA-F]|0000)/;
const brokenEscape = /(?<!\\)((?:\\\\)*)\\u(?:d[89a-f][0-9a-f]{2}|0000)/g;

/**
 * Replaces what Google's parser refuses in a string, lone surrogates and NUL, by U+FFFD. `json` is what JSON.stringify
 * made of values parsed from `source`: it writes lone surrogates as escapes, and pairs as they are.
 */
export function withoutBrokenText(json: string, source: string): string {
  return suspectEscape.test(source) ? json.replace(brokenEscape, '$1\ufffd') : json;
}

/** A string as JSON; what isn't Unicode becomes U+FFFD. */
export function jsonString(text: string): string {
  return JSON.stringify(text.isWellFormed() ? text : text.toWellFormed());
}
