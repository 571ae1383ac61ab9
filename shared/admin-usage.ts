/**
 * Usage, requests, prices and exports in the admin API: queries, bodies and answers as schemas, from which types follow.
 * The `description` of what is sent says what is expected and completes the message when it isn't met. Money is US dollars, null when it is unknown.
 */
import Type, { type Static } from 'typebox';

const time = Type.String({
  description: 'a time: ISO 8601 with its zone (2026-11-25T08:00:00Z), or milliseconds since 1970',
});
const clientKeyId = Type.String({ description: 'the id of a client key' });
const model = Type.String({ description: 'the name of a model, as it was served' });
const timeZone = Type.String({ description: 'a time zone such as Europe/Berlin; UTC when left out' });

const spans = ['minute', 'hour', 'day'] as const;
const groups = ['none', 'model', 'client_key', 'gemini_key'] as const;
const outcomes = ['completed', 'failed', 'client_gone'] as const;

export const seriesQuery = Type.Object({
  from: Type.Optional(time),
  to: Type.Optional(time),
  span: Type.Optional(Type.Enum(spans, { description: 'minute, hour or day' })),
  group_by: Type.Optional(Type.Enum(groups, { description: 'none, model, client_key or gemini_key' })),
  client_key: Type.Optional(clientKeyId),
  model: Type.Optional(model),
  time_zone: Type.Optional(timeZone),
});

export const summaryQuery = Type.Object({
  from: Type.Optional(time),
  to: Type.Optional(time),
  client_key: Type.Optional(clientKeyId),
  model: Type.Optional(model),
  time_zone: Type.Optional(timeZone),
});

const requestFilter = {
  from: Type.Optional(time),
  to: Type.Optional(time),
  client_key: Type.Optional(clientKeyId),
  gemini_key: Type.Optional(Type.String({ description: 'the id of a Gemini key, of the last attempt' })),
  model: Type.Optional(Type.String({ description: 'the name of a model, as asked for or as served' })),
  status: Type.Optional(Type.Integer({ minimum: 0, maximum: 999, description: 'an HTTP status' })),
  outcome: Type.Optional(Type.Enum(outcomes, { description: 'completed, failed or client_gone' })),
  error_code: Type.Optional(Type.String({ description: "a name of the README's table of errors" })),
  endpoint: Type.Optional(Type.String({ description: 'chat.completions or embeddings' })),
  stream: Type.Optional(Type.Boolean({ description: 'true or false' })),
  query: Type.Optional(
    Type.String({
      maxLength: 200,
      description: "at most 200 characters to look for in the request's id, models, error and client key's name",
    }),
  ),
};

export const requestsQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, description: 'a number from 1 to 200' })),
  cursor: Type.Optional(Type.String({ description: 'the next_cursor of the page before' })),
  ...requestFilter,
});

export const exportQuery = Type.Object({
  of: Type.Enum(['requests', 'rollups'] as const, { description: 'requests or rollups' }),
  format: Type.Optional(Type.Enum(['csv', 'json'] as const, { description: 'csv or json' })),
  span: Type.Optional(Type.Enum(spans, { description: 'minute, hour or day' })),
  ...requestFilter,
});

const dollars = (what: string) =>
  Type.Number({ minimum: 0, maximum: 10_000, description: `${what} in dollars per million tokens, 0 to 10000` });

const priceFields = {
  effective_from: Type.Optional(time),
  input: dollars('the price of input'),
  output: dollars('the price of output, thoughts included,'),
  cached_input: Type.Optional(dollars('the price of cached input')),
  long_prompt_tokens: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 100_000_000,
      description: 'the number of tokens above which a prompt is long; with it go long_input and long_output',
    }),
  ),
  long_input: Type.Optional(dollars('the price of input of long prompts')),
  long_output: Type.Optional(dollars('the price of output after long prompts')),
  long_cached_input: Type.Optional(dollars('the price of cached input of long prompts')),
};

export const createPriceRequest = Type.Object({
  model: Type.String({
    pattern: '^[A-Za-z0-9._:@-]{1,128}$',
    description: 'the name of a model: 1 to 128 letters, digits and . _ : @ -',
  }),
  ...priceFields,
});
export type CreatePriceRequest = Static<typeof createPriceRequest>;

/** Replaces an entry: what is left out is none, but for the time from which it holds, which stays. */
export const updatePriceRequest = Type.Object({
  ...priceFields,
  version: Type.Optional(Type.Integer({ minimum: 1, description: 'the version that was read' })),
});
export type UpdatePriceRequest = Static<typeof updatePriceRequest>;

const numberOrNull = Type.Union([Type.Number(), Type.Null()]);
const textOrNull = Type.Union([Type.String(), Type.Null()]);

export const priceEntry = Type.Object({
  id: Type.String(),
  model: Type.String(),
  effective_from: Type.String(),
  input: Type.Number(),
  output: Type.Number(),
  cached_input: Type.Union([Type.Number(), Type.Null()], { description: 'Null: as `input`.' }),
  long_prompt_tokens: numberOrNull,
  long_input: numberOrNull,
  long_output: numberOrNull,
  long_cached_input: numberOrNull,
  source: Type.Enum(['built-in', 'operator'] as const, {
    description: "Entries of the operator stand before the built-in ones, which can't be changed.",
  }),
  in_force: Type.Boolean({ description: 'Whether requests of this moment are priced by this entry.' }),
  version: Type.Integer(),
});
export type PriceEntry = Static<typeof priceEntry>;

export const priceList = Type.Object({ prices: Type.Array(priceEntry) });
export type PriceList = Static<typeof priceList>;

const percentiles = Type.Union([
  Type.Object({ p50: Type.Number(), p95: Type.Number(), p99: Type.Number() }),
  Type.Null(),
]);

/** Sums over requests. */
const sums = {
  requests: Type.Integer(),
  completed: Type.Integer(),
  client_gone: Type.Integer(),
  failed: Type.Integer(),
  prompt_tokens: Type.Integer(),
  cached_tokens: Type.Integer(),
  tool_prompt_tokens: Type.Integer(),
  thoughts_tokens: Type.Integer(),
  output_tokens: Type.Integer(),
  cost: Type.Union([Type.Number(), Type.Null()], {
    description: 'Of the requests whose price is known; null when there is none among those that used tokens.',
  }),
  unpriced_requests: Type.Integer(),
  duration_ms: percentiles,
  first_token_ms: percentiles,
};

const usageSums = Type.Object(sums);
export type UsageSums = Static<typeof usageSums>;

const usagePoint = Type.Object({ start: Type.String(), ...sums });
export type UsagePoint = Static<typeof usagePoint>;

const usageSeries = Type.Object({
  group: Type.Union([Type.String(), Type.Null()], {
    description:
      'A model, or the id of a key; empty for requests without one, null when nothing is grouped or for all other groups.',
  }),
  label: Type.String(),
  points: Type.Array(usagePoint),
});
export type UsageSeries = Static<typeof usageSeries>;

export const seriesAnswer = Type.Object({
  span: Type.Enum(spans),
  time_zone: Type.String(),
  from: Type.String({ description: 'Widened to whole spans, as is `to`.' }),
  to: Type.String(),
  series: Type.Array(usageSeries),
});
export type SeriesAnswer = Static<typeof seriesAnswer>;

export const summaryAnswer = Type.Object({
  from: Type.String({
    description: 'Widened to whole minutes, or to whole hours or days for a time of which only those are kept.',
  }),
  to: Type.String(),
  time_zone: Type.String(),
  totals: usageSums,
  models: Type.Array(Type.Object({ model: Type.String(), ...sums })),
  client_keys: Type.Array(Type.Object({ id: Type.String(), key_name: textOrNull, ...sums })),
  errors: Type.Array(Type.Object({ error_code: Type.String(), status: Type.Integer(), requests: Type.Integer() })),
  finish_reasons: Type.Array(Type.Object({ finish_reason: Type.String(), requests: Type.Integer() })),
});
export type SummaryAnswer = Static<typeof summaryAnswer>;

const attemptEntry = Type.Object({
  gemini_key_id: Type.String(),
  gemini_key: Type.Union([Type.String(), Type.Null()], {
    description: 'Masked; null when the key is no longer there.',
  }),
  model: Type.String(),
  started_ms: Type.Number(),
  wait_ms: Type.Number(),
  duration_ms: Type.Number(),
  status: numberOrNull,
  reason: Type.String(),
});
export type AttemptEntry = Static<typeof attemptEntry>;

export const requestEntry = Type.Object({
  id: Type.String(),
  at: Type.String(),
  client_key_id: Type.String(),
  client_key_name: Type.Union([Type.String(), Type.Null()], { description: 'Null when the key is no longer there.' }),
  gemini_key_id: textOrNull,
  endpoint: Type.String(),
  model_asked: textOrNull,
  model_served: textOrNull,
  stream: Type.Boolean(),
  status: Type.Integer(),
  outcome: Type.Enum(outcomes),
  ended_by: Type.Enum(['client', 'upstream', 'gateway'] as const),
  phase: Type.String(),
  error_code: textOrNull,
  error_message: textOrNull,
  error_param: textOrNull,
  finish_reason: textOrNull,
  prompt_tokens: Type.Integer(),
  cached_tokens: Type.Integer(),
  tool_prompt_tokens: Type.Integer(),
  thoughts_tokens: Type.Integer(),
  output_tokens: Type.Integer(),
  tokens_estimated: Type.Boolean(),
  cost: numberOrNull,
  first_token_ms: numberOrNull,
  duration_ms: Type.Number(),
  warnings: Type.Array(Type.String()),
  attempts: Type.Array(attemptEntry),
});
export type RequestEntry = Static<typeof requestEntry>;

export const requestList = Type.Object({
  requests: Type.Array(requestEntry, {
    description:
      'Newest first. A page may be short, even empty, and still not be the last: the search stops after a while.',
  }),
  next_cursor: Type.Union([Type.String(), Type.Null()], { description: 'Null when there is nothing older.' }),
});
export type RequestList = Static<typeof requestList>;
