/**
 * Reads the responses of one answer, whole or as deltas, and tells a sink what of it is for the client. Keeps what can
 * only be said at the end: finish reason, usage, citations, and the signature of the text.
 */
import { GatewayError } from '../../shared/errors.ts';
import {
  firstCandidate,
  type GeminiCandidate,
  type GeminiResponse,
  isRecord,
  type JsonRecord,
  listOf,
  type ServerToolPart,
} from '../../shared/gemini-wire.ts';
import type { FinishReason, ImageOutput, ServiceTier, ToolCall, UrlCitation } from '../../shared/openai-wire.ts';
import type { TokenUsage } from '../../shared/usage.ts';
import type { AnswerContext } from './answer-context.ts';
import { toExtraContent } from './call-signature.ts';
import { toCitations } from './citations.ts';
import { toFinishReason } from './finish-reason.ts';
import { PlainDelta } from './plain-delta.ts';
import { RepetitionTrimmer } from './repetition.ts';
import { toServerToolPart } from './server-tools.ts';
import { ToolCallMaker } from './tool-calls.ts';
import { guessTokens, isUsage, readServedTier, readUsage } from './usage-mapping.ts';

/** Takes what an answer consists of, in its order. */
export interface AnswerSink {
  onText(text: string): void;
  onThought(text: string): void;
  onCall(call: ToolCall, index: number): void;
  onImage(image: ImageOutput): void;
}

export class AnswerReader {
  readonly #context: AnswerContext;
  readonly #sink: AnswerSink;
  readonly #calls: ToolCallMaker;
  #responses = 0;
  #sawCandidate = false;
  #isBlocked = false;
  #finishReason: string | null = null;
  #textChars = 0;
  /** What the call at hand has brought, with what is left out of it: that is what it is billed for. */
  #charsOfCall = 0;
  #callCount = 0;
  #imageCount = 0;
  /** The answer's text by parts, kept only where citations may refer to it, or a cut stream be continued. */
  readonly #texts: string[] = [];
  /** Of an answer that is continued after a cut. */
  #repetition: RepetitionTrimmer | null = null;
  #grounding: JsonRecord | null = null;
  #textSignature: string | undefined;
  /** What Gemini's own tools did. */
  readonly serverToolParts: ServerToolPart[] = [];
  /** The last response with figures, which are looked at only when they are needed. */
  #usageSource: GeminiResponse | null = null;
  #continuationToken: string | null = null;
  /** Of the calls before the one at hand, for an answer that takes several. */
  #earlierUsage: TokenUsage | null = null;
  #modelServed: string | null = null;

  constructor(context: AnswerContext, requestId: string, sink: AnswerSink) {
    this.#context = context;
    this.#sink = sink;
    this.#calls = new ToolCallMaker(requestId, context.tools);
  }

  read(response: GeminiResponse): void {
    this.#responses++;
    if (response instanceof PlainDelta || isUsage(response.usageMetadata)) this.#usageSource = response;
    if (this.#modelServed === null && typeof response.modelVersion === 'string')
      this.#modelServed = response.modelVersion;
    const candidate = firstCandidate(response);
    if (candidate !== null) this.#readCandidate(candidate);
    else if (isRecord(response.promptFeedback) && typeof response.promptFeedback['blockReason'] === 'string')
      this.#isBlocked = true;
  }

  /** OpenAI's finish reason, once the last response was read. Throws what makes the answer none. */
  finish(isStarted: boolean): FinishReason {
    const reason = this.#finishReason;
    // Not of an answer that is none yet: what is held back then comes again with the next one.
    if (reason !== null || this.#isBlocked) this.#endRepetition();
    if (reason === null) {
      if (this.#isBlocked) return 'content_filter';
      throw new GatewayError(this.#responses > 0 && !this.#sawCandidate ? 'model_output_invalid' : 'upstream_cut');
    }
    const hasCalls = this.#callCount > 0;
    const hasContent = this.#textChars > 0 || this.#imageCount > 0;
    if (reason === 'STOP' && this.#context.emptyAnswer !== 'stop' && !isStarted && !hasCalls && !hasContent)
      throw new GatewayError('model_output_invalid');
    return toFinishReason(reason, { hasCalls, hasContent, isStarted, legacyFunctions: this.#context.legacyFunctions });
  }

  /**
   * The token with which the same request goes on, when Gemini stopped at the cap of one call with tokens left. What
   * follows is read as the next part of the same answer.
   */
  takeContinuation(): string | null {
    const token = this.#continuationToken;
    if (this.#finishReason !== 'CONTINUATION' || token === null) return null;
    this.#earlierUsage = this.usage;
    this.#usageSource = null;
    this.#charsOfCall = 0;
    this.#finishReason = null;
    this.#continuationToken = null;
    return token;
  }

  /**
   * What the client has of an answer that was cut, for a request that goes on from there; null when there can be none:
   * only plain text can be continued, and one that has ended has no rest. What comes from here on is read as the rest.
   */
  resume(): string | null {
    const hasMore = this.#callCount > 0 || this.#imageCount > 0 || this.#grounding !== null;
    if (!this.#context.resumes || hasMore || this.#finishReason !== null || this.#textChars === 0) return null;
    const text = this.#texts.join('');
    const { usage } = this;
    // The prompt of the next call is billed again, and this one's output was.
    this.#earlierUsage = usage === null ? null : { ...usage, estimated: true };
    this.#usageSource = null;
    this.#charsOfCall = 0;
    this.#responses = 0;
    this.#repetition = new RepetitionTrimmer(text);
    return text;
  }

  /** What is known so far; null as long as nothing came. */
  get usage(): TokenUsage | null {
    const usage = this.#usageOfCall();
    return this.#earlierUsage === null ? usage : addHop(this.#earlierUsage, usage);
  }

  /** Of the call at hand, as Google told them; null where it did not. */
  get promptTokens(): number | null {
    return readUsage(this.usageMetadata)?.prompt ?? null;
  }

  get usageMetadata(): unknown {
    return this.#usageSource?.usageMetadata ?? null;
  }

  get serviceTier(): ServiceTier | undefined {
    return readServedTier(this.usageMetadata);
  }

  get modelServed(): string | null {
    return this.#modelServed;
  }

  /** The signature that belongs to the answer's text, to come back with it. */
  get textSignature(): string | undefined {
    return this.#textSignature;
  }

  /** Citations of the whole text; `isStream` says whether its parts are pieces of one. */
  citations(isStream: boolean): UrlCitation[] {
    return this.#grounding === null ? [] : toCitations(this.#grounding, this.#texts, isStream);
  }

  #usageOfCall(): TokenUsage | null {
    const usage = readUsage(this.usageMetadata);
    if (usage !== null || this.#responses === 0) return usage;
    return {
      prompt: this.#context.promptTokensGuess,
      cached: 0,
      toolPrompt: 0,
      thoughts: 0,
      output: guessTokens(this.#charsOfCall),
      estimated: true,
    };
  }

  #readCandidate(candidate: GeminiCandidate): void {
    this.#sawCandidate = true;
    // Old models end every delta with STOP: only the last one counts.
    if (typeof candidate.finishReason === 'string') this.#finishReason = candidate.finishReason;
    if (typeof candidate.continuationToken === 'string') this.#continuationToken = candidate.continuationToken;
    const { groundingMetadata } = candidate;
    if (isRecord(groundingMetadata) && groundingMetadata['groundingChunks'] !== undefined)
      this.#grounding = groundingMetadata;
    if (!isRecord(candidate.content)) return;
    for (const part of listOf(candidate.content['parts'])) if (isRecord(part)) this.#readPart(part);
  }

  #readPart(part: JsonRecord): void {
    const { text, functionCall, inlineData, thoughtSignature } = part;
    const signature = typeof thoughtSignature === 'string' && thoughtSignature !== '' ? thoughtSignature : undefined;
    if (typeof text === 'string') {
      if (part['thought'] !== true) {
        if (signature !== undefined) this.#textSignature = signature;
        this.#addText(text);
      } else if (this.#context.showThoughts && text !== '') this.#sink.onThought(text);
    } else if (isRecord(functionCall)) this.#addCall(functionCall, signature);
    else if (isRecord(inlineData)) {
      if (part['thought'] !== true) this.#addImage(inlineData, signature);
    } else if (part['toolCall'] !== undefined || part['toolResponse'] !== undefined) {
      const toolPart = toServerToolPart(part);
      if (toolPart !== null) this.serverToolParts.push(toolPart);
    } else if (isRecord(part['executableCode'])) this.#addCode(part['executableCode'], 'code', 'python');
    else if (isRecord(part['codeExecutionResult'])) this.#addCode(part['codeExecutionResult'], 'output', '');
  }

  #addText(text: string): void {
    this.#charsOfCall += text.length;
    this.#emitText(this.#repetition === null ? text : this.#repetition.take(text));
  }

  /** What was held back comes before whatever is no text, and before the end. */
  #endRepetition(): void {
    if (this.#repetition !== null) this.#emitText(this.#repetition.end());
  }

  #emitText(text: string): void {
    if (this.#context.mayCite || this.#context.resumes) this.#texts.push(text);
    if (text === '') return;
    this.#textChars += text.length;
    this.#sink.onText(text);
  }

  #addCall(source: JsonRecord, signature: string | undefined): void {
    // A client that wants one call at a time gets the first, which also has the signature.
    if (this.#callCount > 0 && (this.#context.firstCallOnly || this.#context.legacyFunctions)) return;
    this.#endRepetition();
    const call = this.#calls.make(source, signature);
    if (call !== undefined) this.#sink.onCall(call, this.#callCount++);
  }

  #addImage({ mimeType, data }: JsonRecord, signature: string | undefined): void {
    if (typeof mimeType !== 'string' || !mimeType.startsWith('image/') || typeof data !== 'string') return;
    this.#endRepetition();
    const image: ImageOutput = {
      type: 'image_url',
      image_url: { url: `data:${mimeType};base64,${data}` },
      index: this.#imageCount++,
    };
    if (signature !== undefined) image.extra_content = toExtraContent(signature);
    this.#sink.onImage(image);
  }

  /** What Gemini's own interpreter ran and said, as blocks of the text. */
  #addCode(source: JsonRecord, field: string, language: string): void {
    const code = source[field];
    if (typeof code === 'string' && code !== '')
      this.#addText(`\n\`\`\`${language}\n${code}${code.endsWith('\n') ? '' : '\n'}\`\`\`\n`);
  }
}

/** The prompt is what the client sent, once; each call's output counts, and the later ones bill no new prompt to it. */
function addHop(earlier: TokenUsage, usage: TokenUsage | null): TokenUsage {
  if (usage === null) return earlier;
  return {
    ...earlier,
    thoughts: earlier.thoughts + usage.thoughts,
    output: earlier.output + usage.output,
    estimated: earlier.estimated || usage.estimated,
  };
}
