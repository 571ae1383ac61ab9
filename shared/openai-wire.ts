/** OpenAI's wire, as far as we emit it: chat completions, with the extensions that clients of Gemini know. */

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'function_call';

/** Where Google's own OpenAI endpoint puts the signature that must come back with a call, an image or a text. */
export interface ExtraContent {
  google: {
    thought_signature?: string;
    /** What Gemini's own tools did in the turn, to come back with the message. */
    server_tool_parts?: readonly unknown[];
  };
}

export interface FunctionToolCall {
  id: string;
  type: 'function';
  function: { name: string; arguments: string };
  extra_content?: ExtraContent;
}

export interface CustomToolCall {
  id: string;
  type: 'custom';
  custom: { name: string; input: string };
  extra_content?: ExtraContent;
}

export type ToolCall = FunctionToolCall | CustomToolCall;

export interface UrlCitation {
  type: 'url_citation';
  url_citation: { start_index: number; end_index: number; title: string; url: string };
}

export interface ImageOutput {
  type: 'image_url';
  image_url: { url: string };
  index: number;
  extra_content?: ExtraContent;
}

export interface ChatMessage {
  role: 'assistant';
  content: string | null;
  refusal: null;
  reasoning_content?: string;
  tool_calls?: ToolCall[];
  function_call?: { name: string; arguments: string };
  annotations?: UrlCitation[];
  images?: ImageOutput[];
  extra_content?: ExtraContent;
}

export type ServiceTier = 'default' | 'flex' | 'priority';

export interface CompletionUsage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  prompt_tokens_details: { cached_tokens: number; audio_tokens: number };
  completion_tokens_details: {
    reasoning_tokens: number;
    audio_tokens: number;
    accepted_prediction_tokens: number;
    rejected_prediction_tokens: number;
  };
}

export interface ChatCompletion {
  id: string;
  object: 'chat.completion';
  created: number;
  model: string;
  choices: { index: number; message: ChatMessage; logprobs: null; finish_reason: FinishReason }[];
  usage: CompletionUsage;
  service_tier?: ServiceTier;
}
