/**
 * Client keys in the admin API: bodies, queries and answers as schemas, from which types, validators and the OpenAPI
 * document follow. The panel imports the types alone. A field's `description` completes the message when it isn't met.
 */
import Type, { type Static, type TSchema } from 'typebox';

function orNull<T extends TSchema>(schema: T, description: string) {
  return Type.Union([schema, Type.Null()], { description });
}

const keyName = Type.String({ description: 'a text of 1 to 200 characters without control characters' });
const note = Type.String({ maxLength: 2_000, description: 'a text of at most 2,000 characters' });

/** Far beyond any use, and small enough that sums stay exact. */
const requestsMax = 1_000_000_000;
const tokensMax = 1_000_000_000_000;
const dollarsMax = 1_000_000;
const streamsMax = 1_000_000;

const wholeLimit = (maximum: number) =>
  Type.Optional(
    orNull(
      Type.Integer({ minimum: 1, maximum }),
      `a whole number from 1 to ${maximum.toLocaleString('en')}, or null for no limit`,
    ),
  );
const dollarLimit = Type.Optional(
  orNull(
    Type.Number({ minimum: 0.000001, maximum: dollarsMax }),
    `US dollars from 0.000001 to ${dollarsMax.toLocaleString('en')}, or null for no limit`,
  ),
);

const limitFields = {
  requests_per_minute: wholeLimit(requestsMax),
  tokens_per_minute: wholeLimit(tokensMax),
  tokens_per_day: wholeLimit(tokensMax),
  tokens_per_month: wholeLimit(tokensMax),
  cost_per_day: dollarLimit,
  cost_per_month: dollarLimit,
  concurrent_streams: wholeLimit(streamsMax),
};

/** What is left out stays as it is. */
export const clientKeyLimitsRequest = Type.Object(limitFields, {
  additionalProperties: false,
  description: `an object with some of ${Object.keys(limitFields).join(', ')}`,
});
export type ClientKeyLimitsRequest = Static<typeof clientKeyLimitsRequest>;

const allowedModels = orNull(
  Type.Array(
    Type.String({
      maxLength: 128,
      pattern: '^(models/)?[A-Za-z0-9][A-Za-z0-9._:@/-]*\\*?$',
      description: 'the name of a model, or the beginning of names followed by *',
    }),
    { minItems: 1, maxItems: 200, uniqueItems: true },
  ),
  'an array of 1 to 200 names of models, or null for all models',
);

const expiresAt = orNull(
  Type.String({ description: 'a time' }),
  'a time as 2027-01-31T00:00:00Z, or null for a key that never expires',
);

export const createClientKeyRequest = Type.Object({
  key_name: keyName,
  /** A key of the operator's own choice; minted when left out. */
  api_key: Type.Optional(
    Type.String({
      pattern: '^[\\x21-\\x7e]{16,256}$',
      description: 'a string of 16 to 256 printable ASCII characters without spaces',
    }),
  ),
  note: Type.Optional(note),
  expires_at: Type.Optional(expiresAt),
  limits: Type.Optional(clientKeyLimitsRequest),
  allowed_models: Type.Optional(allowedModels),
});
export type CreateClientKeyRequest = Static<typeof createClientKeyRequest>;

export const updateClientKeyRequest = Type.Object(
  {
    key_name: Type.Optional(keyName),
    is_active: Type.Optional(Type.Boolean({ description: 'true or false' })),
    note: Type.Optional(note),
    expires_at: Type.Optional(expiresAt),
    limits: Type.Optional(clientKeyLimitsRequest),
    allowed_models: Type.Optional(allowedModels),
    /** The version that the change was made on: refused with 409 when there is another by now. */
    version: Type.Optional(Type.Integer({ minimum: 1, description: 'a whole number from 1' })),
  },
  { minProperties: 1 },
);
export type UpdateClientKeyRequest = Static<typeof updateClientKeyRequest>;

const sortFields = ['created_at', 'key_name', 'expires_at', 'last_used_at', 'total_requests', 'total_tokens'] as const;
export type ClientKeySort = (typeof sortFields)[number];

export const listClientKeysQuery = Type.Object({
  query: Type.Optional(Type.String({ maxLength: 200, description: 'a part of the name, the note or the masked key' })),
  state: Type.Optional(
    Type.Enum(['active', 'inactive', 'expired'], { description: 'one of active, inactive, expired' }),
  ),
  sort: Type.Optional(
    Type.Enum([...sortFields, ...sortFields.map((field) => `-${field}` as const)], {
      description: `one of ${sortFields.join(', ')}, with - before it for the other direction`,
    }),
  ),
});
export type ListClientKeysQuery = Static<typeof listClientKeysQuery>;

const numberOrNull = Type.Union([Type.Number(), Type.Null()]);
const timeOrNull = Type.Union([Type.String(), Type.Null()]);

export const clientKeyEntry = Type.Object({
  id: Type.String(),
  key_name: Type.String(),
  api_key: Type.String({ description: 'Masked: the whole key is shown once, by the answer that created it.' }),
  is_active: Type.Boolean(),
  created_at: Type.String({ description: 'ISO 8601, UTC.' }),
  total_requests: Type.Integer(),
  total_input_tokens: Type.Integer(),
  total_output_tokens: Type.Integer(),
  version: Type.Integer({ description: 'One more with each change.' }),
  note: Type.String(),
  expires_at: timeOrNull,
  last_used_at: timeOrNull,
  limits: Type.Object(
    {
      requests_per_minute: numberOrNull,
      tokens_per_minute: numberOrNull,
      tokens_per_day: numberOrNull,
      tokens_per_month: numberOrNull,
      cost_per_day: numberOrNull,
      cost_per_month: numberOrNull,
      concurrent_streams: numberOrNull,
    },
    { description: 'Null is no limit. Days and months are those of UTC, costs US dollars.' },
  ),
  allowed_models: Type.Union([Type.Array(Type.String()), Type.Null()]),
  now: Type.Object({
    requests_this_minute: Type.Integer({ description: 'In the last 60 seconds.' }),
    tokens_this_minute: Type.Integer(),
    tokens_today: Type.Integer(),
    tokens_this_month: Type.Integer(),
    cost_today: Type.Union([Type.Number(), Type.Null()], { description: 'Null: no price of what was used is known.' }),
    cost_this_month: numberOrNull,
    streams: Type.Integer({ description: 'Requests in flight.' }),
  }),
});
export type ClientKeyEntry = Static<typeof clientKeyEntry>;

export const clientKeyList = Type.Object({ api_keys: Type.Array(clientKeyEntry) });
export type ClientKeyList = Static<typeof clientKeyList>;
