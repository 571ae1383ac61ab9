/** The requests of the Gemini API after the walker has checked them: camelCase names, lists as lists, no nulls. */

export interface Part {
  text?: string;
  inlineData?: { mimeType?: string; data?: string };
  fileData?: { mimeType?: string; fileUri?: string };
  functionCall?: { id?: string; name?: string; args?: Record<string, unknown> };
  functionResponse?: { id?: string; name?: string; response?: Record<string, unknown>; parts?: unknown[] };
  executableCode?: unknown;
  codeExecutionResult?: unknown;
  toolCall?: unknown;
  toolResponse?: unknown;
  thought?: boolean;
  thoughtSignature?: string;
}

export interface Content {
  role?: string;
  parts?: Part[];
}

/** The proto `Schema`: OpenAPI's subset, with no keyword beyond these. */
export interface Schema {
  type?: string;
  format?: string;
  enum?: string[];
  items?: Schema;
  minItems?: number | string;
  minLength?: number | string;
  minimum?: number;
  properties?: Record<string, Schema>;
  required?: string[];
  anyOf?: Schema[];
  nullable?: boolean;
}

export interface FunctionDeclaration {
  name?: string;
  description?: string;
  parameters?: Schema;
  parametersJsonSchema?: unknown;
}

export interface Tool {
  functionDeclarations?: FunctionDeclaration[];
  googleSearch?: unknown;
  googleSearchRetrieval?: unknown;
  codeExecution?: unknown;
  urlContext?: unknown;
  computerUse?: unknown;
  fileSearch?: unknown;
  googleMaps?: unknown;
  mcpServers?: unknown;
}

export interface ToolConfig {
  functionCallingConfig?: { mode?: string; allowedFunctionNames?: string[] };
  includeServerSideToolInvocations?: boolean;
}

export interface GenerationConfig {
  candidateCount?: number;
  stopSequences?: string[];
  maxOutputTokens?: number;
  temperature?: number;
  topP?: number;
  topK?: number;
  seed?: number;
  responseMimeType?: string;
  responseSchema?: Schema;
  responseJsonSchema?: unknown;
  _responseJsonSchema?: unknown;
  responseFormat?: {
    text?: { mimeType?: string; schema?: unknown };
    audio?: { mimeType?: string; sampleRate?: number };
  };
  presencePenalty?: number;
  frequencyPenalty?: number;
  responseLogprobs?: boolean;
  logprobs?: number;
  responseModalities?: string[];
  speechConfig?: {
    voiceConfig?: { prebuiltVoiceConfig?: { voiceName?: string } };
    multiSpeakerVoiceConfig?: { speakerVoiceConfigs?: unknown[] };
  };
  imageConfig?: { aspectRatio?: string; imageSize?: string };
  thinkingConfig?: { includeThoughts?: boolean; thinkingBudget?: number; thinkingLevel?: string };
  mediaResolution?: string;
  audioTranscriptionConfig?: { mode?: string };
}

export interface GenerateContentRequest {
  model?: string;
  contents?: Content[];
  systemInstruction?: Content;
  tools?: Tool[];
  toolConfig?: ToolConfig;
  safetySettings?: { category?: string; threshold?: string }[];
  generationConfig?: GenerationConfig;
  cachedContent?: string;
  serviceTier?: string;
  continuationToken?: string;
}

export interface CountTokensRequest {
  model?: string;
  contents?: Content[];
  generateContentRequest?: GenerateContentRequest;
}

export interface EmbedContentRequest {
  model?: string;
  content?: Content;
  taskType?: string;
  title?: string;
  outputDimensionality?: number;
}

export interface BatchEmbedContentsRequest {
  requests?: EmbedContentRequest[];
}

/** Whether a value from `JSON.parse` is an object, not a list. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
