/** One whole answer of Gemini as one chat completion. */
import type { GeminiResponse } from '../../shared/gemini-wire.ts';
import type { ChatCompletion, ChatMessage, ImageOutput, ServiceTier, ToolCall } from '../../shared/openai-wire.ts';
import type { TokenUsage } from '../../shared/usage.ts';
import type { AnswerContext, AnswerIds } from './answer-context.ts';
import { AnswerReader, type AnswerSink } from './answer-reader.ts';
import { toMessageExtra } from './call-signature.ts';
import { type ChatEnding, type ChoiceCollector, choiceId } from './choice.ts';
import { sumUsage } from './usage-mapping.ts';

/** The completion, as JSON in `tail`. Throws when what came is no answer. */
export function toCompletion(response: GeminiResponse, context: AnswerContext, ids: AnswerIds): ChatEnding {
  const choice = new WholeChoice(context, ids);
  choice.step(response);
  return endCompletion([choice.endChoice()], context, ids);
}

/** One choice of a completion that is sent whole, read from one response or from the deltas of a stream. */
export class WholeChoice implements ChoiceCollector {
  readonly #reader: AnswerReader;
  readonly #message: MessageBuilder;
  readonly #index: number;
  readonly started = false;
  #responses = 0;

  constructor(context: AnswerContext, { requestId }: AnswerIds, index = 0) {
    this.#index = index;
    this.#message = new MessageBuilder(context.legacyFunctions);
    this.#reader = new AnswerReader(context, choiceId(requestId, index), this.#message);
  }

  get usage(): TokenUsage | null {
    return this.#reader.usage;
  }

  step(response: GeminiResponse): string {
    this.#responses++;
    this.#reader.read(response);
    return '';
  }

  get promptTokens(): number | null {
    return this.#reader.promptTokens;
  }

  takeContinuation(): string | null {
    return this.#reader.takeContinuation();
  }

  /** Throws when what came is no answer. */
  endChoice(): EndedChoice {
    const finishReason = this.#reader.finish(false);
    const { usage, usageMetadata, serviceTier, modelServed, textSignature, serverToolParts } = this.#reader;
    if (usage === null) throw new Error('a finished answer has usage');
    const message = this.#message.toMessage();
    const citations = this.#reader.citations(this.#responses > 1);
    if (citations.length > 0) message.annotations = citations;
    const extra = toMessageExtra(textSignature, serverToolParts);
    if (extra !== undefined) message.extra_content = extra;
    const choice = { index: this.#index, message, logprobs: null, finish_reason: finishReason };
    return { choice, serviceTier, usage, usageMetadata, finishReason, modelServed };
  }
}

/** The end of one whole choice. */
export interface EndedChoice {
  choice: ChatCompletion['choices'][number];
  serviceTier: ServiceTier | undefined;
  usage: TokenUsage;
  usageMetadata: unknown;
  finishReason: string;
  modelServed: string | null;
}

/** The completion of one or several choices. */
export function endCompletion(
  choices: readonly [EndedChoice, ...EndedChoice[]],
  { modelAsked }: AnswerContext,
  { requestId, createdSeconds }: AnswerIds,
): ChatEnding {
  const [{ serviceTier, finishReason, modelServed }] = choices;
  const { usage, figures } = sumUsage(choices);
  const completion: ChatCompletion = {
    id: `chatcmpl-${requestId}`,
    object: 'chat.completion',
    created: createdSeconds,
    model: modelAsked,
    choices: choices.map(({ choice }) => choice),
    usage: figures,
  };
  if (serviceTier !== undefined) completion.service_tier = serviceTier;
  return { tail: JSON.stringify(completion), usage, finishReason, modelServed };
}

class MessageBuilder implements AnswerSink {
  readonly #legacyFunctions: boolean;
  readonly #toolCalls: ToolCall[] = [];
  readonly #images: ImageOutput[] = [];
  #content = '';
  #reasoning = '';

  constructor(legacyFunctions: boolean) {
    this.#legacyFunctions = legacyFunctions;
  }

  onText(text: string): void {
    this.#content += text;
  }

  onThought(text: string): void {
    this.#reasoning += text;
  }

  onCall(call: ToolCall): void {
    this.#toolCalls.push(call);
  }

  onImage(image: ImageOutput): void {
    this.#images.push(image);
  }

  toMessage(): ChatMessage {
    const [firstCall] = this.#toolCalls;
    const message: ChatMessage = {
      role: 'assistant',
      content: this.#content === '' && firstCall !== undefined ? null : this.#content,
      refusal: null,
    };
    if (this.#reasoning !== '') message.reasoning_content = this.#reasoning;
    if (firstCall !== undefined) {
      if (this.#legacyFunctions && firstCall.type === 'function') message.function_call = firstCall.function;
      else message.tool_calls = this.#toolCalls;
    }
    if (this.#images.length > 0) message.images = this.#images;
    return message;
  }
}
