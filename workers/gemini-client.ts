/**
 * HTTP to Gemini: one undici pool a worker, every option named. Nothing is inflated, no redirect is followed, sizes and
 * times are bounded. The key travels in a header, never in a URL.
 */
import { Readable } from 'node:stream';
import { type Dispatcher, Pool } from 'undici';
import { limits } from '../shared/limits.ts';
import type { WorkerOptions } from '../shared/worker-options.ts';

const apiVersion = 'v1beta';
/** An idle connection is given up before Google's front ends would close it under a request. */
const keepAliveMs = 60_000;

/** What a caller hears of its call: the head, pieces of the body, and one end. */
export interface UpstreamListener {
  onHead(status: number, contentType: string): void;
  onData(chunk: Buffer): void;
  onEnd(): void;
  /** The call failed below HTTP, or was cut. Not called after `abort`. */
  onFault(error: unknown): void;
}

export interface UpstreamRequest {
  method: 'GET' | 'POST';
  /** From the API version on, percent-encoded, as `/models/gemini-x:generateContent`. */
  path: string;
  key: string;
  /** Bytes may come in pieces, so that large ones are sent from where they lie. */
  body: string | readonly Buffer[] | null;
}

export class GeminiClient {
  readonly #pool: Pool;
  readonly #pathPrefix: string;

  constructor({ geminiBaseUrl, connectTimeoutMs, firstByteTimeoutMs, idleTimeoutMs }: WorkerOptions) {
    const url = new URL(geminiBaseUrl);
    this.#pathPrefix = `${url.pathname.replace(/\/$/, '')}/${apiVersion}`;
    this.#pool = new Pool(url.origin, {
      // As many as there are calls: every stream holds one. Their number is bounded by the requests in flight.
      connections: null,
      pipelining: 1,
      connect: { timeout: connectTimeoutMs },
      headersTimeout: firstByteTimeoutMs,
      bodyTimeout: idleTimeoutMs,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      maxHeaderSize: limits.upstreamHeadersBytesMax,
      // A stream may be longer; what is kept of one is bounded where it is read.
      maxResponseSize: -1,
      allowH2: false,
    });
  }

  /** Starts a call. Its listener hears nothing before this returns. */
  call(request: UpstreamRequest, listener: UpstreamListener): UpstreamCall {
    const call = new UpstreamCall(listener);
    const headers: Record<string, string> = { 'x-goog-api-key': request.key, 'accept-encoding': 'identity' };
    const { body } = request;
    if (body !== null) headers['content-type'] = 'application/json';
    // Of a stream undici does not know the length, and would send chunks.
    if (isPieces(body)) headers['content-length'] = String(lengthOf(body));
    this.#pool.dispatch(
      {
        method: request.method,
        path: this.#pathPrefix + request.path,
        headers,
        body: isPieces(body) ? Readable.from(body, { objectMode: false }) : body,
        // Calls that failed before anything was sent are tried again by the job, on another key.
        idempotent: false,
      },
      call,
    );
    return call;
  }

  /** Ends all connections at once. */
  close(): Promise<void> {
    return this.#pool.destroy();
  }
}

function isPieces(body: UpstreamRequest['body']): body is readonly Buffer[] {
  return typeof body === 'object' && body !== null;
}

function lengthOf(pieces: readonly Buffer[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

/** One call, as undici drives it and as its owner stops it. */
export class UpstreamCall implements Dispatcher.DispatchHandler {
  readonly #listener: UpstreamListener;
  #controller: Dispatcher.DispatchController | null = null;
  #isAborted = false;
  #isPaused = false;

  constructor(listener: UpstreamListener) {
    this.#listener = listener;
  }

  /** Drops the call; its listener hears nothing more. */
  abort(): void {
    this.#isAborted = true;
    this.#controller?.abort(new Error('aborted by the gateway'));
  }

  /** Stops reading, so that the sender feels the backpressure. */
  pause(): void {
    this.#isPaused = true;
    this.#controller?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#controller?.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isAborted) controller.abort(new Error('aborted by the gateway'));
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    // Informational answers are no answers.
    if (status < 200 || this.#isAborted) return;
    const contentType = headers['content-type'];
    this.#listener.onHead(status, typeof contentType === 'string' ? contentType : '');
    if (this.#isPaused) controller.pause();
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#isAborted) this.#listener.onData(chunk);
  }

  onResponseEnd(): void {
    if (!this.#isAborted) this.#listener.onEnd();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (!this.#isAborted) this.#listener.onFault(error);
  }
}
