/**
 * Images, sounds and documents of a large request body, taken out of its bytes before it is parsed and put back into what
 * Gemini gets: megabytes of base64 are checked once and copied once, and are never text. In between a token stands for
 * them, of base64 itself, so that nothing on the way needs to know.
 */
import { isAscii } from 'node:buffer';
import { secretBytes } from '../../shared/ids.ts';
import { isBase64 } from './base64.ts';

/** Shorter data stay where they are. */
const liftedCharsMin = 16_384;
/** What is left in place around the token: the type is told from the beginning, and the end may have padding. */
const headChars = 64;
const tailChars = 4;
/** Nothing that a client can write by chance or know. */
const tokenPrefix = secretBytes(15).toString('base64');
const indexDigits = 4;
const tokenChars = tokenPrefix.length + indexDigits;

const quote = 0x22;
/** The members of a message's parts that hold data, with the quote that opens their value. */
const dataMember = /"(?:url|image_url|video_url|data|file_data)"\s*:\s*"$/;
const memberCharsMax = 64;
const dataUriHead = /^data:[^,"\\]*;base64,/i;
const dataUriHeadCharsMax = 200;

interface Range {
  start: number;
  end: number;
}

/** A body as text, with tokens in place of its large data; null when it has none. */
export interface LiftedBody {
  readonly text: string;
  readonly data: LiftedData | null;
}

/** What was taken out of one body. */
export class LiftedData {
  readonly #body: Buffer;
  readonly #ranges: readonly Range[];

  constructor(body: Buffer, ranges: readonly Range[]) {
    this.#body = body;
    this.#ranges = ranges;
  }

  /** The body as it came. */
  get text(): string {
    return toText(this.#body);
  }

  /** A request for Gemini, as bytes, with the data in the place of their tokens. */
  restore(json: string): Buffer {
    const pieces: Buffer[] = [];
    let from = 0;
    for (let at = json.indexOf(tokenPrefix); at !== -1; at = json.indexOf(tokenPrefix, from)) {
      const range = this.#ranges[Number(json.slice(at + tokenPrefix.length, at + tokenChars))];
      if (range === undefined) throw new Error('a token stands for data that were not taken out');
      pieces.push(Buffer.from(json.slice(from, at)), this.#body.subarray(range.start, range.end));
      from = at + tokenChars;
    }
    pieces.push(Buffer.from(json.slice(from)));
    return Buffer.concat(pieces);
  }
}

/** A text without the tokens that may be in it, which differ between threads. */
export function withoutTokens(text: string): string {
  return text.replaceAll(tokenPrefix, '');
}

/** Takes large data out of a body of UTF-8. */
export function liftData(bytes: Uint8Array): LiftedBody {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ranges = findData(body);
  let text = '';
  let from = 0;
  for (const [index, { start, end }] of ranges.entries()) {
    text += toText(body.subarray(from, start)) + tokenPrefix + String(index).padStart(indexDigits, '0');
    from = end;
  }
  text += toText(body.subarray(from));
  return { text, data: ranges.length > 0 ? new LiftedData(body, ranges) : null };
}

/** As text; most bodies are ASCII, which is several times cheaper to decode. */
export function toText(bytes: Buffer): string {
  return bytes.toString(isAscii(bytes) ? 'latin1' : 'utf8');
}

/** The middles of all large data. No string that is long enough lies between two places that are looked at. */
function findData(body: Buffer): Range[] {
  const ranges: Range[] = [];
  const step = liftedCharsMin / 2;
  for (let at = step; at < body.length; at += step) {
    const end = body.indexOf(quote, at);
    if (end === -1) break;
    const start = body.lastIndexOf(quote, at) + 1;
    const data = end - start >= liftedCharsMin ? dataOf(body, start, end) : null;
    if (data !== null) ranges.push({ start: data.start + headChars, end: data.end - tailChars });
    at = Math.max(at, end);
  }
  return ranges;
}

/** The base64 in the string between two quotes, if it is the value of a member for data. */
function dataOf(body: Buffer, start: number, end: number): Range | null {
  if (!dataMember.test(body.toString('latin1', Math.max(0, start - memberCharsMax), start))) return null;
  const head = dataUriHead.exec(body.toString('latin1', start, Math.min(end, start + dataUriHeadCharsMax)));
  const range = { start: start + (head === null ? 0 : head[0].length), end };
  return end - range.start >= liftedCharsMin && isBase64(body, range.start, end) ? range : null;
}
