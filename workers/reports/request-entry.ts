/** A stored request in the words of the admin API; the Gemini keys' masked forms are known to the gateway alone. */
import type { AttemptEntry, RequestEntry } from '../../shared/admin-usage.ts';
import { dollarsOf } from './usage-sums.ts';

export interface RequestRow {
  id: string;
  at_ms: number;
  client_key_id: string;
  client_key_name: string | null;
  gemini_key_id: string | null;
  endpoint: string;
  model_asked: string | null;
  model_served: string | null;
  stream: number;
  status: number;
  termination: string;
  ended_by: string;
  phase: string;
  error_code: string | null;
  error_message: string | null;
  error_param: string | null;
  finish_reason: string | null;
  prompt_tokens: number;
  cached_tokens: number;
  tool_prompt_tokens: number;
  thoughts_tokens: number;
  output_tokens: number;
  tokens_estimated: number;
  cost_nano: number | null;
  first_token_ms: number | null;
  duration_ms: number;
  warnings: string;
  attempts: string;
}

/** To be selected from requests joined with client_keys. */
export const requestColumns = `requests.id, at_ms, client_key_id, client_keys.name AS client_key_name, gemini_key_id, endpoint,
  model_asked, model_served, stream, status, termination, ended_by, phase, error_code, error_message, error_param,
  finish_reason, prompt_tokens, cached_tokens, tool_prompt_tokens, thoughts_tokens, output_tokens, tokens_estimated,
  cost_nano, first_token_ms, duration_ms, warnings, attempts`;

export function entryOf(row: RequestRow): RequestEntry {
  return {
    id: row.id,
    at: new Date(row.at_ms).toISOString(),
    client_key_id: row.client_key_id,
    client_key_name: row.client_key_name,
    gemini_key_id: row.gemini_key_id,
    endpoint: row.endpoint,
    model_asked: row.model_asked,
    model_served: row.model_served,
    stream: row.stream === 1,
    status: row.status,
    outcome: outcomeOf(row.termination),
    ended_by: row.ended_by === 'client' || row.ended_by === 'upstream' ? row.ended_by : 'gateway',
    phase: row.phase,
    error_code: row.error_code,
    error_message: row.error_message,
    error_param: row.error_param,
    finish_reason: row.finish_reason,
    prompt_tokens: row.prompt_tokens,
    cached_tokens: row.cached_tokens,
    tool_prompt_tokens: row.tool_prompt_tokens,
    thoughts_tokens: row.thoughts_tokens,
    output_tokens: row.output_tokens,
    tokens_estimated: row.tokens_estimated === 1,
    cost: row.cost_nano === null ? null : dollarsOf(row.cost_nano),
    first_token_ms: row.first_token_ms,
    duration_ms: row.duration_ms,
    warnings: row.warnings === '' ? [] : row.warnings.split(', '),
    attempts: attemptsOf(row.attempts),
  };
}

function outcomeOf(termination: string): RequestEntry['outcome'] {
  if (termination === 'complete') return 'completed';
  return termination === 'client_gone' ? 'client_gone' : 'failed';
}

function attemptsOf(json: string): AttemptEntry[] {
  const attempts: unknown = JSON.parse(json);
  return Array.isArray(attempts) ? attempts.map(attemptOf) : [];
}

function attemptOf(attempt: unknown): AttemptEntry {
  const text = (name: string): string => String(fieldOf(attempt, name) ?? '');
  const number = (name: string): number => Number(fieldOf(attempt, name) ?? 0);
  return {
    gemini_key_id: text('geminiKeyId'),
    gemini_key: null,
    model: text('model'),
    started_ms: number('startedMs'),
    wait_ms: number('waitMs'),
    duration_ms: number('durationMs'),
    status: fieldOf(attempt, 'status') == null ? null : number('status'),
    reason: text('reason'),
  };
}

function fieldOf(source: unknown, name: string): unknown {
  return typeof source === 'object' && source !== null ? Reflect.get(source, name) : undefined;
}
