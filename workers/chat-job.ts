/**
 * One chat completion in a worker: plan it, ask for a lease, call Gemini, hand the answer on; on failure report and ask
 * again, as long as no content has gone to the client. Driven by messages of the gateway and by its upstream call.
 */
import { GatewayError, type PlainError, toPlainError } from '../shared/errors.ts';
import { randomFraction } from '../shared/ids.ts';
import { limits } from '../shared/limits.ts';
import type { Logger } from '../shared/log.ts';
import type { Job } from '../shared/messages.ts';
import type { TokenUsage } from '../shared/usage.ts';
import { type ChatPlan, planChat, type TranslateOptions } from './chat-request.ts';
import { toCompletion } from './chat-response.ts';
import { type ChatEnding, ChatStream } from './chat-stream.ts';
import type { GeminiClient, UpstreamCall, UpstreamListener } from './gemini-client.ts';
import { GeminiEventReader, parseGeminiResponse } from './gemini-events.ts';
import type { Outbox } from './outbox.ts';
import { classifyFailure, classifyStatus, UpstreamFault, type UpstreamVerdict } from './upstream-error.ts';

/** What all jobs of a worker share. */
export interface JobContext {
  readonly client: GeminiClient;
  readonly outbox: Outbox;
  readonly translate: TranslateOptions;
  readonly log: Logger;
  /** The job has said its last word. */
  readonly onOver: (id: number) => void;
}

/** Failures that say nothing about the key (Gemini's own trouble) are tried again this often, after a pause. */
const neutralRetriesMax = 2;
const backoffMs = 250;

export class ChatJob implements UpstreamListener {
  readonly #id: number;
  readonly #job: Extract<Job, { kind: 'chat' }>;
  readonly #context: JobContext;
  readonly #startedMs = performance.now();
  #plan: ChatPlan | null = null;
  #leaseId: number | null = null;
  #call: UpstreamCall | null = null;
  #attempts = 0;
  #neutralRetries = 0;
  #backoff: NodeJS.Timeout | null = null;
  #lastError: PlainError | null = null;
  #isOver = false;
  // Of the attempt at hand:
  #status = 0;
  #contentType = '';
  #body: Buffer[] = [];
  #bodyBytes = 0;
  #reader: GeminiEventReader | null = null;
  #stream: ChatStream | null = null;

  constructor(id: number, job: Extract<Job, { kind: 'chat' }>, context: JobContext) {
    this.#id = id;
    this.#job = job;
    this.#context = context;
  }

  start(): void {
    try {
      const { body } = this.#job;
      this.#plan = planChat(
        typeof body === 'string' ? body : Buffer.from(body.buffer, body.byteOffset, body.length).toString(),
        this.#context.translate,
      );
      this.#askForLease(this.#plan);
    } catch (error) {
      this.#reportBug(error);
      this.#fail(toPlainError(error));
    }
  }

  lease(leaseId: number, key: string): void {
    if (this.#isOver || this.#plan === null) return;
    this.#leaseId = leaseId;
    this.#attempts++;
    this.#status = 0;
    this.#body = [];
    this.#bodyBytes = 0;
    this.#stream = null;
    this.#reader = null;
    const { model, stream, geminiBody } = this.#plan;
    const method = stream ? 'streamGenerateContent?alt=sse' : 'generateContent';
    this.#call = this.#context.client.call(
      { method: 'POST', path: `/models/${encodeURIComponent(model)}:${method}`, key, body: geminiBody },
      this,
    );
  }

  /** No key may serve. What the last attempt met is the better answer, unless it was about its key. */
  noLease(error: PlainError): void {
    if (!this.#isOver) this.#fail(this.#lastError ?? error);
  }

  pause(): void {
    this.#call?.pause();
  }

  resume(): void {
    this.#call?.resume();
  }

  /** Drops everything; the answer is the job's last word. */
  cancel(): void {
    if (this.#isOver) return;
    if (this.#backoff !== null) clearTimeout(this.#backoff);
    this.#call?.abort();
    this.#endLease({ kind: 'neutral', reason: 'cancelled' });
    this.#context.outbox.post({ t: 'cancelled', id: this.#id, usage: this.#usage() });
    this.#over();
  }

  onHead(status: number, contentType: string): void {
    this.#status = status;
    this.#contentType = contentType;
    const plan = this.#plan;
    if (plan === null || status !== 200 || !plan.stream) return;
    const stream = new ChatStream(plan.answer, this.#job);
    this.#stream = stream;
    this.#reader = new GeminiEventReader((response) => {
      const text = stream.step(response);
      if (text !== '') this.#context.outbox.postFrames(this.#id, text);
    });
  }

  onData(chunk: Buffer): void {
    if (this.#reader !== null) {
      this.#guard(() => this.#reader?.feed(chunk));
      return;
    }
    this.#bodyBytes += chunk.length;
    const bytesMax = this.#status === 200 ? limits.upstreamBodyBytesMax : limits.upstreamErrorBytesMax;
    if (this.#bodyBytes <= bytesMax) this.#body.push(chunk);
    else if (this.#status === 200)
      this.#guard(() => {
        throw new GatewayError('upstream_protocol', {
          message: 'The answer of Gemini is larger than this gateway accepts.',
        });
      });
  }

  onEnd(): void {
    this.#call = null;
    if (this.#status === 200) this.#guard(() => this.#done(this.#ending()));
    else this.#attemptFailed(classifyStatus(this.#status, this.#bodyText(), this.#contentType));
  }

  onFault(error: unknown): void {
    this.#call = null;
    this.#attemptFailed(classifyFailure(error));
  }

  /** The whole answer, once Gemini has ended it. Throws what makes it no answer. */
  #ending(): ChatEnding {
    const plan = this.#plan;
    if (plan === null) throw new Error('an answer came before the plan');
    if (this.#stream !== null) {
      this.#reader?.end();
      return this.#stream.end();
    }
    return toCompletion(parseGeminiResponse(this.#bodyText(), this.#contentType), plan.answer, this.#job);
  }

  #bodyText(): string {
    const [only] = this.#body;
    const bytes = this.#body.length === 1 && only !== undefined ? only : Buffer.concat(this.#body);
    this.#body = [];
    return bytes.toString('utf8');
  }

  /** Runs what reads hostile bytes: whatever it throws ends the attempt. */
  #guard(read: () => void): void {
    try {
      read();
    } catch (error) {
      this.#call?.abort();
      this.#call = null;
      this.#reportBug(error);
      this.#attemptFailed(classifyFailure(error));
    }
  }

  /** What is neither in the catalogue nor Gemini's doing is ours: its text stays in the log. */
  #reportBug(error: unknown): void {
    if (error instanceof GatewayError || error instanceof UpstreamFault) return;
    this.#context.log.error({ err: error, requestId: this.#job.requestId }, 'unexpected error in a job');
  }

  #askForLease({ model, modelAsked, stream, warnings }: ChatPlan): void {
    this.#context.outbox.post({
      t: 'want_lease',
      id: this.#id,
      model,
      modelAsked,
      stream,
      warnings: warnings.join(', '),
    });
  }

  #done({ tail, usage, finishReason, modelServed }: ChatEnding): void {
    const leaseId = this.#leaseId;
    if (leaseId === null) throw new Error('an answer came without a lease');
    this.#leaseId = null;
    this.#context.outbox.post({ t: 'done', id: this.#id, leaseId, tail, usage, finishReason, modelServed });
    this.#over();
  }

  #attemptFailed(verdict: UpstreamVerdict): void {
    if (this.#isOver) return;
    const error = verdict.error.toPlain();
    this.#endLease(verdict.outcome);
    if (!this.#mayRetry(verdict)) {
      this.#fail(error);
      return;
    }
    if (verdict.outcome.kind !== 'neutral') {
      this.#lastError = null;
      this.#retry();
      return;
    }
    this.#lastError = error;
    this.#neutralRetries++;
    const pauseMs = backoffMs * 2 ** (this.#neutralRetries - 1) * (0.5 + randomFraction());
    this.#backoff = setTimeout(() => this.#retry(), pauseMs);
  }

  #mayRetry({ retry, outcome }: UpstreamVerdict): boolean {
    // After the first content another attempt would repeat what the client has already read.
    if (this.#stream?.started || retry === 'no') return false;
    if (outcome.kind === 'neutral' && this.#neutralRetries >= neutralRetriesMax) return false;
    return this.#attempts < limits.attemptsMax && performance.now() - this.#startedMs < limits.attemptsWindowMs;
  }

  #retry(): void {
    this.#backoff = null;
    if (!this.#isOver && this.#plan !== null) this.#askForLease(this.#plan);
  }

  #endLease(outcome: UpstreamVerdict['outcome']): void {
    if (this.#leaseId === null) return;
    this.#context.outbox.post({ t: 'outcome', id: this.#id, leaseId: this.#leaseId, outcome });
    this.#leaseId = null;
  }

  #fail(error: PlainError): void {
    this.#context.outbox.post({ t: 'failed', id: this.#id, error, usage: this.#usage() });
    this.#over();
  }

  #usage(): TokenUsage | null {
    return this.#stream?.usage ?? null;
  }

  #over(): void {
    this.#isOver = true;
    this.#call = null;
    this.#context.onOver(this.#id);
  }
}
