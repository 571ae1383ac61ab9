/** The catalogue of every failure that a client can see: its status, and what OpenAI's error object says of it. */
export interface ErrorSpec {
  /** HTTP status of the answer. */
  status: number;
  /** `error.type` as OpenAI names it. */
  type: string;
  /** `error.code`; null where OpenAI gives none. */
  code: string | null;
  /** Said when the thrower has nothing better to say. */
  message: string;
  /** False tells OpenAI's SDKs (`x-should-retry`) that trying again can't help. */
  retryable?: boolean;
  /** Messages of this kind may quote what the client sent: usage rows keep the one below instead. */
  mayQuote?: boolean;
}

const invalidRequest = 'invalid_request_error';
const serverError = 'server_error';

export const errorCatalogue = {
  // The client's own doing.
  missing_api_key: {
    status: 401,
    type: invalidRequest,
    code: 'missing_api_key',
    message: 'No API key was given. Send it in an Authorization header: "Authorization: Bearer <key>".',
  },
  invalid_api_key: {
    status: 401,
    type: invalidRequest,
    code: 'invalid_api_key',
    message: 'The API key is not known here. Check it, or ask the operator of this gateway for one.',
  },
  api_key_disabled: {
    status: 401,
    type: invalidRequest,
    code: 'api_key_disabled',
    message: 'This API key has been switched off. Ask the operator of this gateway.',
  },
  api_key_expired: {
    status: 401,
    type: invalidRequest,
    code: 'api_key_expired',
    message: 'This API key has expired. Ask the operator of this gateway for another.',
  },
  model_not_allowed: {
    status: 403,
    type: invalidRequest,
    // OpenAI says so of a model that a project has no access to.
    code: 'model_not_found',
    message: 'This API key does not have access to the model.',
  },
  rate_limit_requests: {
    status: 429,
    type: 'requests',
    code: 'rate_limit_exceeded',
    message: 'Rate limit reached for this API key on requests per min (RPM).',
  },
  rate_limit_tokens: {
    status: 429,
    type: 'tokens',
    code: 'rate_limit_exceeded',
    message: 'Rate limit reached for this API key on tokens per min (TPM).',
  },
  rate_limit_streams: {
    status: 429,
    type: 'requests',
    code: 'rate_limit_exceeded',
    message: 'Rate limit reached for this API key on requests at once.',
  },
  insufficient_quota: {
    status: 429,
    type: 'insufficient_quota',
    code: 'insufficient_quota',
    message: 'This API key has exceeded its quota.',
  },
  bad_framing: {
    status: 400,
    type: invalidRequest,
    code: 'bad_request',
    message: 'The HTTP request is not framed correctly.',
  },
  unknown_url: { status: 404, type: invalidRequest, code: 'unknown_url', message: 'There is nothing at this URL.' },
  method_not_allowed: {
    status: 405,
    type: invalidRequest,
    code: 'method_not_allowed',
    message: 'This URL does not answer to this method.',
  },
  request_too_large: {
    status: 413,
    type: invalidRequest,
    code: 'request_too_large',
    message: 'The request body is larger than this gateway accepts.',
  },
  unsupported_media_type: {
    status: 415,
    type: invalidRequest,
    code: 'unsupported_media_type',
    message: 'Send the body as application/json, without content encoding.',
  },
  invalid_json: {
    status: 400,
    type: invalidRequest,
    code: 'invalid_json',
    message: 'The request body could not be parsed as JSON.',
  },
  invalid_type: { status: 400, type: invalidRequest, code: 'invalid_type', message: 'A parameter has the wrong type.' },
  invalid_value: {
    status: 400,
    type: invalidRequest,
    code: 'invalid_value',
    message: 'A parameter has a wrong value.',
  },
  missing_required_parameter: {
    status: 400,
    type: invalidRequest,
    code: 'missing_required_parameter',
    message: 'A required parameter is missing.',
  },
  unsupported_parameter: {
    status: 400,
    type: invalidRequest,
    code: 'unsupported_parameter',
    message: 'A parameter is not supported.',
  },
  unsupported_value: {
    status: 400,
    type: invalidRequest,
    code: 'unsupported_value',
    message: 'A parameter has a value that is not supported.',
  },
  model_not_found: {
    status: 404,
    type: invalidRequest,
    code: 'model_not_found',
    message: 'The model does not exist or is not available.',
  },
  context_length_exceeded: {
    status: 400,
    type: invalidRequest,
    code: 'context_length_exceeded',
    message: 'The messages are longer than the context of the model.',
  },
  upstream_rejected: {
    status: 400,
    type: invalidRequest,
    code: 'upstream_rejected',
    message: 'Gemini refused the request.',
    mayQuote: true,
  },
  // The pool's state.
  keys_resting: {
    status: 429,
    type: 'rate_limit_error',
    code: 'rate_limit_exceeded',
    message: 'All Gemini keys are resting after rate limits. Try again later.',
  },
  no_available_keys: {
    status: 503,
    type: serverError,
    code: 'no_available_keys',
    message:
      'This gateway has no working Gemini key. The operator can set GEMINI_API_KEYS or add keys through the admin API.',
    retryable: false,
  },
  // Gemini's doing.
  upstream_overloaded: {
    status: 503,
    type: serverError,
    code: 'upstream_overloaded',
    message: 'The model is overloaded. Try again later.',
  },
  upstream_error: { status: 502, type: serverError, code: 'upstream_error', message: 'Gemini answered with an error.' },
  upstream_unreachable: {
    status: 502,
    type: serverError,
    code: 'upstream_unreachable',
    message: 'Gemini could not be reached.',
  },
  upstream_protocol: {
    status: 502,
    type: serverError,
    code: 'upstream_protocol',
    message: 'Gemini answered with something that is not its protocol.',
  },
  upstream_cut: {
    status: 502,
    type: serverError,
    code: 'upstream_cut',
    message: 'The connection to Gemini broke before the answer was complete.',
  },
  upstream_timeout: {
    status: 504,
    type: serverError,
    code: 'upstream_timeout',
    message: 'Gemini did not answer in time.',
  },
  upstream_region: {
    status: 503,
    type: serverError,
    code: 'upstream_region',
    message: 'Gemini is not offered at the place that this gateway calls it from.',
    retryable: false,
  },
  model_output_invalid: {
    status: 502,
    type: serverError,
    code: 'model_output_invalid',
    message: 'The model produced no usable answer. Try again.',
  },
  // The gateway's doing.
  overloaded: {
    status: 503,
    type: serverError,
    code: 'overloaded',
    message: 'This gateway is at its limit. Try again shortly.',
  },
  shutting_down: {
    status: 503,
    type: serverError,
    code: 'shutting_down',
    message: 'This gateway is shutting down. Try again shortly.',
  },
  usage_backlog: {
    status: 503,
    type: serverError,
    code: 'usage_backlog',
    message: 'This gateway cannot record usage at the moment. Try again shortly.',
  },
  worker_lost: {
    status: 500,
    type: serverError,
    code: 'worker_lost',
    message: 'The request was interrupted by a fault of this gateway. Try again.',
  },
  request_timeout: {
    status: 504,
    type: serverError,
    code: 'request_timeout',
    message: 'The request took longer than this gateway allows.',
  },
  internal_error: {
    status: 500,
    type: serverError,
    code: 'internal_error',
    message: 'The gateway failed. The request id leads the operator to the cause.',
  },
  // The admin API.
  login_locked: {
    status: 503,
    type: serverError,
    code: 'login_locked',
    message: 'No administrator is configured. Set ADMIN_PASSWORD in .env and restart.',
    retryable: false,
  },
  login_failed: { status: 401, type: invalidRequest, code: 'login_failed', message: 'Wrong user name or password.' },
  login_throttled: {
    status: 429,
    type: 'rate_limit_error',
    code: 'login_throttled',
    message: 'Too many failed logins. Wait before the next try.',
  },
  session_invalid: {
    status: 401,
    type: invalidRequest,
    code: 'session_invalid',
    message: 'The session is missing, wrong or over. Log in again.',
  },
  not_permitted: {
    status: 403,
    type: invalidRequest,
    code: 'not_permitted',
    message: 'This needs the role admin.',
  },
  entity_not_found: { status: 404, type: invalidRequest, code: 'not_found', message: 'There is no such entry.' },
  entity_exists: {
    status: 409,
    type: invalidRequest,
    code: 'already_exists',
    message: 'There is such an entry already.',
  },
  entity_changed: {
    status: 409,
    type: invalidRequest,
    code: 'entity_changed',
    message: 'Somebody else has changed this entry in the meantime. Its present state is in `current`.',
  },
  store_unavailable: {
    status: 503,
    type: serverError,
    code: 'store_unavailable',
    message: 'The database could not be written in time. Look whether the change was made before trying again.',
  },
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof errorCatalogue;
