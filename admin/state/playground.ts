/** The playground's conversation and key. They live as long as the page: neither is stored anywhere. */
import { signal } from '@preact/signals';
import { ApiError, post } from './api.ts';
import { type ChatResult, chatModels, type Message, sendChat } from './chat.ts';

const mintedMs = 3_600_000;

export const key = signal('');
export const models = signal<readonly string[]>([]);
export const model = signal('');
export const system = signal('');
export const tools = signal('');
export const effort = signal('');
export const isStreaming = signal(true);
export const messages = signal<readonly Message[]>([]);
export const result = signal<ChatResult | null>(null);
export const failure = signal<ApiError | null>(null);
export const isRunning = signal(false);

let running: AbortController | null = null;

/** Makes a client key that expires in an hour, and uses it. Throws an ApiError. */
export async function mintKey(name: string): Promise<void> {
  const expires_at = new Date(Date.now() + mintedMs).toISOString();
  const { api_key } = await post<{ api_key: string }>('/api-keys', { key_name: name, expires_at });
  await useKey(api_key);
}

/** Takes a key and asks which models it may use. Throws an ApiError. */
export async function useKey(next: string): Promise<void> {
  key.value = next;
  models.value = await chatModels(next);
  if (!models.value.includes(model.value))
    model.value = models.value.find((id) => /^gemini-[\d.]+-flash$/.test(id)) ?? models.value[0] ?? '';
}

/** Adds messages to the conversation and sends it; the answer grows in `messages`. */
export async function send(added: readonly Message[]): Promise<void> {
  const asked = [...messages.value, ...added];
  messages.value = asked;
  failure.value = null;
  result.value = null;
  isRunning.value = true;
  running = new AbortController();
  try {
    const request = {
      key: key.value,
      model: model.value,
      system: system.value,
      messages: asked,
      tools: tools.value,
      effort: effort.value,
      stream: isStreaming.value,
    };
    result.value = await sendChat(request, running.signal, (message) => {
      messages.value = [...asked, message];
    });
  } catch (error) {
    if (error instanceof SyntaxError) failure.value = new ApiError(0, 'tools_not_json', error.message);
    else if (error instanceof ApiError) failure.value = error;
    else if (!(error instanceof DOMException && error.name === 'AbortError'))
      failure.value = new ApiError(0, 'cut', String(error));
  }
  isRunning.value = false;
}

export function stop(): void {
  running?.abort();
}

export function clear(): void {
  stop();
  messages.value = [];
  result.value = null;
  failure.value = null;
}
