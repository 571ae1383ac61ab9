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
  304: 'Not Modified',
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
  /** Answers that have ended and wait for their client to take the rest: a stop waits for them. */
  unsent: Unsent;
}

export interface Unsent {
  count: number;
}

/** Above this a whole answer is given to the socket bit by bit, so that it is known when the client has it. */
const largeBytesMin = 65_536;

export class Downstream {
  readonly #res: HttpResponse;
  readonly #options: DownstreamOptions;
  #moreHeaders: Headers = [];
  #closeAfter: boolean;
  #isOver = false;
  /** The connection itself is gone, and the response must not be touched. */
  #isGone = false;
  #headSent = false;
  #watchesWritable = false;
  /** The socket has not taken all that it was given. */
  #isBlocked = false;
  /** The end of a stream whose client has not taken the rest yet. */
  #heldEnd: (() => void) | null = null;
  #isUnsent = false;
  #onGone: (() => void) | null = null;
  #onUnblocked: (() => void) | null = null;

  constructor(res: HttpResponse, options: DownstreamOptions) {
    this.#res = res;
    this.#options = options;
    this.#closeAfter = options.closeAfter;
    res.onAborted(() => {
      this.#isGone = true;
      this.#sent();
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

  /** Headers that the answer gets besides, whatever becomes of it; for as long as its head was not sent. */
  addHeaders(headers: Headers): void {
    this.#moreHeaders = headers;
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
   * caller should stop until `whenUnblocked` calls. HEAD gets the head, and counts as gone.
   */
  write(headers: Headers, text: string): boolean {
    if (this.#isOver) return true;
    if (this.#options.isHead) {
      // Nobody waits for what would follow.
      this.end(headers, '');
      this.#onGone?.();
      return true;
    }
    let taken = true;
    this.#res.cork(() => {
      if (!this.#headSent) {
        this.#headSent = true;
        this.#writeHead(200, headers);
      }
      taken = this.#res.write(text);
    });
    if (taken) return true;
    this.#isBlocked = true;
    if (!this.#watchesWritable) {
      this.#watchesWritable = true;
      this.#res.onWritable(() => this.#unblocked());
    }
    return false;
  }

  /** The last piece of a stream and its clean end. */
  end(headers: Headers, text: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const end = (): void => {
      this.#res.cork(() => {
        if (!this.#headSent) this.#writeHead(200, headers);
        this.#headSent = true;
        if (this.#options.isHead) this.#endWithoutLength();
        else this.#res.end(text, this.#closeAfter);
      });
    };
    if (this.#isBlocked) {
      this.#heldEnd = end;
      this.#notSent();
    } else end();
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
      // Its length would be that of the page that the browser has.
      if (status === 304) this.#endWithoutLength();
      else if (this.#options.isHead) this.#res.endWithoutBody(Buffer.byteLength(body), this.#closeAfter);
      // Where the connection is closed afterwards, uWebSockets.js does so once the client has all.
      else if (this.#closeAfter || body.length < largeBytesMin) this.#res.end(body, this.#closeAfter);
      else this.#endBitByBit(typeof body === 'string' ? Buffer.from(body) : body);
    });
  }

  /** Ends an answer that has no body, whose length nobody knows. */
  #endWithoutLength(): void {
    // Of a length that is not given uWebSockets.js makes 2^63, unless the argument is left out.
    if (this.#closeAfter) this.#res.endWithoutBody(0, true);
    else this.#res.endWithoutBody();
  }

  #endBitByBit(body: Buffer): void {
    if (this.#res.tryEnd(body, body.length)[1]) return;
    this.#notSent();
    this.#res.onWritable((offset) => {
      const [taken, isDone] = this.#res.tryEnd(body.subarray(offset), body.length);
      if (isDone) this.#sent();
      return taken;
    });
  }

  #unblocked(): boolean {
    this.#isBlocked = false;
    const end = this.#heldEnd;
    if (end === null) this.#onUnblocked?.();
    else {
      this.#heldEnd = null;
      this.#sent();
      end();
    }
    return true;
  }

  #notSent(): void {
    this.#isUnsent = true;
    this.#options.unsent.count++;
  }

  #sent(): void {
    if (!this.#isUnsent) return;
    this.#isUnsent = false;
    this.#options.unsent.count--;
  }

  #writeHead(status: number, headers: Headers): void {
    this.#res.writeStatus(`${status} ${statusTexts[status] ?? ''}`);
    for (const [name, value] of this.#options.headers) this.#res.writeHeader(name, value);
    for (const [name, value] of this.#moreHeaders) this.#res.writeHeader(name, value);
    for (const [name, value] of headers) this.#res.writeHeader(name, value);
  }
}
