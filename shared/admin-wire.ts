/**
 * The bodies of the admin API, once: requests as schemas, from which their types follow, and answers as types. The panel
 * imports the types alone. A field's `description` says what is expected and completes the message when it isn't met.
 */
import Type, { type Static } from 'typebox';

const keyName = Type.String({ description: 'a text of 1 to 200 characters without control characters' });

export const loginRequest = Type.Object({
  username: Type.String({ description: 'a string' }),
  password: Type.String({ description: 'a string' }),
});
export type LoginRequest = Static<typeof loginRequest>;

export const createClientKeyRequest = Type.Object({
  key_name: keyName,
  /** A key of the operator's own choice; minted when left out. */
  api_key: Type.Optional(
    Type.String({
      pattern: '^[\\x21-\\x7e]{16,256}$',
      description: 'a string of 16 to 256 printable ASCII characters without spaces',
    }),
  ),
});
export type CreateClientKeyRequest = Static<typeof createClientKeyRequest>;

export const updateClientKeyRequest = Type.Object(
  { key_name: Type.Optional(keyName), is_active: Type.Optional(Type.Boolean({ description: 'true or false' })) },
  { minProperties: 1 },
);
export type UpdateClientKeyRequest = Static<typeof updateClientKeyRequest>;

export const addGeminiKeyRequest = Type.Object({
  key: Type.String({
    // Google issues keys of two forms and may issue others: only what can't be a key is refused.
    pattern: '^[A-Za-z0-9._~-]{20,512}$',
    description: 'a Gemini key: 20 to 512 letters, digits and . _ ~ -',
  }),
});
export type AddGeminiKeyRequest = Static<typeof addGeminiKeyRequest>;

export interface LoginAnswer {
  token: string;
}

export interface VerifyAnswer {
  status: 'valid';
}

export interface DashboardAnswer {
  total_api_keys: number;
  active_keys: number;
  total_requests: number;
  /** Input and output together. */
  total_tokens: number;
  total_input_tokens: number;
  total_output_tokens: number;
  requests_in_flight: number;
  gemini_keys: { total: number; enabled: number; leases: number };
}

export interface ClientKeyEntry {
  id: string;
  key_name: string;
  /** Masked: the whole key is shown once, by the answer that created it. */
  api_key: string;
  is_active: boolean;
  /** ISO 8601, UTC. */
  created_at: string;
  total_requests: number;
  total_input_tokens: number;
  total_output_tokens: number;
}

export interface ClientKeyList {
  api_keys: ClientKeyEntry[];
}

/** The answer that created a client key, or added a Gemini key: whole for the former, masked for the latter. */
export interface KeyCreated {
  id: string;
  api_key: string;
}

export interface GeminiKeyEntry {
  id: string;
  /** Masked. */
  api_key: string;
  /** Keys of the environment can't be deleted here. */
  source: 'environment' | 'stored';
  state: 'enabled' | 'disabled';
  /** Why Google refuses the key; null while it is enabled. */
  disabled_reason: string | null;
  in_flight: number;
  /** Models for which the key rests, with the time until it is back. */
  rests: { model: string; remaining_ms: number; reason: string }[];
}

export interface GeminiKeyList {
  gemini_keys: GeminiKeyEntry[];
}

export interface Deleted {
  id: string;
  deleted: true;
}
