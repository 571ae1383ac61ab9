/** The Gemini keys in the admin API: bodies and answers. The panel imports the types alone. */
import Type, { type Static } from 'typebox';

const time = Type.String({ description: 'ISO 8601, UTC.' });
const orNull = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

const project = Type.Union(
  [Type.String({ minLength: 1, maxLength: 64, pattern: '^[\\p{L}\\p{N}][\\p{L}\\p{N} ._:/-]*$' }), Type.Null()],
  { description: 'a name of 1 to 64 letters, digits, spaces and . _ : / -, or null for none' },
);

export const addGeminiKeyRequest = Type.Object({
  key: Type.String({
    // Google issues keys of two forms and may issue others: only what can't be a key is refused.
    pattern: '^[A-Za-z0-9._~-]{20,512}$',
    description: 'a Gemini key: 20 to 512 letters, digits and . _ ~ -',
  }),
  project: Type.Optional(project),
});
export type AddGeminiKeyRequest = Static<typeof addGeminiKeyRequest>;

export const addGeminiKeysRequest = Type.Object({
  /** Any number of keys, with whatever between them. */
  text: Type.String({ description: 'a text with Gemini keys in it' }),
  project: Type.Optional(project),
});
export type AddGeminiKeysRequest = Static<typeof addGeminiKeysRequest>;

export const updateGeminiKeyRequest = Type.Object(
  {
    project: Type.Optional(project),
    is_active: Type.Optional(Type.Boolean({ description: 'true or false' })),
    version: Type.Optional(Type.Integer({ description: 'the version that the change was made on' })),
  },
  { description: 'an object with project or is_active' },
);
export type UpdateGeminiKeyRequest = Static<typeof updateGeminiKeyRequest>;

const quotaLeft = Type.Object({
  limit: orNull(Type.Number({ description: 'As Google told it.' })),
  used: Type.Number(),
  left: orNull(Type.Number()),
  resets_ms: Type.Number({ description: 'Until some of it is given back, or all of a day.' }),
});

export const geminiKeyModel = Type.Object({
  model: Type.String(),
  available: Type.Boolean(),
  remaining_ms: Type.Number({ description: 'Until the key may serve the model; 0 when it may.' }),
  reason: orNull(Type.String({ description: 'Why it may not; quota_known when a known limit is used up.' })),
  in_flight: Type.Integer(),
  requests: Type.Integer({ description: 'Since the start.' }),
  succeeded: Type.Integer(),
  failed: Type.Integer(),
  quota: orNull(
    Type.Object({ requests_per_minute: quotaLeft, tokens_per_minute: quotaLeft, requests_per_day: quotaLeft }),
  ),
});
export type GeminiKeyModel = Static<typeof geminiKeyModel>;

export const geminiKeyEntry = Type.Object({
  id: Type.String(),
  api_key: Type.String({ description: 'Masked.' }),
  source: Type.Enum(['environment', 'stored'], { description: 'Keys of the environment are not deleted here.' }),
  state: Type.Enum(['enabled', 'disabled']),
  disabled_reason: orNull(Type.String()),
  disabled_by: orNull(Type.Enum(['google', 'operator'])),
  project: orNull(Type.String({ description: 'Keys of one Google project share its quotas.' })),
  project_source: orNull(Type.Enum(['operator', 'learnt'])),
  version: Type.Integer(),
  in_flight: Type.Integer(),
  requests: Type.Integer({ description: 'Since the start.' }),
  succeeded: Type.Integer(),
  last_error: orNull(
    Type.Object({
      at: time,
      model: Type.String(),
      status: orNull(Type.Integer()),
      reason: Type.String(),
      message: Type.String(),
    }),
  ),
  models: Type.Array(geminiKeyModel),
  rests: Type.Array(Type.Object({ model: Type.String(), remaining_ms: Type.Number(), reason: Type.String() })),
});
export type GeminiKeyEntry = Static<typeof geminiKeyEntry>;

export const geminiKeyList = Type.Object({ gemini_keys: Type.Array(geminiKeyEntry) });
export type GeminiKeyList = Static<typeof geminiKeyList>;

export const geminiKeysAdded = Type.Object({
  added: Type.Array(Type.Object({ id: Type.String(), api_key: Type.String({ description: 'Masked.' }) })),
  duplicates: Type.Array(Type.Object({ line: Type.Integer(), api_key: Type.String({ description: 'Masked.' }) })),
  malformed: Type.Array(Type.Object({ line: Type.Integer(), reason: Type.String() })),
});
export type GeminiKeysAdded = Static<typeof geminiKeysAdded>;

export const geminiKeyTested = Type.Object({
  ok: Type.Boolean(),
  status: orNull(Type.Integer({ description: "Google's HTTP status; null when there was no answer." })),
  message: Type.String(),
  models: Type.Integer({ description: 'How many models the key offers.' }),
});
export type GeminiKeyTested = Static<typeof geminiKeyTested>;
