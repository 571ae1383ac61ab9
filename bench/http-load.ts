/**
 * A load generator on bare sockets: each connection sends the same request again as soon as its answer is whole. It
 * reads just enough HTTP to know where an answer ends and when its events came, so that it costs little beside what it
 * measures.
 */
import { connect, type Socket } from 'node:net';

export interface LoadOptions {
  port: number;
  /** A whole HTTP/1.1 request, as it goes over the wire. */
  request: string;
  connections: number;
  /** Answers to wait for in all; connections stop when that many were begun. */
  requests: number;
  /** Milliseconds between two connections at the start, so that slow streams do not march in step. */
  rampMs: number;
}

export interface LoadResult {
  completed: number;
  /** Answers with another status than 200, and connections that broke. */
  failed: number;
  events: number;
  seconds: number;
  latenciesMs: Float64Array;
  /** From the request to the first event of a stream. */
  firstEventMs: Float64Array;
}

const endOfHead = Buffer.from('\r\n\r\n');
const endOfChunks = Buffer.from('0\r\n\r\n');
const eventStart = Buffer.from('data:');

/** Runs the load to its end. */
export function runLoad(options: LoadOptions): Promise<LoadResult> {
  return new Promise((resolve) => {
    const startedMs = performance.now();
    const tally = new Tally(options.requests, () => resolve(tally.result((performance.now() - startedMs) / 1000)));
    for (let index = 0; index < options.connections; index++) {
      setTimeout(() => new LoadConnection(options, tally), index * options.rampMs);
    }
  });
}

class Tally {
  readonly #requests: number;
  readonly #onDone: () => void;
  readonly #latencies: number[] = [];
  readonly #firstEvents: number[] = [];
  #begun = 0;
  #completed = 0;
  #failed = 0;
  events = 0;

  constructor(requests: number, onDone: () => void) {
    this.#requests = requests;
    this.#onDone = onDone;
  }

  /** Whether another request may begin; counts it if so. */
  begin(): boolean {
    if (this.#begun >= this.#requests) return false;
    this.#begun++;
    return true;
  }

  end(ok: boolean, latencyMs: number, firstEventMs: number): void {
    if (ok) {
      this.#completed++;
      this.#latencies.push(latencyMs);
      this.#firstEvents.push(firstEventMs);
    } else this.#failed++;
    if (this.#completed + this.#failed === this.#requests) this.#onDone();
  }

  result(seconds: number): LoadResult {
    return {
      completed: this.#completed,
      failed: this.#failed,
      events: this.events,
      seconds,
      latenciesMs: Float64Array.from(this.#latencies).sort(),
      firstEventMs: Float64Array.from(this.#firstEvents).sort(),
    };
  }
}

class LoadConnection {
  readonly #socket: Socket;
  readonly #request: string;
  readonly #tally: Tally;
  #isBusy = false;
  #sentMs = 0;
  #firstEventMs = 0;
  #ok = false;
  /** Bytes of the body still to come; -1 while the head is read, -2 for a chunked body. */
  #remaining = -1;
  #head: Buffer = Buffer.alloc(0);
  #lastBytes: Buffer = Buffer.alloc(0);

  constructor({ port, request }: LoadOptions, tally: Tally) {
    this.#request = request;
    this.#tally = tally;
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true });
    this.#socket.on('connect', () => this.#next());
    this.#socket.on('data', (chunk) => this.#read(chunk));
    this.#socket.on('error', () => this.#broken());
    this.#socket.on('close', () => this.#broken());
  }

  #next(): void {
    if (!this.#tally.begin()) {
      this.#socket.destroy();
      return;
    }
    this.#isBusy = true;
    this.#remaining = -1;
    this.#head = Buffer.alloc(0);
    this.#firstEventMs = 0;
    this.#sentMs = performance.now();
    this.#socket.write(this.#request);
  }

  #broken(): void {
    if (!this.#isBusy) return;
    this.#isBusy = false;
    this.#tally.end(false, 0, 0);
    // The requests that this connection would have made are still owed.
    while (this.#tally.begin()) this.#tally.end(false, 0, 0);
  }

  #read(chunk: Buffer): void {
    let body: Buffer = chunk;
    if (this.#remaining === -1) {
      this.#head = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
      const end = this.#head.indexOf(endOfHead);
      if (end < 0) return;
      const head = this.#head.toString('latin1', 0, end).toLowerCase();
      this.#ok = head.startsWith('http/1.1 200');
      const length = /content-length: *(\d+)/.exec(head)?.[1];
      this.#remaining = length === undefined ? -2 : Number(length);
      body = this.#head.subarray(end + endOfHead.length);
      this.#lastBytes = Buffer.alloc(0);
    }
    if (this.#remaining === -2) this.#readChunked(body);
    else {
      this.#remaining -= body.length;
      if (this.#remaining <= 0) this.#end();
    }
  }

  #readChunked(body: Buffer): void {
    for (let at = body.indexOf(eventStart); at >= 0; at = body.indexOf(eventStart, at + eventStart.length)) {
      if (this.#firstEventMs === 0) this.#firstEventMs = performance.now() - this.#sentMs;
      this.#tally.events++;
    }
    const tail =
      body.length >= endOfChunks.length
        ? body.subarray(-endOfChunks.length)
        : Buffer.concat([this.#lastBytes, body]).subarray(-endOfChunks.length);
    this.#lastBytes = tail;
    if (tail.equals(endOfChunks)) this.#end();
  }

  #end(): void {
    this.#isBusy = false;
    this.#tally.end(this.#ok, performance.now() - this.#sentMs, this.#firstEventMs);
    this.#next();
  }
}

/** The value below which the share `q` of a sorted array lies; 0 for an empty one. */
export function quantile(sorted: Float64Array, q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
}
