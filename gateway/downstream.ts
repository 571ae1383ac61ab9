/**
 * One client's response: the head once, writes that notice backpressure, and exactly one end. After the client has left
 * every call does nothing, so that no caller needs to ask first.
 */
import type { HttpResponse } from 'uWebSockets.js';
import { limits } from '../shared/limits.ts';

export type Headers = readonly (readonly [name: string, value: string])[];

const statusTexts: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  204: 'No Content',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Payload Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

export interface DownstreamOptions {
  /** Headers that every answer on this connection gets, whatever its status. */
  headers: Headers;
  /** A HEAD request: the same head as for GET, no body. */
  isHead: boolean;
  /** Close the connection after the answer, since the framing of what follows can't be trusted. */
  closeAfter: boolean;
}

export class Downstream {
  readonly #res: HttpResponse;
  readonly #options: DownstreamOptions;
  #closeAfter: boolean;
  #isOver = false;
  /** The connection itself is gone, and the response must not be touched. */
  #isGone = false;
  #headSent = false;
  #watchesWritable = false;
  #onGone: (() => void) | null = null;
  #onUnblocked: (() => void) | null = null;

  constructor(res: HttpResponse, options: DownstreamOptions) {
    this.#res = res;
    this.#options = options;
    this.#closeAfter = options.closeAfter;
    res.onAborted(() => {
      this.#isGone = true;
      if (this.#isOver) return;
      this.#isOver = true;
      this.#onGone?.();
    });
  }

  /** True once the answer has ended or the client has left. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get headSent(): boolean {
    return this.#headSent;
  }

  /** The raw response, for reading the request's body. */
  get res(): HttpResponse {
    return this.#res;
  }

  /** Calls `onGone` if the client leaves before the answer has ended. */
  whenGone(onGone: () => void): void {
    this.#onGone = onGone;
  }

  /** Calls `onUnblocked` each time the socket has taken all that was waiting after a write returned false. */
  whenUnblocked(onUnblocked: () => void): void {
    this.#onUnblocked = onUnblocked;
  }

  /** Makes this answer the last one on its connection. */
  closeAfterwards(): void {
    this.#closeAfter = true;
  }

  /** A whole answer in one write. */
  reply(status: number, headers: Headers, body: string | Buffer): void {
    // An answer that closes its connection goes out in the next turn: as long as it is pending, uWebSockets.js drops the
    // connection rather than read what stands behind the request as another one.
    if (this.#closeAfter) setImmediate(() => this.#replyNow(status, headers, body));
    else this.#replyNow(status, headers, body);
  }

  /**
   * Writes a piece of a stream, with the head before the first. False means that the socket took only a part of it: the
   * caller should stop until `whenUnblocked` calls.
   */
  write(headers: Headers, text: string): boolean {
    if (this.#isOver) return true;
    let taken = true;
    this.#res.cork(() => {
      if (!this.#headSent) {
        this.#headSent = true;
        this.#writeHead(200, headers);
      }
      taken = this.#res.write(text);
    });
    if (!taken && !this.#watchesWritable) {
      this.#watchesWritable = true;
      this.#res.onWritable(() => {
        this.#onUnblocked?.();
        return true;
      });
    }
    return taken;
  }

  /** The last piece of a stream and its clean end. */
  end(headers: Headers, text: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#res.cork(() => {
      if (!this.#headSent) this.#writeHead(200, headers);
      this.#headSent = true;
      this.#res.end(text, this.#closeAfter);
    });
  }

  /**
   * The last piece of a stream that failed: it is written, then the connection is closed without the end of the chunked
   * body, so that no client can take it for a complete answer.
   */
  cut(text: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#res.cork(() => {
      this.#res.write(text);
    });
    // Not at once: inside the cork uWebSockets.js would drop what was written in it, and clients that meet the end of the
    // connection together with its last bytes drop those, the error among them.
    setTimeout(() => {
      if (!this.#isGone) this.#res.close();
    }, limits.cutGraceMs);
  }

  #replyNow(status: number, headers: Headers, body: string | Buffer): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#headSent = true;
    this.#res.cork(() => {
      this.#writeHead(status, headers);
      if (this.#options.isHead) this.#res.endWithoutBody(Buffer.byteLength(body), this.#closeAfter);
      else this.#res.end(body, this.#closeAfter);
    });
  }

  #writeHead(status: number, headers: Headers): void {
    this.#res.writeStatus(`${status} ${statusTexts[status] ?? ''}`);
    for (const [name, value] of this.#options.headers) this.#res.writeHeader(name, value);
    for (const [name, value] of headers) this.#res.writeHeader(name, value);
  }
}
