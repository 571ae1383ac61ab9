/**
 * The body of an answer as events. Google frames a stream as server-sent events; what else was seen in its place is
 * recognised: errors inside a stream, framed or not, and the JSON list that is sent when `alt=sse` got lost.
 */
import { StringDecoder } from 'node:string_decoder';
import { createParser, type EventSourceParser } from 'eventsource-parser';
import { GatewayError } from '../shared/errors.ts';
import { type GeminiResponse, isRecord, type JsonRecord, listOf } from '../shared/gemini-wire.ts';
import { limits } from '../shared/limits.ts';
import { readPlainDelta } from './translation/plain-delta.ts';
import { UpstreamFault } from './translation/upstream-error.ts';

/** Bytes in, responses out. Throws an UpstreamFault or a GatewayError, after which it is not to be fed again. */
export class GeminiEventReader {
  readonly #onEvent: (response: GeminiResponse) => void;
  readonly #parser: EventSourceParser;
  // Splits of characters are its business; it takes large chunks at seven times the speed of TextDecoder.
  readonly #decoder = new StringDecoder('utf8');
  /** Lines that are no events: an error or a list that came without framing. */
  #unframed: string[] = [];
  #unframedChars = 0;
  #isFirst = true;
  #isEnding = false;

  constructor(onEvent: (response: GeminiResponse) => void) {
    this.#onEvent = onEvent;
    this.#parser = createParser({
      maxBufferSize: limits.sseEventBytesMax,
      onEvent: ({ data }) => this.#readEvent(data),
      onError: ({ type, line }) => {
        if (type === 'max-buffer-size-exceeded') throw tooLarge();
        if (line !== undefined) this.#keepUnframed(line);
      },
    });
  }

  feed(chunk: Uint8Array): void {
    let text = this.#decoder.write(chunk);
    if (this.#isFirst && text !== '') {
      this.#isFirst = false;
      if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    }
    this.#parser.feed(text);
  }

  /** After the last byte: reads what was not closed by an empty line, and what was never framed. */
  end(): void {
    this.#isEnding = true;
    this.#parser.feed(`${this.#decoder.end()}\n\n`);
    if (this.#unframed.length > 0) this.#readUnframed(this.#unframed.join('\n'));
  }

  #readEvent(data: string): void {
    if (data === '' || data === '[DONE]') return;
    const delta = readPlainDelta(data);
    if (delta !== null) {
      this.#onEvent(delta);
      return;
    }
    let value: unknown;
    try {
      value = JSON.parse(data);
    } catch (error) {
      // The last event of a connection that broke within it.
      throw new GatewayError(this.#isEnding ? 'upstream_cut' : 'upstream_protocol', {}, error);
    }
    for (const response of toResponses(value, data)) this.#onEvent(response);
  }

  #keepUnframed(line: string): void {
    this.#unframed.push(line);
    this.#unframedChars += line.length;
    if (this.#unframedChars > limits.sseEventBytesMax) throw tooLarge();
  }

  #readUnframed(text: string): void {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw new GatewayError(text.trimStart().startsWith('<') ? 'upstream_protocol' : 'upstream_cut', {}, error);
    }
    for (const response of toResponses(value, text)) this.#onEvent(response);
  }
}

/** A whole answer. Throws an UpstreamFault for an error, a GatewayError for what is no answer. */
export function parseGeminiResponse(text: string, contentType: string): GeminiResponse {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const isCut = contentType.includes('json') && text.trimStart().startsWith('{');
    throw new GatewayError(isCut ? 'upstream_cut' : 'upstream_protocol', {}, error);
  }
  const responses = toResponses(value, text);
  const [first] = responses;
  if (first === undefined) throw new GatewayError('upstream_protocol');
  return responses.length === 1 ? first : join(responses);
}

/** The responses in a JSON value: one, or a list of them. */
function toResponses(value: unknown, text: string): JsonRecord[] {
  const responses: JsonRecord[] = [];
  for (const entry of Array.isArray(value) ? value : [value]) {
    if (!isRecord(entry)) throw new GatewayError('upstream_protocol');
    if (entry['error'] !== undefined) throw new UpstreamFault(statusOf(entry['error']), text);
    responses.push(entry);
  }
  return responses;
}

/** Deltas as one answer: parts in a row, of everything else the last that was said. */
function join(responses: readonly JsonRecord[]): GeminiResponse {
  const parts: unknown[] = [];
  const said = new Map<string, unknown>();
  const keep = (source: JsonRecord, ...names: string[]): void => {
    for (const name of names) if (source[name] !== undefined) said.set(name, source[name]);
  };
  let hasCandidate = false;
  for (const response of responses) {
    keep(response, 'promptFeedback', 'usageMetadata', 'modelVersion');
    const [candidate] = listOf(response['candidates']);
    if (!isRecord(candidate)) continue;
    hasCandidate = true;
    keep(candidate, 'finishReason', 'groundingMetadata');
    if (isRecord(candidate['content'])) for (const part of listOf(candidate['content']['parts'])) parts.push(part);
  }
  const candidate = {
    content: { parts },
    finishReason: said.get('finishReason'),
    groundingMetadata: said.get('groundingMetadata'),
  };
  return {
    candidates: hasCandidate ? [candidate] : [],
    promptFeedback: said.get('promptFeedback'),
    usageMetadata: said.get('usageMetadata'),
    modelVersion: said.get('modelVersion'),
  };
}

/** HTTP status of an error that came without one, by its code or its name. */
function statusOf(error: unknown): number {
  if (!isRecord(error)) return 500;
  const { code, status } = error;
  if (typeof code === 'number' && code >= 400 && code <= 599) return code;
  return (typeof status === 'string' ? statusByName.get(status) : undefined) ?? 500;
}

const statusByName: ReadonlyMap<string, number> = new Map([
  ['CANCELLED', 499],
  ['INVALID_ARGUMENT', 400],
  ['FAILED_PRECONDITION', 400],
  ['OUT_OF_RANGE', 400],
  ['UNAUTHENTICATED', 401],
  ['PERMISSION_DENIED', 403],
  ['NOT_FOUND', 404],
  ['ABORTED', 409],
  ['ALREADY_EXISTS', 409],
  ['RESOURCE_EXHAUSTED', 429],
  ['UNIMPLEMENTED', 501],
  ['UNAVAILABLE', 503],
  ['DEADLINE_EXCEEDED', 504],
]);

function tooLarge(): GatewayError {
  return new GatewayError('upstream_protocol', { message: 'An event of Gemini is larger than this gateway accepts.' });
}
