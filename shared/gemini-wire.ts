/**
 * Gemini's wire: the request that we build, typed as strictly as Google reads it, and the fields of the response that
 * we read. Nothing of a response is trusted: fields are `unknown` until a guard has looked at them.
 */

/** A base64 signature of the model's thinking, which must come back on the part that it came with. */
interface Signed {
  thoughtSignature?: string;
}

export interface TextPart extends Signed {
  text: string;
}

export interface InlineDataPart extends Signed {
  inlineData: { mimeType: string; data: string };
}

export interface FileDataPart extends Signed {
  fileData: { mimeType?: string; fileUri: string };
}

export interface FunctionCallPart extends Signed {
  functionCall: { id?: string; name: string; args: unknown };
}

export interface FunctionResponsePart {
  functionResponse: { id?: string; name: string; response: unknown; parts?: InlineDataPart[] };
}

/** What one of Gemini's own tools was asked, or what it gave. */
export interface ServerToolPart extends Signed {
  toolCall?: unknown;
  toolResponse?: unknown;
}

export type GeminiPart =
  | TextPart
  | InlineDataPart
  | FileDataPart
  | FunctionCallPart
  | FunctionResponsePart
  | ServerToolPart;

export interface GeminiContent {
  role: 'user' | 'model';
  parts: GeminiPart[];
}

export interface FunctionDeclaration {
  name: string;
  description: string;
  parameters?: unknown;
  parametersJsonSchema?: unknown;
}

export interface FunctionCallingConfig {
  mode: 'AUTO' | 'ANY' | 'NONE' | 'VALIDATED';
  allowedFunctionNames?: string[];
}

export interface ToolConfig {
  functionCallingConfig?: FunctionCallingConfig;
  includeServerSideToolInvocations?: true;
}

export interface ThinkingConfig {
  includeThoughts?: boolean;
  thinkingBudget?: number;
  thinkingLevel?: string;
}

export interface GenerationConfig {
  stopSequences?: string[];
  maxOutputTokens?: number;
  temperature?: number;
  topP?: number;
  topK?: number;
  seed?: number;
  responseMimeType?: 'application/json';
  responseSchema?: unknown;
  responseJsonSchema?: unknown;
  responseModalities?: string[];
  imageConfig?: { aspectRatio?: string; imageSize?: string };
  thinkingConfig?: ThinkingConfig;
}

export interface SafetySetting {
  category: string;
  threshold: string;
}

/** Its `tools` are added to it as JSON: `tool-declarations.ts`. */
export interface GeminiRequest {
  contents: GeminiContent[];
  systemInstruction?: { parts: TextPart[] };
  toolConfig?: ToolConfig;
  safetySettings?: SafetySetting[];
  generationConfig?: GenerationConfig;
  cachedContent?: string;
  serviceTier?: 'flex' | 'standard' | 'priority';
  store?: false;
}

/** A whole answer, or one event of a stream, whose parts are then deltas. */
export interface GeminiResponse {
  readonly candidates?: unknown;
  readonly promptFeedback?: unknown;
  readonly usageMetadata?: unknown;
  readonly modelVersion?: unknown;
}

export interface GeminiCandidate {
  readonly content?: unknown;
  readonly finishReason?: unknown;
  readonly continuationToken?: unknown;
  readonly finishMessage?: unknown;
  readonly index?: unknown;
  readonly groundingMetadata?: unknown;
}

/** A JSON object, of which nothing more is known. */
export type JsonRecord = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value if it is a list, else an empty one: Google leaves out what is empty. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : none;
}

const none: readonly unknown[] = [];

/** The candidate that is asked for: we never ask for a second one, so others are not looked at. */
export function firstCandidate(response: GeminiResponse): GeminiCandidate | null {
  for (const candidate of listOf(response.candidates))
    if (isRecord(candidate) && (candidate['index'] === undefined || candidate['index'] === 0)) return candidate;
  return null;
}
