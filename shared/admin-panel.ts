/** What the admin API says to the panel alone: the settings as they are in force, and the live feed. The panel imports the types alone. */
import Type, { type Static } from 'typebox';

const settingSource = Type.Enum(['environment', '.env', 'default'] as const, {
  description: "Where the setting's value was found.",
});
export type SettingSource = Static<typeof settingSource>;

const settingEntry = Type.Object({
  name: Type.String({ description: 'Name in the configuration.' }),
  env: Type.String({ description: 'Name of the environment variable.' }),
  value: Type.String({ description: 'As it is in force; "set" or "not set" for a secret.' }),
  source: settingSource,
  description: Type.String(),
  secret: Type.Boolean(),
});
export type SettingEntry = Static<typeof settingEntry>;

export const settingsAnswer = Type.Object({
  settings: Type.Array(settingEntry),
  aliases: Type.Array(Type.Object({ name: Type.String(), model: Type.String() })),
  fallbacks: Type.Array(Type.Object({ model: Type.String(), fallbacks: Type.Array(Type.String()) })),
});
export type SettingsAnswer = Static<typeof settingsAnswer>;

export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
}

/** Data of the event `snapshot`, sent each second. */
export interface LiveSnapshot {
  /** ISO 8601, UTC. */
  at: string;
  /** Requests that ended and tokens that they used, a second, over the last five seconds. */
  requests_per_second: number;
  tokens_per_second: number;
  in_flight: number;
  streams: number;
  /** Of the requests that ended within the last five minutes and whose client stayed, 0 to 1; null when there were none. */
  success_rate: number | null;
  /** Over the last requests within five minutes; null when there were none. */
  latency_ms: Percentiles | null;
  first_token_ms: Percentiles | null;
  /** Failed requests of the last five minutes by error code. */
  errors_by_reason: Record<string, number>;
  totals: { total_api_keys: number; active_keys: number; total_requests: number; total_tokens: number };
  health: { status: 'ok' | 'degraded'; problems: string[] };
  gemini_keys: { total: number; enabled: number; resting: number };
}

/** One request in the data of the event `requests`. */
export interface LiveRequest {
  id: string;
  /** ISO 8601, UTC. */
  at: string;
  client_key_id: string;
  client_key_name: string | null;
  endpoint: string;
  model_asked: string | null;
  model_served: string | null;
  stream: boolean;
  status: number;
  outcome: 'completed' | 'failed' | 'client_gone';
  error_code: string | null;
  total_tokens: number;
  first_token_ms: number | null;
  duration_ms: number;
  attempts: number;
}

/** Data of the event `requests`: oldest first. */
export interface LiveRequests {
  requests: LiveRequest[];
  /** Requests that ended as well and were left out, since there were too many to look at. */
  skipped: number;
}
