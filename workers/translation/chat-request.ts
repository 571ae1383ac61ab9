/** A chat completion request of OpenAI's as the request that Gemini gets, and what the answer's side must know of it. */
import type { GeminiRequest, GenerationConfig, JsonRecord } from '../../shared/gemini-wire.ts';
import { limits } from '../../shared/limits.ts';
import type { AnswerContext } from './answer-context.ts';
import { type AffinityMode, affinityOf, ownedByProject } from './conversation-key.ts';
import { readBoolean, readInteger, readRecord, unsupported, unsupportedValue } from './field-readers.ts';
import { readGenerationConfig } from './generation-config.ts';
import { readGoogle, readGoogleSettings, readImageConfig, readModalities } from './google-extension.ts';
import { parseBodyObject, withoutBrokenText } from './json-text.ts';
import { placeSystem, readMessages } from './message-list.ts';
import { familyOf } from './model-family.ts';
import { readModelName } from './model-name.ts';
import { readServiceTier, refuseUnsupported, warnOfIgnored } from './request-limits.ts';
import { applyResponseFormat, readResponseFormat } from './response-format.ts';
import { readThinking } from './thinking.ts';
import { readTools, type ToolSetup } from './tool-declarations.ts';
import { guessTokens } from './usage-mapping.ts';

export interface TranslateOptions {
  /** Refuse what would else be left out or rewritten. */
  strict: boolean;
  /** What to do with an answer that ends regularly and is empty; by default it is passed on as it is. */
  emptyAnswer?: AnswerContext['emptyAnswer'];
  /** Names that clients use, by the models that shall answer for them. */
  aliases?: ReadonlyMap<string, string>;
  /** Tell Google not to keep requests for its logs. */
  optOutOfStore?: boolean;
  /** Streams that Google cuts are continued on another key. */
  resumeStreams?: boolean;
  /** What keeps requests on one key: nothing, `prompt_cache_key`, or also the beginning of the conversation. */
  affinity?: AffinityMode;
}

export interface ChatPlan {
  /** Gemini's model id for the path, without `models/`. */
  model: string;
  /** As the client named it; echoed in answers. */
  modelAsked: string;
  stream: boolean;
  /** How many choices were asked for: each is a call of its own, since current models make one at a time. */
  choices: number;
  /** Gemini is asked for a stream even when the client gets the answer whole: its cap on one call is higher then. */
  upstreamStreams: boolean;
  /** The request for generateContent or streamGenerateContent. */
  geminiBody: string;
  /** Names of what was left out or rewritten, for `x-gemini-pool-warnings`. */
  warnings: string[];
  /** Requests with the same token go to the same key while it may serve; null leaves it to the rotation. */
  affinity: string | null;
  /** The cache or file at Google that the request refers to; null without. */
  ownedBy: string | null;
  answer: AnswerContext;
}

/** A request's body, parsed: its text is kept, since it tells at once whether any of it is broken. */
export interface ChatBody {
  readonly text: string;
  readonly value: JsonRecord;
}

/** Parses a request's body. Throws `invalid_json`, or `invalid_type` for what is no object. */
export function readChatBody(text: string): ChatBody {
  return { text, value: parseBodyObject(text) };
}

/** Parses, validates and translates a request. Throws a GatewayError that names the parameter at fault. */
export function planChat(bodyText: string, options: TranslateOptions): ChatPlan {
  return planParsedChat(readChatBody(bodyText), options);
}

/** The same for a body that was parsed before. */
export function planParsedChat({ text: bodyText, value: body }: ChatBody, options: TranslateOptions): ChatPlan {
  const { strict } = options;
  const { model, modelAsked } = readModelName(body['model'], options.aliases);
  const family = familyOf(model);
  const warnings: string[] = [];
  const stream = readBoolean(body, 'stream') ?? false;
  refuseUnsupported(body);
  const choices = readInteger(body, 'n', 1, limits.choicesMax) ?? 1;
  const google = readGoogle(body);
  const format = readResponseFormat(body);
  const tools = readTools(body, google, family, format !== undefined, warnings);
  const { names } = tools;
  const conversation = readMessages(body['messages'], { family, names, strict, warnings });
  const config = readGenerationConfig(body, family, warnings);
  const thinking = readThinking(body, google, family, strict, warnings);
  if (thinking !== undefined) config.thinkingConfig = thinking;
  const request: GeminiRequest = { contents: conversation.contents };
  if (format !== undefined) {
    const words = applyResponseFormat(format, config, tools, family, strict, warnings);
    if (words !== undefined) conversation.system.push({ text: words });
  }
  placeSystem(conversation, request, family);
  addImageOutput(body, google, config);
  addTools(request, tools);
  if (!isEmpty(config)) request.generationConfig = config;
  addSettings(request, body, google, options, warnings);
  warnOfIgnored(body, strict, warnings);
  const [ignored] = warnings;
  if (strict && ignored !== undefined) throw unsupported(ignored, `${model} cannot honour it as it stands.`);
  return {
    model,
    modelAsked,
    stream,
    choices,
    upstreamStreams: stream || family.continues,
    affinity: affinityOf(body, request, options.affinity ?? 'off'),
    ownedBy: ownedByProject(request),
    geminiBody: withoutBrokenText(JSON.stringify(request), bodyText),
    warnings,
    answer: {
      modelAsked,
      includeUsage: stream && readIncludeUsage(body),
      showThoughts: thinking?.includeThoughts === true,
      tools: names,
      legacyFunctions: tools.isLegacy,
      firstCallOnly: readBoolean(body, 'parallel_tool_calls') === false,
      mayCite: tools.hasSearch,
      emptyAnswer: options.emptyAnswer ?? 'stop',
      resumes: stream && options.resumeStreams === true && !tools.hasSearch,
      promptTokensGuess: guessTokens(conversation.charsGuess),
    },
  };
}

function readIncludeUsage(body: JsonRecord): boolean {
  const options = readRecord(body, 'stream_options');
  return options !== undefined && readBoolean(options, 'include_usage', 'stream_options.include_usage') === true;
}

function addImageOutput(body: JsonRecord, google: JsonRecord, config: GenerationConfig): void {
  const modalities = readModalities(body, google);
  if (modalities !== undefined) config.responseModalities = modalities;
  const imageConfig = readImageConfig(google);
  if (imageConfig !== undefined) config.imageConfig = imageConfig;
}

function addTools(request: GeminiRequest, { tools, config }: ToolSetup): void {
  if (tools.length > 0) request.tools = tools;
  if (config !== undefined) request.toolConfig = config;
}

function addSettings(
  request: GeminiRequest,
  body: JsonRecord,
  google: JsonRecord,
  { strict, optOutOfStore }: TranslateOptions,
  warnings: string[],
): void {
  readGoogleSettings(google, request);
  const serviceTier = readServiceTier(body);
  if (serviceTier !== undefined) request.serviceTier = serviceTier;
  if (optOutOfStore === true) request.store = false;
  // These live in the cache, and Gemini refuses them beside it.
  if (request.cachedContent !== undefined && (request.systemInstruction ?? request.tools) !== undefined) {
    if (strict)
      throw unsupportedValue(
        'extra_body.google.cached_content',
        'system messages and tools must be part of the cached content.',
      );
    delete request.systemInstruction;
    delete request.tools;
    delete request.toolConfig;
    warnings.push('cached_content');
  }
}

function isEmpty(config: GenerationConfig): boolean {
  for (const _ in config) return false;
  return true;
}
