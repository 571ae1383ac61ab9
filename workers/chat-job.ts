/** One chat completion in a worker: planned once, then answered by as many attempts as it takes. */
import { type PlainError, toPlainError } from '../shared/errors.ts';
import type { Job } from '../shared/messages.ts';
import { type AnswerReader, AttemptLoop, type AttemptOwner, type JobContext, type LeaseWish } from './attempt-loop.ts';
import { type ChatPlan, planChat, type TranslateOptions } from './chat-request.ts';
import { toCompletion } from './chat-response.ts';
import { type ChatEnding, ChatStream } from './chat-stream.ts';
import type { UpstreamRequest } from './gemini-client.ts';
import { GeminiEventReader, parseGeminiResponse } from './gemini-events.ts';
import { textOfBody } from './job-body.ts';
import { WholeBody } from './whole-body.ts';
import type { WorkerJob } from './worker-job.ts';

export type ChatJobSpec = Extract<Job, { kind: 'chat' }>;

/** Plans a chat and starts it. Null when it could not be planned: its error was posted, and nothing more will come. */
export function startChatJob(
  id: number,
  job: ChatJobSpec,
  options: TranslateOptions,
  context: JobContext,
): WorkerJob | null {
  try {
    const chat = new ChatJob(id, job, planChat(textOfBody(job.body), options), context);
    chat.start();
    return chat;
  } catch (error) {
    context.outbox.post({ t: 'failed', id, error: toPlainError(error), usage: null });
    context.reportBug(error, job.requestId);
    return null;
  }
}

class ChatJob implements AttemptOwner, WorkerJob {
  readonly #id: number;
  readonly #job: ChatJobSpec;
  readonly #plan: ChatPlan;
  readonly #context: JobContext;
  readonly #attempts: AttemptLoop;
  readonly wish: LeaseWish;
  /** Of the attempt at hand, when it streams. */
  #stream: ChatStream | null = null;
  #ending: ChatEnding | null = null;

  constructor(id: number, job: ChatJobSpec, plan: ChatPlan, context: JobContext) {
    this.#id = id;
    this.#job = job;
    this.#plan = plan;
    this.#context = context;
    const { model, modelAsked, stream, warnings } = plan;
    this.wish = { model, modelAsked, stream, warnings: warnings.join(', ') };
    this.#attempts = new AttemptLoop(id, 0, this, context);
  }

  get requestId(): string {
    return this.#job.requestId;
  }

  start(): void {
    this.#attempts.start();
  }

  lease(_call: number, leaseId: number, key: string): void {
    this.#stream = null;
    this.#attempts.lease(leaseId, key);
  }

  noLease(_call: number, error: PlainError): void {
    this.#attempts.noLease(error);
  }

  pause(): void {
    this.#attempts.pause();
  }

  resume(): void {
    this.#attempts.resume();
  }

  cancel(): void {
    this.#attempts.cancel();
    this.#context.outbox.post({ t: 'cancelled', id: this.#id, usage: this.#stream?.usage ?? null });
    this.#context.onOver(this.#id);
  }

  toRequest(): Omit<UpstreamRequest, 'key'> {
    const { model, stream, geminiBody } = this.#plan;
    const method = stream ? 'streamGenerateContent?alt=sse' : 'generateContent';
    return { method: 'POST', path: `/models/${encodeURIComponent(model)}:${method}`, body: geminiBody };
  }

  toReader(contentType: string): AnswerReader {
    const { answer } = this.#plan;
    if (!this.#plan.stream)
      return new WholeBody((text) => {
        this.#ending = toCompletion(parseGeminiResponse(text, contentType), answer, this.#job);
      });
    const stream = new ChatStream(answer, this.#job);
    this.#stream = stream;
    const events = new GeminiEventReader((response) => {
      const text = stream.step(response);
      if (text !== '') this.#context.outbox.postFrames(this.#id, text);
    });
    return {
      feed: (chunk) => events.feed(chunk),
      end: () => {
        events.end();
        this.#ending = stream.end();
      },
      get started() {
        return stream.started;
      },
    };
  }

  onAnswered(leaseId: number): void {
    if (this.#ending === null) throw new Error('an answer ended without an ending');
    const { tail, usage, finishReason, modelServed } = this.#ending;
    this.#context.outbox.post({ t: 'done', id: this.#id, leaseId, tail, usage, finishReason, modelServed });
    this.#context.onOver(this.#id);
  }

  onGaveUp(error: PlainError): void {
    this.#context.outbox.post({ t: 'failed', id: this.#id, error, usage: this.#stream?.usage ?? null });
    this.#context.onOver(this.#id);
  }
}
