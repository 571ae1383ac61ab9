/**
 * One choice of a completion in a worker: what Gemini is asked for it, and what reads the answer. Each has attempts of its
 * own, and on Gemini 4 as many calls as one long answer takes.
 */
import type { PlainError } from '../shared/errors.ts';
import { limits } from '../shared/limits.ts';
import type { LeaseWish } from '../shared/messages.ts';
import { noUsage, type TokenUsage } from '../shared/usage.ts';
import {
  type AnswerReader,
  AttemptLoop,
  type AttemptOwner,
  type FurtherCall,
  type Resumption,
} from './attempt-loop.ts';
import type { UpstreamRequest } from './gemini-client.ts';
import { GeminiEventReader, parseGeminiResponse } from './gemini-events.ts';
import type { JobContext } from './job-context.ts';
import type { AnswerIds } from './translation/answer-context.ts';
import { withPlaceholderSignatures } from './translation/call-signature.ts';
import type { ChatPlan } from './translation/chat-request.ts';
import { type EndedChoice, WholeChoice } from './translation/chat-response.ts';
import { ChatStream, type StreamedChoice } from './translation/chat-stream.ts';
import { jsonString } from './translation/json-text.ts';
import { resumedBody } from './translation/resumed-answer.ts';
import { guessTokens } from './translation/usage-mapping.ts';
import { WholeBody } from './whole-body.ts';

/** A stream that is cut again and again is given up. */
const resumesMax = 3;

/** Whose choice it is. */
export interface ChoiceOwner {
  /** Chunks that may go out now. */
  onFrames(text: string): void;
  /** The choice is whole, and its lease still out. `promptTokens` are those of its last call; null where Google told none. */
  onAnswered(leaseId: number, promptTokens: number | null): void;
  onGaveUp(error: PlainError): void;
}

export class ChatChoice implements AttemptOwner {
  readonly attempts: AttemptLoop;
  wish: LeaseWish;
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
  /** How often the stream was cut with more text than before, and continued. */
  #resumes = 0;
  /** Chars of the text after which the rest was asked for last. */
  #resumedChars = 0;

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
        const further = this.#goOn(collector);
        if (further === null) this.#end(collector);
        return further;
      },
    };
  }

  /** The part that the client has goes back as a turn of the model, and the rest is read by the same collector. */
  resume(): Resumption {
    const collector = this.#collector;
    if (!(collector instanceof ChatStream) || this.#continuations > 0) return 'none';
    const text = collector.resume();
    if (text === null) return 'none';
    // What was asked for in vain is asked for again: that is no further resume.
    const isFurther = text.length > this.#resumedChars;
    if (isFurther && this.#resumes >= resumesMax) return 'none';
    const { model, geminiBody } = this.#plan;
    // Google answers with newer models for some that it has retired, and will again.
    const served = collector.modelServed ?? model;
    const body = resumedBody(served, this.#hasOwnSignatures ? geminiBody : withPlaceholderSignatures(geminiBody), text);
    if (body === null) return 'none';
    this.#body = body;
    if (!isFurther) return 'same';
    // The answer so far is part of the prompt now.
    const tokens = this.#plan.answer.promptTokensGuess + guessTokens(text.length);
    this.wish = { ...this.wish, cost: { requests: 1, tokens } };
    this.#resumes++;
    this.#resumedChars = text.length;
    return 'further';
  }

  onAnswered(leaseId: number): void {
    this.#owner.onAnswered(leaseId, this.#collector?.promptTokens ?? null);
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

  /** The next call of an answer that takes several; null where there is none. */
  #goOn(collector: ChatStream | WholeChoice): FurtherCall | null {
    if (this.#continuations >= limits.continuationsMax) return null;
    const { promptTokens, usage } = collector;
    this.#continuationToken = collector.takeContinuation();
    if (this.#continuationToken === null) return null;
    this.#continuations++;
    // What was made so far is read again with the prompt.
    const made = usage === null ? 0 : usage.output + usage.thoughts;
    return { promptTokens, cost: { requests: 1, tokens: (usage?.prompt ?? 0) + made } };
  }
}
