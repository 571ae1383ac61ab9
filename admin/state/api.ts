/** Calls of the admin API: the session's token goes with each, and every failure becomes one kind of error. */
import { signal } from '@preact/signals';
import { end, session } from './session.ts';

/** Whether the gateway can be reached; the live feed sets it back. */
export const isReachable = signal(true);

/** A refusal of the gateway, or no answer at all (`status` 0). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly param: string | null;
  /** With 409: the entry as it is now. */
  readonly current: unknown;

  constructor(status: number, code: string, message: string, param: string | null = null, current: unknown = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.param = param;
    this.current = current;
  }
}

const base = '/admin/api';

/** GETs JSON. Throws an ApiError; what ends the session leads to the login page. */
export function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return call<T>('GET', path, undefined, signal);
}

export function post<T = unknown>(path: string, body: object = {}): Promise<T> {
  return call<T>('POST', path, body);
}

export function put<T = unknown>(path: string, body: object): Promise<T> {
  return call<T>('PUT', path, body);
}

export function remove(path: string): Promise<unknown> {
  return call('DELETE', path);
}

/** A path with a query; parameters that are null or empty are left out. */
export function withQuery(path: string, query: Record<string, string | number | boolean | null>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== null && value !== '') search.set(name, String(value));
  const text = search.toString();
  return text === '' ? path : `${path}?${text}`;
}

async function call<T>(method: string, path: string, body?: object, signal?: AbortSignal): Promise<T> {
  const answer = await request(method, path, body, signal);
  const text = await answer.text();
  const value = parse(text);
  if (!answer.ok) throw refusal(answer.status, value);
  // What the gateway answers with is typed by the contract that both are built on.
  const typed: T = JSON.parse(text === '' ? 'null' : text);
  return typed;
}

/** The raw answer, for streams and files. Throws an ApiError for none. */
export async function request(
  method: string,
  path: string,
  body?: object,
  signal: AbortSignal | null = null,
): Promise<Response> {
  const headers: Record<string, string> = {};
  const token = session.value?.token;
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
  if (body !== undefined) headers['content-type'] = 'application/json';
  let answer: Response;
  try {
    answer = await fetch(base + path, {
      method,
      headers,
      signal,
      cache: 'no-store',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    isReachable.value = false;
    throw new ApiError(0, 'unreachable', 'The gateway cannot be reached.');
  }
  if (answer.status === 401 && token !== undefined && token === session.value?.token) end('expired');
  return answer;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The error of an answer in OpenAI's envelope. */
export function refusal(status: number, value: unknown): ApiError {
  const error = field(value, 'error');
  const text = (name: string): string | null => {
    const found = field(error, name);
    return typeof found === 'string' ? found : null;
  };
  return new ApiError(
    status,
    text('code') ?? `http_${status}`,
    text('message') ?? `HTTP ${status}`,
    text('param'),
    field(value, 'current'),
  );
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
