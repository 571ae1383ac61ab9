/**
 * One choice of a completion in a worker: what Gemini is asked for it, and what reads the answer. Each has attempts of its
 * own, and on Gemini 4 as many calls as one long answer takes.
 */
import type { PlainError } from '../shared/errors.ts';
import { limits } from '../shared/limits.ts';
import type { LeaseWish } from '../shared/messages.ts';
import { noUsage, type TokenUsage } from '../shared/usage.ts';
import { type AnswerReader, AttemptLoop, type AttemptOwner, type JobContext } from './attempt-loop.ts';
import type { UpstreamRequest } from './gemini-client.ts';
import { GeminiEventReader, parseGeminiResponse } from './gemini-events.ts';
import type { AnswerIds } from './translation/answer-context.ts';
import { withPlaceholderSignatures } from './translation/call-signature.ts';
import type { ChatPlan } from './translation/chat-request.ts';
import { type EndedChoice, WholeChoice } from './translation/chat-response.ts';
import { ChatStream, type StreamedChoice } from './translation/chat-stream.ts';
import { jsonString } from './translation/json-text.ts';
import { resumedBody } from './translation/resumed-answer.ts';
import { WholeBody } from './whole-body.ts';

/** A stream that is cut again and again is given up. */
const resumesMax = 3;

/** Whose choice it is. */
export interface ChoiceOwner {
  /** Chunks that may go out now. */
  onFrames(text: string): void;
  /** The choice is whole, and its lease still out. */
  onAnswered(leaseId: number): void;
  onGaveUp(error: PlainError): void;
}

export class ChatChoice implements AttemptOwner {
  readonly attempts: AttemptLoop;
  readonly wish: LeaseWish;
  readonly requestId: string;
  readonly #plan: ChatPlan;
  readonly #ids: AnswerIds;
  readonly #index: number;
  readonly #owner: ChoiceOwner;
  /** Reads the attempt at hand. */
  #collector: ChatStream | WholeChoice | null = null;
  /** The choice's end, once it is whole: the one that fits the form of the answer. */
  streamed: StreamedChoice | null = null;
  whole: EndedChoice | null = null;
  #body: string;
  #hasOwnSignatures = true;
  #continuationToken: string | null = null;
  #continuations = 0;
  /** How often the stream was cut and continued. */
  #resumes = 0;

  /** `call` is the number under which the gateway knows its leases. */
  constructor(
    id: number,
    call: number,
    index: number,
    plan: ChatPlan,
    ids: AnswerIds,
    mayWait: boolean,
    context: JobContext,
    owner: ChoiceOwner,
  ) {
    this.requestId = ids.requestId;
    this.#plan = plan;
    this.#body = plan.geminiBody;
    this.#ids = ids;
    this.#index = index;
    this.#owner = owner;
    const { model, modelAsked, stream, warnings, affinity, ownedBy, answer } = plan;
    this.wish = {
      model,
      modelAsked,
      stream,
      warnings: warnings.join(', '),
      cost: { requests: 1, tokens: answer.promptTokensGuess },
      affinity,
      ownedBy,
      mayWait,
    };
    this.attempts = new AttemptLoop(id, call, this, context);
  }

  get started(): boolean {
    return this.#continuations > 0 || this.#resumes > 0 || (this.#collector?.started ?? false);
  }

  /** What is known so far; of a call that has not begun to answer, the prompt is guessed. */
  get usage(): TokenUsage | null {
    const known = this.#collector?.usage ?? null;
    if (known !== null || !this.attempts.isCalling) return known;
    return { ...noUsage, prompt: this.#plan.answer.promptTokensGuess, estimated: true };
  }

  toRequest(): Omit<UpstreamRequest, 'key'> {
    const { model, upstreamStreams, data } = this.#plan;
    const method = upstreamStreams ? 'streamGenerateContent?alt=sse' : 'generateContent';
    // The request as it was, with the token that says where to go on.
    const body =
      this.#continuationToken === null
        ? this.#body
        : `{"continuationToken":${jsonString(this.#continuationToken)},${this.#body.slice(1)}`;
    const whole = data === null ? body : data.restore(body);
    return { method: 'POST', path: `/models/${encodeURIComponent(model)}:${method}`, body: whole };
  }

  replaceSignatures(): boolean {
    if (!this.#hasOwnSignatures) return false;
    this.#hasOwnSignatures = false;
    this.#body = withPlaceholderSignatures(this.#body);
    return true;
  }

  toReader(contentType: string): AnswerReader {
    const collector = this.#nextCollector();
    if (!this.#plan.upstreamStreams)
      return new WholeBody((text) => {
        collector.step(parseGeminiResponse(text, contentType));
        this.#end(collector);
      });
    const events = new GeminiEventReader((response) => {
      const text = collector.step(response);
      if (text !== '') this.#owner.onFrames(text);
    });
    return {
      feed: (chunk) => events.feed(chunk),
      end: () => {
        events.end();
        if (this.#goesOn(collector)) return 'more';
        this.#end(collector);
        return 'whole';
      },
    };
  }

  /** The part that the client has goes back as a turn of the model, and the rest is read by the same collector. */
  resume(): boolean {
    const collector = this.#collector;
    if (!(collector instanceof ChatStream) || this.#continuations > 0 || this.#resumes >= resumesMax) return false;
    const text = collector.resume();
    const { model, geminiBody } = this.#plan;
    const asked = this.#hasOwnSignatures ? geminiBody : withPlaceholderSignatures(geminiBody);
    const body = text === null ? null : resumedBody(model, asked, text);
    if (body === null) return false;
    this.#body = body;
    this.#resumes++;
    return true;
  }

  onAnswered(leaseId: number): void {
    this.#owner.onAnswered(leaseId);
  }

  onGaveUp(error: PlainError): void {
    this.#owner.onGaveUp(error);
  }

  /** A new one for a new attempt; an answer that goes on is read by the same. */
  #nextCollector(): ChatStream | WholeChoice {
    const goesOn = this.#continuationToken !== null || this.#resumes > 0;
    if (this.#collector !== null && goesOn) return this.#collector;
    const { stream } = this.#plan;
    let { answer } = this.#plan;
    if (answer.emptyAnswer === 'retry' && this.#collector !== null) answer = { ...answer, emptyAnswer: 'stop' };
    this.#collector = stream
      ? new ChatStream(answer, this.#ids, this.#index)
      : new WholeChoice(answer, this.#ids, this.#index);
    return this.#collector;
  }

  /** Throws what makes the answer none, so that another attempt is made. */
  #end(collector: ChatStream | WholeChoice): void {
    if (collector instanceof ChatStream) this.streamed = collector.endChoice();
    else this.whole = collector.endChoice();
  }

  #goesOn(collector: ChatStream | WholeChoice): boolean {
    if (this.#continuations >= limits.continuationsMax) return false;
    this.#continuationToken = collector.takeContinuation();
    if (this.#continuationToken === null) return false;
    this.#continuations++;
    return true;
  }
}
