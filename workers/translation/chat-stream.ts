/**
 * One streamed answer: Gemini's events in, OpenAI's chunks out. A pure state machine. What belongs to the end (finish
 * reason, citations, usage) is held back until Gemini has closed the stream, since its last events may still add to it.
 */
import type { GeminiResponse } from '../../shared/gemini-wire.ts';
import type { ImageOutput, ToolCall } from '../../shared/openai-wire.ts';
import type { TokenUsage } from '../../shared/usage.ts';
import type { AnswerContext, AnswerIds } from './answer-context.ts';
import { AnswerReader, type AnswerSink } from './answer-reader.ts';
import { toMessageExtra } from './call-signature.ts';
import { type ChatEnding, type ChoiceCollector, choiceId } from './choice.ts';
import { jsonString } from './json-text.ts';
import { sumUsage } from './usage-mapping.ts';

export class ChatStream implements AnswerSink, ChoiceCollector {
  readonly #reader: AnswerReader;
  readonly #includeUsage: boolean;
  readonly #legacyFunctions: boolean;
  /** What every chunk begins with, up to its choices. */
  readonly #head: string;
  /** What follows the delta of a chunk that isn't the last. */
  readonly #close: string;
  readonly #choice: number;
  #out = '';
  #started = false;

  /** `choice` is the index of the choice that this stream is, when several were asked for. */
  constructor(context: AnswerContext, { requestId, createdSeconds }: AnswerIds, choice = 0) {
    this.#choice = choice;
    this.#reader = new AnswerReader(context, choiceId(requestId, choice), this);
    this.#includeUsage = context.includeUsage;
    this.#legacyFunctions = context.legacyFunctions;
    const model = jsonString(context.modelAsked);
    this.#head = `data: {"id":"chatcmpl-${requestId}","object":"chat.completion.chunk","created":${createdSeconds},"model":${model},"choices":[`;
    this.#close = `},"finish_reason":null}]${nullUsage(this.#includeUsage)}}\n\n`;
  }

  /** True once `step` returned text. */
  get started(): boolean {
    return this.#started;
  }

  /** What is known so far, for streams that end early. */
  get usage(): TokenUsage | null {
    return this.#reader.usage;
  }

  /** The model that Google says has answered; null as long as it has not said. */
  get modelServed(): string | null {
    return this.#reader.modelServed;
  }

  /** The chunks that may go out now; '' while nothing of substance has come. */
  step(response: GeminiResponse): string {
    this.#out = '';
    this.#reader.read(response);
    return this.#out;
  }

  get promptTokens(): number | null {
    return this.#reader.promptTokens;
  }

  takeContinuation(): string | null {
    return this.#reader.takeContinuation();
  }

  /** What the client has of a stream that was cut; null when it can't be continued. The rest is read next. */
  resume(): string | null {
    return this.#reader.resume();
  }

  /** After Gemini has closed the stream. Throws when what came is no answer. */
  end(): ChatEnding {
    return endStream([this.endChoice()]);
  }

  /** The end of this choice, of which the whole answer may have several. Throws when what came is no answer. */
  endChoice(): StreamedChoice {
    const reader = this.#reader;
    this.#out = '';
    const finishReason = reader.finish(this.#started);
    const last = this.#out;
    const { usage, usageMetadata, serviceTier, modelServed } = reader;
    if (usage === null) throw new Error('a finished answer has usage');
    const tier = serviceTier === undefined ? '' : `,"service_tier":"${serviceTier}"`;
    const choice = `{"index":${this.#choice},"delta":{${this.#lastDelta()}},"finish_reason":"${finishReason}"}`;
    const chunk = `${last}${this.#head}${choice}]${tier}${nullUsage(this.#includeUsage)}}\n\n`;
    const usageOpening = this.#includeUsage ? this.#head : null;
    return { chunk, usageOpening, tier, usage, usageMetadata, finishReason, modelServed };
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

  /** What goes with the finish reason: what could be said only at the end. */
  #lastDelta(): string {
    const members: string[] = [];
    if (!this.#started) members.push('"role":"assistant","content":""');
    const citations = this.#reader.citations(true);
    if (citations.length > 0) members.push(`"annotations":${JSON.stringify(citations)}`);
    const { textSignature, serverToolParts } = this.#reader;
    const extra = toMessageExtra(textSignature, serverToolParts);
    if (extra !== undefined) members.push(`"extra_content":${JSON.stringify(extra)}`);
    return members.join(',');
  }

  /** Adds a chunk; the first one says the role as well. */
  #emit(delta: string, opening = '"role":"assistant","content":null,'): void {
    this.#out += `${this.#head}{"index":${this.#choice},"delta":{${this.#started ? '' : opening}${delta}${this.#close}`;
    this.#started = true;
  }
}

/** The end of one streamed choice. */
export interface StreamedChoice {
  /** The chunk with the finish reason. */
  chunk: string;
  /** What the chunk with the usage begins with; null when none was asked for. */
  usageOpening: string | null;
  tier: string;
  usage: TokenUsage;
  usageMetadata: unknown;
  finishReason: string;
  modelServed: string | null;
}

/** The end of a stream, once all of its choices have ended. */
export function endStream(choices: readonly [StreamedChoice, ...StreamedChoice[]]): ChatEnding {
  const [first] = choices;
  const { usageOpening, tier, finishReason, modelServed } = first;
  const { usage, figures } = sumUsage(choices);
  let tail = choices.map(({ chunk }) => chunk).join('');
  if (usageOpening !== null) tail += `${usageOpening}]${tier},"usage":${JSON.stringify(figures)}}\n\n`;
  return { tail: `${tail}data: [DONE]\n\n`, usage, finishReason, modelServed };
}

/** Chunks before the one with the usage have it as null, when it was asked for. */
function nullUsage(includeUsage: boolean): string {
  return includeUsage ? ',"usage":null' : '';
}
