/** A chat completion request of OpenAI's as the request that Gemini gets, and what the answer's side must know of it. */
import type { GeminiRequest, GenerationConfig, JsonRecord } from '../../shared/gemini-wire.ts';
import { limits } from '../../shared/limits.ts';
import type { AnswerContext } from './answer-context.ts';
import { type AffinityMode, affinityOf, ownedByProject } from './conversation-key.ts';
import { readBoolean, readInteger, readRecord, unsupported, unsupportedValue } from './field-readers.ts';
import { readGenerationConfig } from './generation-config.ts';
import { readGoogle, readGoogleSettings, readImageConfig, readModalities } from './google-extension.ts';
import { parseBodyObject, withoutBrokenText } from './json-text.ts';
import type { LiftedBody, LiftedData } from './lifted-data.ts';
import { placeSystem, readMessages } from './message-list.ts';
import { familyOf } from './model-family.ts';
import { readModelName } from './model-name.ts';
import { readServiceTier, refuseUnsupported, warnOfIgnored } from './request-limits.ts';
import { applyResponseFormat, readResponseFormat } from './response-format.ts';
import { readThinking } from './thinking.ts';
import { readTools } from './tool-declarations.ts';
import { type CutBody, isListOf, type ToolList, type ToolLists } from './tool-lists.ts';
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
  /** The request for generateContent or streamGenerateContent, with tokens in the place of `data`. */
  geminiBody: string;
  /** Large data of the request, to be put in when it is sent; null without. */
  data: LiftedData | null;
  /** Names of what was left out or rewritten, for `x-gemini-pool-warnings`. */
  warnings: string[];
  /** Requests with the same token go to the same key while it may serve; null leaves it to the rotation. */
  affinity: string | null;
  /** The cache or file at Google that the request refers to; null without. */
  ownedBy: string | null;
  answer: AnswerContext;
}

/** A request's body, parsed: its text is kept, since it tells at once whether any of it is broken. */
export interface ChatBody extends LiftedBody {
  readonly value: JsonRecord;
  /** Its tools, where they were cut out; they are not in `text` then. */
  readonly tools: ToolList | null;
}

/** Parses a request's body. Throws `invalid_json`, or `invalid_type` for what is no object. */
export function readChatBody({ text, data }: LiftedBody, lists: ToolLists | null = null): ChatBody {
  try {
    const cut = lists?.cut(text) ?? null;
    const value = cut === null ? null : parseWithoutTools(cut);
    if (cut === null || value === null) return { text, data, value: parseBodyObject(text), tools: null };
    return { text: cut.rest, data, value, tools: cut.list };
  } catch (error) {
    // The place of a fault is to be that in the client's text.
    if (data !== null) parseBodyObject(data.text);
    throw error;
  }
}

/** Null when it is not so simple, which the whole text then tells. */
function parseWithoutTools({ rest, list }: CutBody): JsonRecord | null {
  try {
    const value = parseBodyObject(rest);
    return isListOf(value) && list.isJson() ? value : null;
  } catch {
    return null;
  }
}

/** Parses, validates and translates a request. Throws a GatewayError that names the parameter at fault. */
export function planChat(bodyText: string, options: TranslateOptions): ChatPlan {
  return planParsedChat(readChatBody({ text: bodyText, data: null }), options);
}

/** The same for a body that was parsed before. */
export function planParsedChat(chatBody: ChatBody, options: TranslateOptions): ChatPlan {
  const { text: bodyText, data, value: body } = chatBody;
  const { strict } = options;
  const { model, modelAsked } = readModelName(body['model'], options.aliases);
  const family = familyOf(model);
  const warnings: string[] = [];
  const stream = readBoolean(body, 'stream') ?? false;
  refuseUnsupported(body);
  const choices = readInteger(body, 'n', 1, limits.choicesMax) ?? 1;
  const google = readGoogle(body);
  const format = readResponseFormat(body);
  const tools = readTools(body, chatBody.tools, google, family, format !== undefined, warnings);
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
  if (tools.config !== undefined) request.toolConfig = tools.config;
  if (!isEmpty(config)) request.generationConfig = config;
  addSettings(request, body, google, options);
  const toolsJson = leaveToCache(request, tools.json, strict, warnings);
  warnOfIgnored(body, strict, warnings);
  const [ignored] = warnings;
  if (strict && ignored !== undefined) throw unsupported(ignored, `${model} cannot honour it as it stands.`);
  return {
    model,
    modelAsked,
    stream,
    choices,
    upstreamStreams: stream || family.continues,
    affinity: affinityOf(body, request, data, options.affinity ?? 'off'),
    ownedBy: ownedByProject(request),
    geminiBody: withoutBrokenText(withTools(JSON.stringify(request), toolsJson), bodyText),
    data,
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

/** Tools are JSON already, and are not to be made anew with each request. */
function withTools(json: string, toolsJson: string): string {
  return toolsJson === '' ? json : `{"tools":${toolsJson},${json.slice(1)}`;
}

function addSettings(
  request: GeminiRequest,
  body: JsonRecord,
  google: JsonRecord,
  { optOutOfStore }: TranslateOptions,
): void {
  readGoogleSettings(google, request);
  const serviceTier = readServiceTier(body);
  if (serviceTier !== undefined) request.serviceTier = serviceTier;
  if (optOutOfStore === true) request.store = false;
}

/** System text and tools live in the cache that a request refers to, and Gemini refuses them beside it. Gives the tools. */
function leaveToCache(request: GeminiRequest, toolsJson: string, strict: boolean, warnings: string[]): string {
  if (request.cachedContent === undefined) return toolsJson;
  if (request.systemInstruction === undefined && toolsJson === '') return '';
  if (strict)
    throw unsupportedValue(
      'extra_body.google.cached_content',
      'system messages and tools must be part of the cached content.',
    );
  delete request.systemInstruction;
  delete request.toolConfig;
  warnings.push('cached_content');
  return '';
}

function isEmpty(config: GenerationConfig): boolean {
  for (const _ in config) return false;
  return true;
}
