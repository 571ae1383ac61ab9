/** What each failure of Gemini means: for the client, for the key, and for another try (gemini-wire.md §4). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GatewayError } from '../../shared/errors.ts';
import type { DisableReason } from '../../shared/key-outcome.ts';
import { parseDuration, redact } from './google-error.ts';
import { classifyFailure, classifyStatus, UpstreamFault } from './upstream-error.ts';
import type { UpstreamVerdict } from './upstream-verdict.ts';

const nextOf = new Map<unknown, string>([
  [false, 'no'],
  ['once', 'retry once'],
  ['foreign', 'a key of another project'],
]);

/** A verdict in one line: code, what it says of the key, what next. */
function sum({ error, outcome, retry }: UpstreamVerdict): string {
  const rest = outcome.kind === 'rest' ? ` ${outcome.forMs}` : '';
  const reason = outcome.kind === 'rest' || outcome.kind === 'disable' ? ` ${outcome.reason}` : '';
  const next = retry === true ? 'retry' : (nextOf.get(retry) ?? '');
  return `${error.code}, ${outcome.kind}${reason}${rest}, ${next}`;
}

function body(code: number, status: string, message: string, ...details: object[]): string {
  return JSON.stringify({ error: { code, message, status, ...(details.length > 0 ? { details } : {}) } });
}

const info = (reason: string, metadata: object = {}): object => ({
  '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
  reason,
  metadata,
});
const retryInfo = (retryDelay: string): object => ({ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay });
const quota = (...violations: object[]): object => ({
  '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
  violations,
});
const perDay = { quotaId: 'GenerateRequestsPerDayPerProjectPerModel-FreeTier', quotaValue: '20' };
const perMinute = { quotaId: 'GenerateRequestsPerMinutePerProjectPerModel-FreeTier', quotaValue: '5' };

const json = 'application/json; charset=UTF-8';
type Case = [what: string, status: number, body: string, expected: string];

/** Google's names of reasons (google.api.ErrorReason), and ours. */
const reasons: [string, DisableReason][] = [
  ['API_KEY_INVALID', 'invalid_key'],
  ['API_KEY_EXPIRED', 'expired_key'],
  ['API_KEY_SERVICE_BLOCKED', 'restricted'],
  ['API_KEY_HTTP_REFERRER_BLOCKED', 'restricted'],
  ['API_KEY_IP_ADDRESS_BLOCKED', 'restricted'],
  ['API_KEY_ANDROID_APP_BLOCKED', 'restricted'],
  ['API_KEY_TOMORROW_BLOCKED', 'restricted'],
  ['API_TARGET_BLOCKED', 'restricted'],
  ['BILLING_DISABLED', 'billing'],
  ['CONSUMER_INVALID', 'project_invalid'],
  ['CONSUMER_SUSPENDED', 'suspended'],
  ['SERVICE_DISABLED', 'service_disabled'],
  ['ACCESS_TOKEN_TYPE_UNSUPPORTED', 'unauthenticated'],
];
const spendTexts = [
  'Your project has exceeded its monthly spending cap. Raise it in AI Studio.',
  'Your project has reached its spend limit.',
  'The usage limit of your billing account is reached.',
  'Usage cap exceeded.',
];
const delays: [delay: string, ms: number][] = [
  ['0s', 1_000],
  ['0.2s', 1_000],
  ['1.5s', 1_500],
  ['315360000s', 86_400_000],
  [`${'9'.repeat(400)}s`, 86_400_000],
];

const cases: Case[] = [
  [
    '§10.85: an invalid key',
    400,
    body(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.', info('API_KEY_INVALID')),
    'no_available_keys, disable invalid_key, retry',
  ],
  [
    'an expired key, by its text',
    400,
    body(400, 'INVALID_ARGUMENT', 'API key expired. Please renew the API key.'),
    'no_available_keys, disable expired_key, retry',
  ],
  [
    'an expired key, with the reason of an invalid one',
    400,
    body(400, 'INVALID_ARGUMENT', 'API key expired. Please renew the API key.', info('API_KEY_INVALID')),
    'no_available_keys, disable expired_key, retry',
  ],
  [
    '§10.86: another bad request burns no second key',
    400,
    body(400, 'INVALID_ARGUMENT', 'Request contains an invalid argument.'),
    'upstream_rejected, neutral, no',
  ],
  [
    'a bad request in a list',
    400,
    `[${body(400, 'INVALID_ARGUMENT', 'Multiple candidates is not enabled for this model')}]`,
    'upstream_rejected, neutral, no',
  ],
  [
    '§10.29: an image that Gemini cannot read',
    400,
    body(400, 'INVALID_ARGUMENT', 'Unable to process input image.'),
    'upstream_rejected, neutral, no',
  ],
  [
    'too long a prompt',
    400,
    body(
      400,
      'INVALID_ARGUMENT',
      'The input token count (2000000) exceeds the maximum number of tokens allowed (1048576).',
    ),
    'context_length_exceeded, neutral, no',
  ],
  [
    '§10.98: a corrupted signature',
    400,
    body(400, 'INVALID_ARGUMENT', 'Corrupted thought signature.'),
    'upstream_rejected, neutral, retry',
  ],
  [
    '§10.95: the place of the gateway',
    400,
    body(400, 'FAILED_PRECONDITION', 'User location is not supported for the API use.'),
    'upstream_region, neutral, no',
  ],
  [
    'no free tier',
    400,
    body(
      400,
      'FAILED_PRECONDITION',
      'Gemini API free tier is not available in your country. Please enable billing on your project.',
    ),
    'no_available_keys, disable billing, retry',
  ],
  [
    '§10.94: a refused kind of key',
    401,
    body(
      401,
      'UNAUTHENTICATED',
      'Request had invalid authentication credentials.',
      info('ACCESS_TOKEN_TYPE_UNSUPPORTED'),
    ),
    'no_available_keys, disable unauthenticated, retry',
  ],
  [
    '§10.91: no credits',
    402,
    body(402, 'RESOURCE_EXHAUSTED', 'Your prepayment credits are depleted.'),
    'no_available_keys, disable billing, retry',
  ],
  [
    'a leaked key',
    403,
    body(403, 'PERMISSION_DENIED', 'Your API key was reported as leaked. Please use another API key.'),
    'no_available_keys, disable leaked, retry',
  ],
  [
    '§10.92: a suspended project',
    403,
    body(
      403,
      'PERMISSION_DENIED',
      "Permission denied: Consumer 'api_key:AIzaX' has been suspended.",
      info('CONSUMER_SUSPENDED'),
    ),
    'no_available_keys, disable suspended, retry',
  ],
  [
    'a banned project',
    403,
    body(403, 'PERMISSION_DENIED', 'Your project has been denied access. Please contact support.'),
    'no_available_keys, disable project_denied, retry',
  ],
  [
    'an API that is off',
    403,
    body(
      403,
      'PERMISSION_DENIED',
      'Generative Language API has not been used in project 1 before or it is disabled.',
      info('SERVICE_DISABLED'),
    ),
    'no_available_keys, disable service_disabled, retry',
  ],
  [
    'a restricted key',
    403,
    body(
      403,
      'PERMISSION_DENIED',
      'Requests to this API generativelanguage.googleapis.com method x are blocked.',
      info('API_KEY_SERVICE_BLOCKED'),
    ),
    'no_available_keys, disable restricted, retry',
  ],
  [
    'a file of another project',
    403,
    body(403, 'PERMISSION_DENIED', 'You do not have permission to access the File abc or it may not exist.'),
    'upstream_rejected, neutral, a key of another project',
  ],
  [
    'no key sent',
    403,
    body(403, 'PERMISSION_DENIED', "Method doesn't allow unregistered callers."),
    'upstream_error, neutral, no',
  ],
  [
    'a denial that nobody described',
    403,
    body(403, 'PERMISSION_DENIED', 'Computer says no.'),
    'keys_resting, rest permission_denied 600000, retry',
  ],
  [
    'an unknown model',
    404,
    body(
      404,
      'NOT_FOUND',
      'models/gpt-4o is not found for API version v1beta, or is not supported for generateContent. Call ModelService.ListModels to see the list.',
    ),
    'model_not_found, neutral, no',
  ],
  [
    '§10.93: a model closed to new projects',
    404,
    body(
      404,
      'NOT_FOUND',
      'This model models/gemini-2.5-flash is no longer available to new users. Please update your code.',
    ),
    'model_not_found, rest model_closed 86400000, retry',
  ],
  [
    'a retired model',
    404,
    body(404, 'NOT_FOUND', 'This model models/gemini-2.0-flash is no longer available. Please update your code.'),
    'model_not_found, neutral, no',
  ],
  ['a 404 that is not of Google', 404, '<html>nginx</html>', 'upstream_protocol, neutral, no'],
  [
    '§10.87: the quota of the day, with its own delay',
    429,
    body(
      429,
      'RESOURCE_EXHAUSTED',
      'You exceeded your current quota.\nPlease retry in 46.153412518s.',
      quota(perDay),
      retryInfo('46s'),
    ),
    'keys_resting, rest quota_day 46154, retry',
  ],
  [
    'a day quota with hours to go',
    429,
    body(429, 'RESOURCE_EXHAUSTED', 'Please retry in 10h17m5.72s.', quota(perDay)),
    'keys_resting, rest quota_day 37025720, retry',
  ],
  [
    'a limit of the minute',
    429,
    body(429, 'RESOURCE_EXHAUSTED', 'Quota', quota(perMinute), retryInfo('0.5s')),
    'keys_resting, rest quota_minute 1000, retry',
  ],
  [
    'day and minute at once: the day',
    429,
    body(429, 'RESOURCE_EXHAUSTED', 'Quota', quota(perMinute, perDay), retryInfo('7s')),
    'keys_resting, rest quota_day 7000, retry',
  ],
  [
    '§10.88: limit 0',
    429,
    body(
      429,
      'RESOURCE_EXHAUSTED',
      '* Quota exceeded for metric: x, limit: 0, model: y\nPlease retry in 20.4s.',
      quota({ quotaId: perDay.quotaId }, { quotaId: perMinute.quotaId }),
      retryInfo('20s'),
    ),
    'keys_resting, rest limit_zero 86400000, retry',
  ],
  [
    'limit 0 in words only',
    429,
    body(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded, limit: 0, model: y'),
    'keys_resting, rest limit_zero 86400000, retry',
  ],
  [
    'limit 0 in the older form',
    429,
    body(
      429,
      'RESOURCE_EXHAUSTED',
      'Quota',
      info('RATE_LIMIT_EXCEEDED', {
        quota_limit_value: '0',
        quota_limit: 'GenerateContentRequestsPerMinutePerProjectPerRegion',
      }),
    ),
    'keys_resting, rest limit_zero 86400000, retry',
  ],
  [
    'limit 20 is not limit 0',
    429,
    body(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded, limit: 05, model: y'),
    'keys_resting, rest exhausted 60000, retry',
  ],
  [
    'a spend cap',
    429,
    body(429, 'RESOURCE_EXHAUSTED', 'Your project has exceeded its rolling 10-minute spend limit.'),
    'keys_resting, rest spend_cap 600000, retry',
  ],
  [
    'credits gone, in the older form',
    429,
    body(429, 'RESOURCE_EXHAUSTED', 'Your prepayment credits are depleted. Please go to AI Studio.'),
    'no_available_keys, disable billing, retry',
  ],
  [
    '§10.89: exhausted without details',
    429,
    body(429, 'RESOURCE_EXHAUSTED', 'Resource has been exhausted (e.g. check quota).'),
    'keys_resting, rest exhausted 60000, retry',
  ],
  ['a bare 429', 429, '', 'keys_resting, rest exhausted 60000, retry'],
  ['413', 413, body(413, 'INVALID_ARGUMENT', 'too large'), 'request_too_large, neutral, no'],
  ['499', 499, body(499, 'CANCELLED', 'x'), 'upstream_error, neutral, retry'],
  ['500', 500, body(500, 'INTERNAL', 'An internal error has occurred.'), 'upstream_error, neutral, retry'],
  ['501', 501, body(501, 'UNIMPLEMENTED', 'Operation is not implemented.'), 'upstream_rejected, neutral, no'],
  ['502 of a proxy', 502, '<html>Bad gateway</html>', 'upstream_error, neutral, retry'],
  [
    '§10.90: overloaded',
    503,
    body(503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.'),
    'upstream_overloaded, neutral, retry',
  ],
  ['503 without a body', 503, '', 'upstream_overloaded, neutral, retry'],
  [
    '504',
    504,
    body(504, 'DEADLINE_EXCEEDED', 'Deadline expired before operation could complete.'),
    'upstream_timeout, neutral, retry once',
  ],
  ['408 of a proxy', 408, '', 'upstream_timeout, neutral, retry once'],
  ...[401, 403].map(
    (status): Case => [
      `${status} without a key: it got lost on the way, and no other would arrive`,
      status,
      body(
        status,
        status === 401 ? 'UNAUTHENTICATED' : 'PERMISSION_DENIED',
        "Method doesn't allow unregistered callers (callers without established identity).",
      ),
      'upstream_error, neutral, no',
    ],
  ),
  [
    'no credentials, by their reason',
    401,
    body(401, 'UNAUTHENTICATED', 'Request is missing required authentication credential.', info('CREDENTIALS_MISSING')),
    'upstream_error, neutral, no',
  ],
  ...reasons.flatMap(([reason, disabled]) =>
    [400, 401, 403].map(
      (status): Case => [
        `${status} ${reason}`,
        status,
        body(status, 'PERMISSION_DENIED', 'The request is denied.', info(reason)),
        `no_available_keys, disable ${disabled}, retry`,
      ],
    ),
  ),
  [
    'a reason that is not about the key',
    400,
    body(400, 'INVALID_ARGUMENT', 'No.', info('API_KEY_BLOCKED_WORDS')),
    'upstream_rejected, neutral, no',
  ],
  ...spendTexts.flatMap((text) =>
    [400, 402, 403, 429].map(
      (status): Case => [
        `${status} ${text}`,
        status,
        body(status, status === 400 ? 'FAILED_PRECONDITION' : 'RESOURCE_EXHAUSTED', text),
        'keys_resting, rest spend_cap 600000, retry',
      ],
    ),
  ),
  [
    "a client's words, which Google quotes",
    400,
    body(400, 'INVALID_ARGUMENT', 'Invalid value at \'tools[0].type\' (TYPE_ENUM), "spending cap"'),
    'upstream_rejected, neutral, no',
  ],
  [
    'the usage page is no usage limit',
    429,
    body(429, 'RESOURCE_EXHAUSTED', 'To monitor your current usage, head to: https://ai.dev/usage?tab=rate-limit.'),
    'keys_resting, rest exhausted 60000, retry',
  ],
  ...delays.map(
    ([delay, expected]): Case => [
      `a delay of ${delay}`,
      429,
      body(429, 'RESOURCE_EXHAUSTED', 'Quota', quota(perMinute), retryInfo(delay)),
      `keys_resting, rest quota_minute ${expected}, retry`,
    ],
  ),
  [
    'a delay of years in words',
    429,
    body(429, 'RESOURCE_EXHAUSTED', 'Please retry in 87600h.', quota(perDay)),
    'keys_resting, rest quota_day 86400000, retry',
  ],
  [
    'exhausted, with a delay that is none',
    429,
    body(429, 'RESOURCE_EXHAUSTED', 'Resource has been exhausted (e.g. check quota).', retryInfo('0s')),
    'keys_resting, rest exhausted 60000, retry',
  ],
  ['a redirect', 302, '', 'upstream_protocol, neutral, no'],
  ['an error that is text', 400, '{"error":"no"}', 'upstream_rejected, neutral, no'],
];

describe('classifyStatus', () => {
  for (const [what, status, text, expected] of cases)
    test(`${what}: ${expected}`, () => assert.equal(sum(classifyStatus(status, text, json)), expected));

  test('an address that Google takes for a robot: no key suffers', () => {
    const verdict = classifyStatus(429, '<html>Sorry, automated queries</html>', 'text/html');
    assert.equal(sum(verdict), 'upstream_overloaded, neutral, no');
  });

  test("the client reads Google's words about its request", () => {
    const { error } = classifyStatus(400, body(400, 'INVALID_ARGUMENT', 'Unable to process input image.'), json);
    assert.equal(error.message, 'Unable to process input image.');
  });

  test('a model that is not there: current ones are named', () => {
    const { error } = classifyStatus(
      404,
      body(
        404,
        'NOT_FOUND',
        'models/gpt-4o is not found for API version v1beta, or is not supported for generateContent. Call ModelService.ListModels to see the list of available models.',
      ),
      json,
    );
    assert.equal(
      error.message,
      'models/gpt-4o is not found for API version v1beta, or is not supported for generateContent. Current models are gemini-3.8-flash, gemini-3.5-flash-lite and gemini-3.1-pro-preview; GET /v1/models lists all.',
    );
  });

  test('how long keys rest is passed on', () => {
    assert.equal(classifyStatus(429, '', json).error.detail.retryAfterMs, 60_000);
  });

  test('§10.98: a corrupted signature can be repaired', () => {
    assert.equal(
      classifyStatus(400, body(400, 'INVALID_ARGUMENT', 'Corrupted thought signature.'), json).repair,
      'signatures',
    );
  });
});

test('§10.100: keys and projects never leave', () => {
  const key = `AIza${'x'.repeat(35)}`;
  const cleaned = redact(
    `Consumer 'api_key:${key}' and key AQ.Ab8RN6Jabcdefgh12345 in project 123456 (projects/987654, project_number:1111, ?project=2222)`,
  );
  assert.equal(
    cleaned,
    "Consumer 'api_key:[key]' and key [key] in project [project] (projects/[project], project_number:[project], ?project=[project])",
  );
});

test('durations of Google', () => {
  const durations: [string, number | null][] = [
    ['46s', 46_000],
    ['0.5s', 500],
    ['46.153412518s', 46_154],
    ['10h17m5.72s', 37_025_720],
    ['250ms', 250],
    ['2m', 120_000],
    ['', null],
    ['soon', null],
    ['-5s', null],
  ];
  for (const [text, ms] of durations) assert.equal(parseDuration(text), ms, text);
});

describe('classifyFailure', () => {
  test('§10.72: an error inside an answer counts like its status', () => {
    const fault = new UpstreamFault(429, body(429, 'RESOURCE_EXHAUSTED', 'Quota', quota(perMinute), retryInfo('3s')));
    assert.equal(sum(classifyFailure(fault)), 'keys_resting, rest quota_minute 3000, retry');
  });

  test('an answer that is none is tried again', () => {
    assert.equal(
      sum(classifyFailure(new GatewayError('model_output_invalid'))),
      'model_output_invalid, neutral, retry once',
    );
  });
});
