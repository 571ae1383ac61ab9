/** A conversation of the playground: sent to the gateway as any OpenAI client would, and read as it streams. */
import { refusal } from './api.ts';
import { readEvents } from './event-stream.ts';

export interface ToolCall {
  id: string;
  name: string;
  arguments: string;
  /** Gemini's signature of its thoughts, which goes back with the call. */
  extra_content?: unknown;
}

export type Message =
  | { role: 'user'; text: string; images: string[] }
  | { role: 'assistant'; text: string; reasoning: string; calls: ToolCall[] }
  | { role: 'tool'; callId: string; name: string; text: string };

export interface ChatRequest {
  key: string;
  model: string;
  system: string;
  messages: readonly Message[];
  /** OpenAI's tools as JSON text; empty for none. */
  tools: string;
  effort: string;
  stream: boolean;
}

export interface ChatResult {
  requestId: string | null;
  warnings: string | null;
  finishReason: string | null;
  promptTokens: number | null;
  completionTokens: number | null;
  tookMs: number;
  firstMs: number | null;
}

/** Pieces of an answer, whole or streamed. */
interface Delta {
  content?: string | null;
  reasoning_content?: string | null;
  tool_calls?: {
    index?: number;
    id?: string;
    function?: { name?: string; arguments?: string };
    extra_content?: unknown;
  }[];
}

interface Piece {
  choices?: { delta?: Delta; message?: Delta; finish_reason?: string | null }[];
  usage?: { prompt_tokens?: number; completion_tokens?: number } | null;
  error?: unknown;
}

/** Models that the key may ask for chat. Throws an ApiError. */
export async function chatModels(key: string): Promise<string[]> {
  const answer = await fetch('/v1/models', { headers: { authorization: `Bearer ${key}` }, cache: 'no-store' });
  const body: { data?: { id: string; endpoints?: string[] }[] } = await answer.json();
  if (!answer.ok) throw refusal(answer.status, body);
  return (body.data ?? [])
    .filter(({ endpoints }) => endpoints === undefined || endpoints.includes('/v1/chat/completions'))
    .map(({ id }) => id);
}

/** Sends the conversation; `onMessage` gets the answer as it grows. Throws an ApiError, or the abort of `signal`. */
export async function sendChat(
  request: ChatRequest,
  signal: AbortSignal,
  onMessage: (message: Extract<Message, { role: 'assistant' }>) => void,
): Promise<ChatResult> {
  const begunMs = performance.now();
  const answer = await fetch('/v1/chat/completions', {
    method: 'POST',
    headers: { authorization: `Bearer ${request.key}`, 'content-type': 'application/json' },
    body: JSON.stringify(bodyOf(request)),
    signal,
  });
  if (!answer.ok) throw refusal(answer.status, await answer.json().catch(() => null));
  const result: ChatResult = {
    requestId: answer.headers.get('x-request-id'),
    warnings: answer.headers.get('x-gemini-pool-warnings'),
    finishReason: null,
    promptTokens: null,
    completionTokens: null,
    tookMs: 0,
    firstMs: null,
  };
  const message: Extract<Message, { role: 'assistant' }> = { role: 'assistant', text: '', reasoning: '', calls: [] };
  const take = (piece: Piece): void => {
    if (piece.error !== undefined) throw refusal(answer.status, piece);
    const [choice] = piece.choices ?? [];
    const delta = choice?.delta ?? choice?.message;
    if (delta !== undefined) {
      if (result.firstMs === null && (delta.content || delta.reasoning_content || delta.tool_calls))
        result.firstMs = performance.now() - begunMs;
      grow(message, delta);
      onMessage({ ...message, calls: [...message.calls] });
    }
    result.finishReason = choice?.finish_reason ?? result.finishReason;
    result.promptTokens = piece.usage?.prompt_tokens ?? result.promptTokens;
    result.completionTokens = piece.usage?.completion_tokens ?? result.completionTokens;
  };
  if (request.stream)
    await readEvents(answer, ({ data }) => {
      if (data !== '[DONE]') take(JSON.parse(data));
    });
  else take(await answer.json());
  result.tookMs = performance.now() - begunMs;
  return result;
}

function grow(message: Extract<Message, { role: 'assistant' }>, delta: Delta): void {
  message.text += delta.content ?? '';
  message.reasoning += delta.reasoning_content ?? '';
  for (const [position, part] of (delta.tool_calls ?? []).entries()) {
    const index = part.index ?? position;
    const call = message.calls[index] ?? { id: '', name: '', arguments: '' };
    message.calls[index] = {
      ...call,
      id: part.id ?? call.id,
      name: call.name + (part.function?.name ?? ''),
      arguments: call.arguments + (part.function?.arguments ?? ''),
      ...(part.extra_content === undefined ? {} : { extra_content: part.extra_content }),
    };
  }
}

function bodyOf({ model, system, messages, tools, effort, stream }: ChatRequest): object {
  return {
    model,
    messages: [...(system.trim() === '' ? [] : [{ role: 'system', content: system }]), ...messages.map(toOpenAi)],
    ...(tools.trim() === '' ? {} : { tools: JSON.parse(tools) }),
    ...(effort === ''
      ? {}
      : { reasoning_effort: effort, extra_body: { google: { thinking_config: { include_thoughts: true } } } }),
    ...(stream ? { stream: true, stream_options: { include_usage: true } } : {}),
  };
}

function toOpenAi(message: Message): object {
  if (message.role === 'tool') return { role: 'tool', tool_call_id: message.callId, content: message.text };
  if (message.role === 'assistant')
    return {
      role: 'assistant',
      content: message.text === '' && message.calls.length > 0 ? null : message.text,
      ...(message.calls.length === 0
        ? {}
        : {
            tool_calls: message.calls.map(({ id, name, arguments: text, extra_content }) => ({
              id,
              type: 'function',
              function: { name, arguments: text },
              ...(extra_content === undefined ? {} : { extra_content }),
            })),
          }),
    };
  if (message.images.length === 0) return { role: 'user', content: message.text };
  return {
    role: 'user',
    content: [
      { type: 'text', text: message.text },
      ...message.images.map((url) => ({ type: 'image_url', image_url: { url } })),
    ],
  };
}
