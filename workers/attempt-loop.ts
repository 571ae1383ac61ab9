/**
 * The attempts at one call of Gemini: ask for a lease, call, and on failure report it and ask again for another key, as
 * long as nothing of the answer has gone to the client. Knows nothing of what is asked or answered: its owner does.
 */
import type { PlainError } from '../shared/errors.ts';
import { randomFraction } from '../shared/ids.ts';
import type { KeyOutcome } from '../shared/key-outcome.ts';
import { limits } from '../shared/limits.ts';
import type { LeaseCost, LeaseRetry, LeaseWish } from '../shared/messages.ts';
import type { UpstreamCall, UpstreamListener, UpstreamRequest } from './gemini-client.ts';
import type { JobContext } from './job-context.ts';
import { isStaleConnection } from './translation/transport-fault.ts';
import { classifyFailure, classifyStatus } from './translation/upstream-error.ts';
import type { UpstreamVerdict } from './translation/upstream-verdict.ts';

/** A call that an answer goes on with: what it will take of the quota, and what the one before has taken. */
export interface FurtherCall {
  promptTokens: number | null;
  cost: LeaseCost;
}

/** Reads the body of one answer of status 200. What it throws ends the attempt. */
export interface AnswerReader {
  feed(chunk: Buffer): void;
  /** The body has ended, and the answer with it, unless it goes on with another call on the same key. */
  end(): FurtherCall | null;
}

export type Resumption = 'further' | 'same' | 'none';

/** Whose attempts these are. */
export interface AttemptOwner {
  readonly requestId: string;
  readonly wish: LeaseWish;
  /** Something of the answer is with the client, or can't be had again: there can be no other attempt. */
  readonly started: boolean;
  /** The next call, but for its key. */
  toRequest(): Omit<UpstreamRequest, 'key'>;
  /** Google refused the signatures of the history: whether the request can be made without them, which is so once. */
  replaceSignatures(): boolean;
  /**
   * Part of the answer is with the client: whether the rest can be asked for, which the next request then does. Asked
   * once a failure. `further`: more of the answer has come since it was asked for last; `same`: nothing has.
   */
  resume(): Resumption;
  /** A reader for the next answer. */
  toReader(contentType: string): AnswerReader;
  /** The reader took the answer whole. Its lease is still out: whoever owns these attempts ends it. */
  onAnswered(leaseId: number): void;
  /** No attempt is left; every lease was returned. */
  onGaveUp(error: PlainError): void;
}

/** Failures that say nothing about the key (Gemini's own trouble) are tried again this often, after a pause. */
const neutralRetriesMax = 2;
const backoffMs = 250;

export class AttemptLoop implements UpstreamListener {
  readonly #id: number;
  /** Which of the job's calls this is. */
  readonly #number: number;
  readonly #owner: AttemptOwner;
  readonly #context: JobContext;
  /** When the first lease was asked for, since some calls of a job begin only after others; or the rest of an answer. */
  #startedMs = 0;
  #leaseId: number | null = null;
  #key = '';
  #call: UpstreamCall | null = null;
  #attempts = 0;
  #neutralRetries = 0;
  /** The last attempt that failed had brought more of an answer that goes on. */
  #isFurther = false;
  #backoff: NodeJS.Timeout | null = null;
  #lastError: PlainError | null = null;
  #isOver = false;
  /** The client does not keep up: also calls that are still to be made wait for it. */
  #isPaused = false;
  /** The gateway does not keep up with this worker. */
  #isHeld = false;
  // Of the attempt at hand:
  #status = 0;
  #contentType = '';
  #errorBody: Buffer[] = [];
  #errorBytes = 0;
  #reader: AnswerReader | null = null;

  constructor(id: number, number: number, owner: AttemptOwner, context: JobContext) {
    this.#id = id;
    this.#number = number;
    this.#owner = owner;
    this.#context = context;
  }

  /** Asks for a lease, to begin with or after an answer that was one of several. */
  start(retry: LeaseRetry = null): void {
    const { wish } = this.#owner;
    if (retry === null) this.#startedMs = performance.now();
    this.#context.outbox.post({ t: 'want_lease', id: this.#id, call: this.#number, wish, retry });
  }

  lease(leaseId: number, key: string): void {
    if (this.#isOver) return;
    this.#leaseId = leaseId;
    this.#key = key;
    this.#attempts++;
    this.#callGemini();
  }

  /** No key may serve. What the last attempt met is the better answer, unless it was about its key. */
  noLease(error: PlainError): void {
    if (!this.#isOver) this.#giveUp(this.#lastError ?? error);
  }

  /** Gemini is at work on a call, and takes its prompt into account, whoever still waits for the answer. */
  get isCalling(): boolean {
    return this.#call !== null;
  }

  pause(): void {
    this.#isPaused = true;
    this.#call?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (!this.#isHeld) this.#call?.resume();
  }

  /** Drops everything; the owner hears nothing more. */
  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#backoff !== null) clearTimeout(this.#backoff);
    this.#call?.abort();
    this.#call = null;
    this.#endLease({ kind: 'neutral', reason: 'cancelled' });
  }

  onHead(status: number, contentType: string): void {
    this.#status = status;
    this.#contentType = contentType;
    if (status === 200) this.#reader = this.#owner.toReader(contentType);
  }

  onData(chunk: Buffer): void {
    if (this.#reader !== null) {
      this.#guard(this.#reader, chunk);
      if (this.#context.outbox.isFull && !this.#isHeld) this.#hold();
      return;
    }
    this.#errorBytes += chunk.length;
    if (this.#errorBytes <= limits.upstreamErrorBytesMax) this.#errorBody.push(chunk);
  }

  onEnd(): void {
    this.#call = null;
    if (this.#reader !== null) this.#guard(this.#reader, null);
    else {
      const text = Buffer.concat(this.#errorBody).toString('utf8');
      this.#attemptFailed(classifyStatus(this.#status, text, this.#contentType));
    }
  }

  onFault(error: unknown): void {
    this.#call = null;
    const isStale = this.#status === 0 && isStaleConnection(error);
    this.#attemptFailed(classifyFailure(error), isStale);
  }

  /** Reads no more until the gateway has taken over what it was given. */
  #hold(): void {
    this.#isHeld = true;
    this.#call?.pause();
    this.#context.outbox.whenTaken(() => {
      this.#isHeld = false;
      if (!this.#isPaused) this.#call?.resume();
    });
  }

  /** Lets the reader see hostile bytes, or their end: whatever it throws ends the attempt. */
  #guard(reader: AnswerReader, chunk: Buffer | null): void {
    try {
      if (chunk !== null) reader.feed(chunk);
      else {
        const further = reader.end();
        if (further === null) this.#answered();
        else this.#callAgain(further);
      }
    } catch (error) {
      this.#call?.abort();
      this.#call = null;
      this.#context.reportBug(error, this.#owner.requestId);
      this.#attemptFailed(classifyFailure(error));
    }
  }

  #callGemini(): void {
    this.#status = 0;
    this.#errorBody = [];
    this.#errorBytes = 0;
    this.#reader = null;
    this.#call = this.#context.client.call({ ...this.#owner.toRequest(), key: this.#key }, this);
    if (this.#isPaused || this.#isHeld) this.#call.pause();
  }

  #callAgain(further: FurtherCall): void {
    const leaseId = this.#leaseId;
    if (leaseId === null) throw new Error('an answer goes on without a lease');
    this.#context.outbox.post({ t: 'call_again', id: this.#id, leaseId, ...further });
    this.#callGemini();
  }

  #answered(): void {
    const leaseId = this.#leaseId;
    if (leaseId === null) throw new Error('an answer came without a lease');
    this.#leaseId = null;
    this.#owner.onAnswered(leaseId);
  }

  #attemptFailed(verdict: UpstreamVerdict, isStale = false): void {
    if (this.#isOver) return;
    const error = verdict.error.toPlain();
    this.#endLease(verdict.outcome);
    if (verdict.repair === 'signatures' && !this.#owner.replaceSignatures()) {
      this.#giveUp(error);
      return;
    }
    if (!this.#mayRetry(verdict)) {
      this.#giveUp(error);
      return;
    }
    if (verdict.outcome.kind !== 'neutral') {
      this.#lastError = error.code === 'model_not_found' ? error : null;
      this.start('refused');
      return;
    }
    this.#lastError = error;
    if (verdict.retry === 'foreign') {
      this.start('foreign');
      return;
    }
    if (!this.#isFurther) this.#neutralRetries++;
    if (isStale) {
      this.start('stale_connection');
      return;
    }
    const pauseMs = backoffMs * 2 ** Math.max(0, this.#neutralRetries - 1) * (0.5 + randomFraction());
    this.#backoff = setTimeout(() => {
      this.#backoff = null;
      this.start('trouble');
    }, pauseMs);
  }

  #mayRetry({ retry, outcome }: UpstreamVerdict): boolean {
    if (retry === false || this.#attempts >= limits.attemptsMax) return false;
    // What the client has already read must not come again: only the rest may be asked for.
    if (this.#owner.started && (retry === 'foreign' || !this.#mayResume())) return false;
    if (this.#isFurther) return true;
    if (performance.now() - this.#startedMs >= limits.attemptsWindowMs) return false;
    if (retry === 'foreign') return this.#owner.wish.ownedBy !== null;
    return outcome.kind !== 'neutral' || this.#neutralRetries < (retry === 'once' ? 1 : neutralRetriesMax);
  }

  /** A call that brought more of the answer has done well: the next has as many retries, and as long, as a first one. */
  #mayResume(): boolean {
    const resumption = this.#owner.resume();
    this.#isFurther = resumption === 'further';
    if (this.#isFurther) {
      this.#neutralRetries = 0;
      this.#startedMs = performance.now();
    }
    return resumption !== 'none';
  }

  #endLease(outcome: KeyOutcome): void {
    if (this.#leaseId === null) return;
    this.#context.outbox.post({ t: 'outcome', id: this.#id, leaseId: this.#leaseId, outcome });
    this.#leaseId = null;
  }

  #giveUp(error: PlainError): void {
    this.#isOver = true;
    this.#owner.onGaveUp(error);
  }
}
