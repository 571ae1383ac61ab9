/**
 * Images, sounds and documents of a large request body, taken out of its bytes before it is parsed and put back into what
 * Gemini gets: megabytes of base64 are checked once and copied once, and are never text. In between a token stands for
 * them, of base64 itself, so that nothing on the way needs to know.
 */
import { isAscii } from 'node:buffer';
import { secretBytes } from '../../shared/ids.ts';
import { weightOf } from '../../shared/weighed-memory.ts';
import { isBase64 } from './base64.ts';

/** Shorter data stay where they are. */
const liftedCharsMin = 16_384;
/** What is left in place around the token: the type is told from the beginning, and the end may have padding. */
const headChars = 64;
const tailChars = 4;
/** Nothing that a client can write by chance or know. */
const tokenPrefix = secretBytes(15).toString('base64');
const indexDigits = 8;
const token = new RegExp(`${tokenPrefix.replace(/[+/]/g, '[$&]')}(\\d{${indexDigits}})`, 'g');
/** What of data tells them from others. */
const sampleChars = 64;

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
  /** The body's memory came from another thread. */
  readonly weight: unknown;

  constructor(body: Buffer, ranges: readonly Range[]) {
    this.#body = body;
    this.#ranges = ranges;
    this.weight = weightOf(body.length);
  }

  /** The body as it came. */
  get text(): string {
    return toText(this.#body);
  }

  /**
   * A request for Gemini, as bytes in pieces, with the data in the place of their tokens: they lie in the body's own
   * memory. What is left of a token that was cut with the text around it stays.
   */
  restore(json: string): Buffer[] {
    const pieces: Buffer[] = [];
    let from = 0;
    for (const { 0: whole, 1: index, index: at } of json.matchAll(token)) {
      const range = this.#ranges[Number(index)];
      if (range === undefined) continue;
      pieces.push(Buffer.from(json.slice(from, at)), this.#body.subarray(range.start, range.end));
      from = at + whole.length;
    }
    pieces.push(Buffer.from(json.slice(from)));
    return pieces;
  }

  #sampleOf({ start, end }: Range): string {
    return sampleOf(end - start, (from, to) => this.#body.toString('latin1', start + from, start + to));
  }

  /** A text with samples of the data in the place of their tokens, which differ between threads: see `sampled`. */
  sample(text: string): string {
    return text.replace(token, (whole, index: string) => {
      const range = this.#ranges[Number(index)];
      return range === undefined ? whole : this.#sampleOf(range);
    });
  }
}

/** Data that would be taken out of a body, with a sample in the place of the middle; shorter ones as they are. */
export function sampled(data: string): string {
  if (data.length < liftedCharsMin) return data;
  const read = (from: number, to: number): string => data.slice(headChars + from, headChars + to);
  return data.slice(0, headChars) + sampleOf(data.length - headChars - tailChars, read) + data.slice(-tailChars);
}

/** Files of one program begin and end alike. */
function sampleOf(length: number, read: (from: number, to: number) => string): string {
  const places = [0.3, 0.5, 0.7, 0.9].map((share) => Math.floor(length * share));
  return [length, ...places.map((at) => read(at, at + sampleChars))].join('.');
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
