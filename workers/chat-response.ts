/** One whole answer of Gemini as one chat completion. */
import type { GeminiResponse } from '../shared/gemini-wire.ts';
import type { ChatCompletion, ChatMessage, ImageOutput, ToolCall } from '../shared/openai-wire.ts';
import type { AnswerContext, AnswerIds } from './answer-context.ts';
import { AnswerReader, type AnswerSink } from './answer-reader.ts';
import { toExtraContent } from './call-signature.ts';
import type { ChatEnding } from './chat-stream.ts';
import { toCompletionUsage } from './usage-mapping.ts';

/** The completion, as JSON in `tail`. Throws when what came is no answer. */
export function toCompletion(response: GeminiResponse, context: AnswerContext, ids: AnswerIds): ChatEnding {
  const builder = new MessageBuilder(context.legacyFunctions);
  const reader = new AnswerReader(context, ids.requestId, builder);
  reader.read(response);
  const finishReason = reader.finish(false);
  const { usage, usageMetadata, serviceTier, modelServed, textSignature } = reader;
  if (usage === null) throw new Error('a finished answer has usage');
  const message = builder.toMessage();
  const citations = reader.citations(false);
  if (citations.length > 0) message.annotations = citations;
  if (textSignature !== undefined) message.extra_content = toExtraContent(textSignature);
  const completion: ChatCompletion = {
    id: `chatcmpl-${ids.requestId}`,
    object: 'chat.completion',
    created: ids.createdSeconds,
    model: context.modelAsked,
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason }],
    usage: toCompletionUsage(usage, usageMetadata),
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
