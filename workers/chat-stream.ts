/**
 * One streamed answer: Gemini's events in, OpenAI's chunks out. A pure state machine. What belongs to the end (finish
 * reason, citations, usage) is held back until Gemini has closed the stream, since its last events may still add to it.
 */
import type { GeminiResponse } from '../shared/gemini-wire.ts';
import type { ImageOutput, ToolCall } from '../shared/openai-wire.ts';
import type { TokenUsage } from '../shared/usage.ts';
import type { AnswerContext, AnswerIds } from './answer-context.ts';
import { AnswerReader, type AnswerSink } from './answer-reader.ts';
import { toExtraContent } from './call-signature.ts';
import { jsonString } from './json-text.ts';
import { toCompletionUsage } from './usage-mapping.ts';

/** The end of an answer: what the client may see once its row is committed, and what the row says. */
export interface ChatEnding {
  tail: string;
  usage: TokenUsage;
  finishReason: string;
  modelServed: string | null;
}

export class ChatStream implements AnswerSink {
  readonly #reader: AnswerReader;
  readonly #includeUsage: boolean;
  readonly #legacyFunctions: boolean;
  /** What every chunk begins with, up to its choices. */
  readonly #head: string;
  /** What follows the delta of a chunk that isn't the last. */
  readonly #close: string;
  #out = '';
  #started = false;

  constructor(context: AnswerContext, { requestId, createdSeconds }: AnswerIds) {
    this.#reader = new AnswerReader(context, requestId, this);
    this.#includeUsage = context.includeUsage;
    this.#legacyFunctions = context.legacyFunctions;
    const model = jsonString(context.modelAsked);
    this.#head = `data: {"id":"chatcmpl-${requestId}","object":"chat.completion.chunk","created":${createdSeconds},"model":${model},"choices":[`;
    this.#close = `},"finish_reason":null}]${this.#nullUsage}}\n\n`;
  }

  /** True once `step` returned text. */
  get started(): boolean {
    return this.#started;
  }

  /** What is known so far, for streams that end early. */
  get usage(): TokenUsage | null {
    return this.#reader.usage;
  }

  /** The chunks that may go out now; '' while nothing of substance has come. */
  step(response: GeminiResponse): string {
    this.#out = '';
    this.#reader.read(response);
    return this.#out;
  }

  /** After Gemini has closed the stream. Throws when what came is no answer. */
  end(): ChatEnding {
    const reader = this.#reader;
    const finishReason = reader.finish(this.#started);
    const { usage, serviceTier, modelServed } = reader;
    if (usage === null) throw new Error('a finished answer has usage');
    const tier = serviceTier === undefined ? '' : `,"service_tier":"${serviceTier}"`;
    let tail = `${this.#head}{"index":0,"delta":{${this.#lastDelta()}},"finish_reason":"${finishReason}"}]${tier}${this.#nullUsage}}\n\n`;
    if (this.#includeUsage) {
      const figures = JSON.stringify(toCompletionUsage(usage, reader.usageMetadata));
      tail += `${this.#head}]${tier},"usage":${figures}}\n\n`;
    }
    return { tail: `${tail}data: [DONE]\n\n`, usage, finishReason, modelServed };
  }

  onText(text: string): void {
    this.#emit(`"content":${jsonString(text)}`, '"role":"assistant",');
  }

  onThought(text: string): void {
    this.#emit(`"reasoning_content":${jsonString(text)}`);
  }

  onCall(call: ToolCall, index: number): void {
    if (this.#legacyFunctions && call.type === 'function')
      this.#emit(`"function_call":${JSON.stringify(call.function)}`);
    else this.#emit(`"tool_calls":[{"index":${index},${JSON.stringify(call).slice(1)}]`);
  }

  onImage(image: ImageOutput): void {
    this.#emit(`"images":[${JSON.stringify(image)}]`);
  }

  /** Chunks before the one with the usage have it as null, when it was asked for. */
  get #nullUsage(): string {
    return this.#includeUsage ? ',"usage":null' : '';
  }

  /** What goes with the finish reason: what could be said only at the end. */
  #lastDelta(): string {
    const members: string[] = [];
    if (!this.#started) members.push('"role":"assistant","content":""');
    const citations = this.#reader.citations(true);
    if (citations.length > 0) members.push(`"annotations":${JSON.stringify(citations)}`);
    const signature = this.#reader.textSignature;
    if (signature !== undefined) members.push(`"extra_content":${JSON.stringify(toExtraContent(signature))}`);
    return members.join(',');
  }

  /** Adds a chunk; the first one says the role as well. */
  #emit(delta: string, opening = '"role":"assistant","content":null,'): void {
    this.#out += `${this.#head}{"index":0,"delta":{${this.#started ? '' : opening}${delta}${this.#close}`;
    this.#started = true;
  }
}
