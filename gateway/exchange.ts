/**
 * One request in flight: its phase, its lease, and how the effects of `lifecycle.ts` are carried out. It is the only
 * thing that speaks both to the client's response and to the worker.
 */
import type { Clock } from '../shared/clock.ts';
import type { ErrorCode } from '../shared/error-catalogue.ts';
import { errorBody, errorSpec, type PlainError } from '../shared/errors.ts';
import { answered } from '../shared/key-outcome.ts';
import type { FromWorker, Job, LeaseWish, ToWorker } from '../shared/messages.ts';
import type { Termination, UsageRow } from '../shared/rows.ts';
import type { Dispatch, JobMessage, WorkerSlot } from './dispatch.ts';
import type { Downstream, Headers } from './downstream.ts';
import { type Effect, type LifeEvent, lifecycle, type Phase } from './lifecycle.ts';
import type { Prices } from './prices.ts';
import { replyError } from './reply.ts';
import { type LeaseParts, noLeaseError, RequestLeases } from './request-leases.ts';
import { type Arrival, RequestRecord } from './request-record.ts';
import type { UsageQueue } from './usage-queue.ts';

/** A job that took its thread down with it gets one more chance: twice in a row it is the job. */
const runsMax = 2;
/** Status of a request whose client left before it got one; nginx's number for it. */
const clientClosedRequest = 499;

const ping = ': ping\n\n';

export interface ExchangeParts {
  readonly clock: Clock;
  readonly leases: LeaseParts;
  readonly dispatch: Dispatch;
  readonly usage: UsageQueue;
  readonly prices: Prices;
  /** The exchange is over, with its row; called once. */
  readonly onOver: (exchange: Exchange, row: UsageRow) => void;
}

export class Exchange {
  readonly id: number;
  readonly record: RequestRecord;
  readonly #job: Job;
  readonly #parts: ExchangeParts;
  readonly #down: Downstream;
  #phase: Phase = 'leasing';
  #slot: WorkerSlot | null = null;
  #runs = 0;
  readonly #leases: RequestLeases;
  /** The last wish for a lease. */
  #wish: LeaseWish | null = null;
  #lastSentMs: number;
  #content = '';
  #tail = '';
  #error: PlainError = { code: 'internal_error' };
  #row: UsageRow | null = null;

  constructor(id: number, arrival: Arrival, job: Job, down: Downstream, parts: ExchangeParts) {
    this.id = id;
    this.record = new RequestRecord(parts, arrival);
    this.#job = job;
    this.#parts = parts;
    this.#down = down;
    this.#lastSentMs = arrival.arrivedMs;
    this.#leases = new RequestLeases(parts.leases, this.record, arrival.clientKeyId, {
      onLease: (call, leaseId, key) => {
        this.#post({ t: 'lease', id: this.id, call, leaseId, key });
        this.#on('leased');
      },
      onNoLease: (call, error) => this.#post({ t: 'no_lease', id: this.id, call, error }),
    });
    down.whenGone(() => this.#clientGone());
    down.whenUnblocked(() => this.#on('unblocked'));
    this.#run();
  }

  /** The worker that has this request; null once it has said its last word or is gone. */
  get slot(): WorkerSlot | null {
    return this.#slot;
  }

  /** A message of the worker about this request. */
  receive(message: Exclude<JobMessage, { t: 'models' | 'models_failed' }>): void {
    const { record } = this;
    switch (message.t) {
      case 'want_lease':
        this.#want(message);
        return;
      case 'outcome':
        this.#leases.giveBack(message.leaseId, message.outcome);
        this.#on('attempt_failed');
        return;
      case 'call_again':
        this.#leases.callAgain(message.leaseId, message.promptTokens, message.cost);
        return;
      case 'frames':
        record.contentCame();
        this.#content = message.text;
        this.#on('content');
        return;
      case 'done':
        this.#leases.giveBack(message.leaseId, answered(message.promptTokens));
        record.contentCame();
        record.usage = message.usage;
        record.finishReason = message.finishReason;
        record.modelServed = message.modelServed;
        if (this.#phase !== 'cancelled') record.status = 200;
        this.#tail = message.tail;
        this.#on('answered');
        return;
      case 'failed':
        record.usage = message.usage;
        this.#fail(this.#asThePoolSeesIt(message.error));
        return;
      case 'cancelled':
        record.usage = message.usage;
        this.#on('worker_quiet');
        return;
      default:
        message satisfies never;
    }
  }

  /** Ends the request before its worker does: its time is over, or the gateway's. */
  expire(code: ErrorCode, termination: Termination): void {
    if (this.#phase === 'settling' || this.#phase === 'cancelled') return;
    this.#note({ code }, termination === 'error' && this.#down.headSent ? 'cut' : termination);
    this.#on('deadline');
  }

  /** The worker that had this request is gone. */
  threadLost(): void {
    this.#slot = null;
    this.#leases.end('worker_lost');
    const mayRunAgain = lifecycle[this.#phase].thread_lost?.effects.includes('run_again') ?? false;
    if (mayRunAgain && this.#runs < runsMax) this.#on('thread_lost');
    else this.#fail({ code: 'worker_lost' });
  }

  /** Sends a ping when the stream has been silent for `pingAfterMs`. */
  checkSilence(nowMs: number, pingAfterMs: number): void {
    if (this.record.isStream && nowMs - this.#lastSentMs >= pingAfterMs) this.#on('silence');
  }

  #on(event: LifeEvent): void {
    const transition = lifecycle[this.#phase][event];
    if (transition === undefined) return;
    if (isEnding(transition.to)) this.record.endedIn(this.#phase);
    this.#phase = transition.to;
    if (transition.to === 'cancelled') this.#leases.leaveLine();
    for (const effect of transition.effects) this.#perform(effect);
    if (transition.to === 'over') this.#finish();
  }

  #perform(effect: Effect): void {
    switch (effect) {
      case 'send_content':
        this.#sendContent();
        return;
      case 'send_ping':
        this.#lastSentMs = this.#parts.clock.monotonicMs();
        this.#down.write(this.#streamHeaders(), ping);
        return;
      case 'pause_worker':
        this.#post({ t: 'pause', id: this.id });
        return;
      case 'resume_worker':
        this.#post({ t: 'resume', id: this.id });
        return;
      case 'cancel_worker':
        this.#post({ t: 'cancel', id: this.id });
        return;
      case 'run_again':
        this.#run();
        return;
      case 'send_error':
        replyError(this.#down, this.#error, this.record.requestId);
        return;
      case 'cut':
        this.#down.cut(`data: ${errorBody(this.#error)}\n\n`);
        return;
      case 'record':
        this.#handOverRow();
        return;
      case 'release':
        if (this.record.isStream) this.#down.end(this.#streamHeaders(), this.#tail);
        else this.#down.reply(200, this.#answerHeaders('application/json'), this.#tail);
        return;
      default:
        effect satisfies never;
    }
  }

  #run(): void {
    this.#runs++;
    const slot = this.#parts.dispatch.leastLoaded();
    slot.inFlight++;
    this.#slot = slot;
    this.#parts.dispatch.post(slot, { t: 'job', id: this.id, job: this.#job });
  }

  #want({ call, wish, retry }: Extract<FromWorker, { t: 'want_lease' }>): void {
    if (this.#slot === null || this.#phase === 'settling' || this.#phase === 'cancelled') return;
    this.record.wanted(wish);
    this.#wish = wish;
    const refusal = this.record.admission.refuseModel(wish.modelAsked, wish.model);
    if (refusal !== null) this.#post({ t: 'no_lease', id: this.id, call, error: refusal });
    else this.#leases.want(call, wish, retry);
  }

  #clientGone(): void {
    if (this.#phase !== 'settling') {
      this.record.termination = 'client_gone';
      this.record.status = this.#down.headSent ? 200 : clientClosedRequest;
    }
    this.#on('client_gone');
  }

  #fail(error: PlainError): void {
    if (this.#phase !== 'cancelled') this.#note(error, this.#down.headSent ? 'cut' : 'error');
    this.#on('failed');
  }

  /** A worker knows what the last key met; when the first of all keys is back only the pool knows. */
  #asThePoolSeesIt(error: PlainError): PlainError {
    if (this.#wish === null || (error.code !== 'keys_resting' && error.code !== 'no_available_keys')) return error;
    return noLeaseError(this.#parts.leases.pool.soonestReturn(this.#wish.model, this.#wish.cost));
  }

  #note(error: PlainError, termination: Termination): void {
    this.#error = error;
    this.record.failed(error, this.#down.headSent ? 200 : errorSpec(error.code).status, termination);
  }

  #sendContent(): void {
    this.#lastSentMs = this.#parts.clock.monotonicMs();
    const taken = this.#down.write(this.#streamHeaders(), this.#content);
    this.#content = '';
    if (!taken) this.#on('blocked');
  }

  #post(message: ToWorker): void {
    if (this.#slot !== null) this.#parts.dispatch.post(this.#slot, message);
  }

  #handOverRow(): void {
    // With several calls, one may have been given a lease after another had ended the request.
    this.#leases.end('unused');
    this.#row = this.record.toRow();
    const waits = this.#phase === 'settling';
    this.#parts.usage.add(this.#row, waits ? () => this.#on('committed') : null);
  }

  #finish(): void {
    if (this.#slot !== null) this.#slot.inFlight--;
    this.#slot = null;
    if (this.#row !== null) this.#parts.onOver(this, this.#row);
  }

  #streamHeaders(): Headers {
    if (this.#down.headSent) return [];
    return [
      ...this.#answerHeaders('text/event-stream; charset=utf-8'),
      ['cache-control', 'no-cache'],
      // Proxies that buffer are told not to.
      ['x-accel-buffering', 'no'],
    ];
  }

  #answerHeaders(contentType: string): Headers {
    const headers: [string, string][] = [
      ['content-type', contentType],
      ['x-request-id', this.record.requestId],
    ];
    if (this.record.warnings !== '') headers.push(['x-gemini-pool-warnings', this.record.warnings]);
    return headers;
  }
}

function isEnding(phase: Phase): boolean {
  return phase === 'settling' || phase === 'cancelled' || phase === 'over';
}
