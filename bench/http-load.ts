/**
 * A load generator on bare sockets. Closed: each connection sends the same request again as soon as its answer is whole.
 * Open: requests begin at a steady pace, whether or not those before them were answered. All sockets read into one
 * buffer, so that thousands of them cost little memory and no garbage.
 */
import { connect, type Socket } from 'node:net';
import { AnswerReader } from './answer-reader.ts';
import { Samples } from './samples.ts';

export interface LoadOptions {
  port: number;
  /** A whole HTTP/1.1 request, as it goes over the wire. */
  request: Buffer;
  /** Answers to wait for in all. */
  requests: number;
  /** Closed load: connections, opened one after another within `rampMs`, so that slow streams do not march in step. */
  connections: number;
  rampMs: number;
  /** Open load: requests begun a second; a request that finds no idle connection opens one. */
  perSecond?: number;
}

/** Times in milliseconds, sorted. */
export interface LoadResult {
  completed: number;
  /** Answers with another status than 200, and connections that broke. */
  failed: number;
  events: number;
  seconds: number;
  latencies: Float64Array;
  /** From the request to the first event of a stream. */
  firstEvents: Float64Array;
  /** Between two events of one stream; those that came in one piece are 0 apart. */
  gaps: Float64Array;
}

const readBuffer = Buffer.allocUnsafeSlow(1024 * 1024);
const paceMs = 1;
const noPort = 'EADDRNOTAVAIL';

/** Runs the load to its end. Rejects when this machine has no port left to connect from. */
export function runLoad(options: LoadOptions): Promise<LoadResult> {
  return new Promise((resolve, reject) => new Load(options, resolve, reject).start());
}

class Load {
  readonly options: LoadOptions;
  readonly #resolve: (result: LoadResult) => void;
  readonly reject: (error: Error) => void;
  readonly #startedMs = performance.now();
  readonly #idle: LoadConnection[] = [];
  readonly #open = new Set<LoadConnection>();
  readonly latencies = new Samples();
  readonly firstEvents = new Samples();
  readonly gaps = new Samples();
  events = 0;
  #begun = 0;
  #completed = 0;
  #failed = 0;

  constructor(options: LoadOptions, resolve: (result: LoadResult) => void, reject: (error: Error) => void) {
    this.options = options;
    this.#resolve = resolve;
    this.reject = reject;
  }

  start(): void {
    const { perSecond, requests, connections, rampMs } = this.options;
    if (perSecond !== undefined) this.#pace(requests, (requests * 1000) / perSecond, () => this.#beginOpen());
    else this.#pace(Math.min(connections, requests), rampMs, () => this.#connect());
  }

  /** Calls `step` so many times, evenly within `overMs`. */
  #pace(times: number, overMs: number, step: () => void): void {
    let done = 0;
    const tick = (): void => {
      const share = overMs === 0 ? 1 : (performance.now() - this.#startedMs) / overMs;
      for (const due = Math.min(times, Math.ceil(times * share)); done < due; done++) step();
      if (done < times) setTimeout(tick, paceMs);
    };
    tick();
  }

  #connect(): void {
    this.#open.add(new LoadConnection(this));
  }

  #beginOpen(): void {
    const idle = this.#idle.pop();
    if (idle === undefined) this.#connect();
    else this.next(idle);
  }

  /** The connection can take a request. */
  next(connection: LoadConnection): void {
    if (this.#begun >= this.options.requests) return;
    this.#begun++;
    connection.send();
  }

  answered(connection: LoadConnection, status: number): void {
    if (status === 200) this.#completed++;
    else this.#failed++;
    if (this.options.perSecond === undefined) this.next(connection);
    else this.#idle.push(connection);
    this.#endIfDone();
  }

  /** A connection is gone: what it was doing failed, and another takes its place. */
  broken(connection: LoadConnection, wasBusy: boolean): void {
    this.#open.delete(connection);
    const idleAt = this.#idle.indexOf(connection);
    if (idleAt >= 0) this.#idle.splice(idleAt, 1);
    if (wasBusy) this.#failed++;
    else if (!connection.wasOpen && this.#begun < this.options.requests) {
      this.#begun++;
      this.#failed++;
    }
    if (this.options.perSecond === undefined && this.#begun < this.options.requests)
      setImmediate(() => this.#connect());
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (this.#completed + this.#failed < this.options.requests) return;
    const seconds = (performance.now() - this.#startedMs) / 1000;
    for (const connection of this.#open) connection.close();
    this.#resolve({
      completed: this.#completed,
      failed: this.#failed,
      events: this.events,
      seconds,
      latencies: this.latencies.sorted(),
      firstEvents: this.firstEvents.sorted(),
      gaps: this.gaps.sorted(),
    });
  }
}

class LoadConnection {
  readonly #load: Load;
  readonly #socket: Socket;
  readonly #reader = new AnswerReader();
  #isBusy = false;
  #isClosed = false;
  wasOpen = false;
  #sentMs = 0;
  /** 0 before the first event of an answer. */
  #lastEventMs = 0;

  constructor(load: Load) {
    this.#load = load;
    const onread = { buffer: readBuffer, callback: (length: number) => this.#read(length) };
    this.#socket = connect({ host: '127.0.0.1', port: load.options.port, noDelay: true, onread });
    this.#socket.on('connect', () => {
      this.wasOpen = true;
      load.next(this);
    });
    this.#socket.on('error', (error) => {
      if ('code' in error && error.code === noPort) load.reject(error);
    });
    this.#socket.on('close', () => {
      if (this.#isClosed) return;
      this.#isClosed = true;
      load.broken(this, this.#isBusy);
    });
  }

  send(): void {
    this.#isBusy = true;
    this.#lastEventMs = 0;
    this.#reader.begin();
    this.#sentMs = performance.now();
    this.#socket.write(this.#load.options.request);
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.destroy();
  }

  #read(length: number): boolean {
    if (!this.#isBusy) return true;
    let isWhole: boolean;
    try {
      isWhole = this.#reader.read(readBuffer.subarray(0, length));
    } catch {
      this.#socket.destroy();
      return false;
    }
    const { events, status } = this.#reader;
    if (events > 0 || isWhole) this.#note(events, isWhole && status === 200);
    if (isWhole) {
      this.#isBusy = false;
      this.#load.answered(this, status);
    }
    return true;
  }

  #note(events: number, isComplete: boolean): void {
    const nowMs = performance.now();
    if (events > 0) {
      this.#load.events += events;
      if (this.#lastEventMs === 0) this.#load.firstEvents.add(nowMs - this.#sentMs);
      else this.#load.gaps.add(nowMs - this.#lastEventMs);
      for (let more = 1; more < events; more++) this.#load.gaps.add(0);
      this.#lastEventMs = nowMs;
    }
    if (isComplete) this.#load.latencies.add(nowMs - this.#sentMs);
  }
}
