/**
 * All requests in flight: worker messages find their exchange here, and one sweep a second sends pings, ends what is
 * over its time and releases answers whose row is late.
 */
import type { ErrorCode } from '../shared/error-catalogue.ts';
import { InFlight, InFlightIds } from '../shared/in-flight.ts';
import type { Job } from '../shared/messages.ts';
import type { Termination, UsageRow } from '../shared/rows.ts';
import type { JobMessage, WorkerSlot } from './dispatch.ts';
import type { Downstream } from './downstream.ts';
import { Exchange, type ExchangeParts } from './exchange.ts';
import type { Arrival } from './request-record.ts';

const sweepMs = 1_000;

interface RelayOptions {
  requestTimeoutMs: number;
  pingAfterMs: number;
  onRow: (row: UsageRow) => void;
}

export class Relay {
  readonly #parts: ExchangeParts;
  readonly #options: RelayOptions;
  readonly #exchanges = new InFlight<Exchange>();
  readonly #ids = new InFlightIds();
  readonly #sweeper: NodeJS.Timeout;
  #onIdle: (() => void) | null = null;
  #isEnded = false;

  constructor(parts: Omit<ExchangeParts, 'onOver'>, options: RelayOptions) {
    this.#options = options;
    this.#parts = { ...parts, onOver: (exchange, row) => this.#over(exchange, row) };
    this.#sweeper = setInterval(() => this.#sweep(), sweepMs);
  }

  get inFlight(): number {
    return this.#exchanges.size;
  }

  /** Streams among them; counted when asked. */
  get streams(): number {
    let count = 0;
    for (const { record } of this.#exchanges.all()) if (record.isStream) count++;
    return count;
  }

  /** Whether all were ended: nothing may begin any more. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Sends a request on its way; from here on its worker, its client and the clock decide. */
  begin(arrival: Arrival, job: Job, down: Downstream): void {
    const id = this.#ids.next();
    this.#exchanges.put(id, new Exchange(id, arrival, job, down, this.#parts));
  }

  receive(message: Exclude<JobMessage, { t: 'models' | 'models_failed' }>): void {
    this.#exchanges.get(message.id)?.receive(message);
  }

  threadLost(slot: WorkerSlot): void {
    for (const exchange of this.#exchanges.all()) if (exchange.slot === slot) exchange.threadLost();
  }

  /** Resolves when nothing is in flight, at once if nothing is. */
  idle(): Promise<void> {
    if (this.#exchanges.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  /** Ends every request that is still in flight, for good. */
  expireAll(code: ErrorCode, termination: Termination): void {
    this.#isEnded = true;
    for (const exchange of this.#exchanges.all()) exchange.expire(code, termination);
  }

  close(): void {
    clearInterval(this.#sweeper);
  }

  #sweep(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    for (const exchange of this.#exchanges.all()) {
      if (nowMs - exchange.record.arrivedMs > this.#options.requestTimeoutMs)
        exchange.expire('request_timeout', 'error');
      else exchange.checkSilence(nowMs, this.#options.pingAfterMs);
    }
    this.#parts.usage.releaseOverdue();
  }

  #over(exchange: Exchange, row: UsageRow): void {
    this.#exchanges.take(exchange.id);
    this.#ids.release(exchange.id);
    exchange.record.admission.settle(row);
    exchange.record.hold.release();
    this.#options.onRow(row);
    if (this.#exchanges.size === 0) this.#onIdle?.();
  }
}
