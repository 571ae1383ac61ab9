/** Google's errors as they were reported, one table: preset → status, gRPC status, text and details. */
import type { ErrorPreset } from './scenario.ts';

/** What the texts of an error refer to. */
export interface ErrorContext {
  key: string;
  /** The id as requested, without `models/`. */
  model: string;
  /** The model that quotas are charged to. */
  resolvedModel: string;
  apiVersion: string;
  method: string;
}

export type Detail = Record<string, unknown>;

export interface ErrorParts {
  code: number;
  status: string;
  message: string;
  details?: Detail[];
}

const service = 'generativelanguage.googleapis.com';
const overloadedText =
  'This model is currently experiencing high demand. Spikes in demand are usually temporary. Please try again later.';

function errorInfo(reason: string, metadata: Record<string, string> = {}): Detail {
  return {
    '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
    reason,
    domain: 'googleapis.com',
    metadata: { service, ...metadata },
  };
}

function badKey(message: string): ErrorParts {
  const localized = { '@type': 'type.googleapis.com/google.rpc.LocalizedMessage', locale: 'en-US', message };
  return { code: 400, status: 'INVALID_ARGUMENT', message, details: [errorInfo('API_KEY_INVALID'), localized] };
}

/** One limit that a 429 names. */
export interface QuotaViolation {
  metric: string;
  id: string;
  /** 0 is sent without a quotaValue, as Google does. */
  limit: number;
}

function seconds(delay: string): string {
  const value = Number(delay.replace(/s$/, ''));
  return Number.isInteger(value) ? `${value}s` : `${value.toFixed(9).replace(/0+$/, '')}s`;
}

/** RetryInfo drops the fraction, unless nothing else is there. */
function wholeSeconds(delay: string): string {
  const whole = Math.floor(Number(delay.replace(/s$/, '')));
  return whole > 0 ? `${whole}s` : seconds(delay);
}

/** 429 for one or more limits; Google names them all. */
export function quotaExceeded(violations: readonly QuotaViolation[], model: string, retryDelay: string): ErrorParts {
  const lines = violations.map(
    ({ metric, limit }) => `* Quota exceeded for metric: ${service}/${metric}, limit: ${limit}, model: ${model}`,
  );
  return {
    code: 429,
    status: 'RESOURCE_EXHAUSTED',
    message: [
      'You exceeded your current quota, please check your plan and billing details. For more information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits. To monitor your current usage, head to: https://ai.dev/rate-limit. ',
      ...lines,
      `Please retry in ${seconds(retryDelay)}.`,
    ].join('\n'),
    details: [
      {
        '@type': 'type.googleapis.com/google.rpc.Help',
        links: [
          {
            description: 'Learn more about Gemini API quotas',
            url: 'https://ai.google.dev/gemini-api/docs/rate-limits',
          },
        ],
      },
      {
        '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
        violations: violations.map(({ metric, id, limit }) => ({
          quotaMetric: `${service}/${metric}`,
          quotaId: id,
          quotaDimensions: { location: 'global', model },
          ...(limit > 0 ? { quotaValue: String(limit) } : {}),
        })),
      },
      {
        '@type': 'type.googleapis.com/google.rpc.RetryInfo',
        retryDelay: wholeSeconds(retryDelay),
      },
    ],
  };
}

const freeRequests = 'generate_content_free_tier_requests';
const perMinute = { metric: freeRequests, id: 'GenerateRequestsPerMinutePerProjectPerModel-FreeTier' };
const perDay = { metric: freeRequests, id: 'GenerateRequestsPerDayPerProjectPerModel-FreeTier' };
const tokensPerMinute = {
  metric: 'generate_content_free_tier_input_token_count',
  id: 'GenerateContentInputTokensPerModelPerMinute-FreeTier',
};

/** Most errors are JSON; one comes as a page. */
type Preset = (context: ErrorContext, retryDelay: string | undefined) => ErrorParts | { status: number; html: string };

const invalidArgument = (message: string) => (): ErrorParts => ({ code: 400, status: 'INVALID_ARGUMENT', message });
export const denied = (message: string, details?: Detail[]): ErrorParts => ({
  code: 403,
  status: 'PERMISSION_DENIED',
  message,
  ...(details === undefined ? {} : { details }),
});
const failedPrecondition = (message: string) => (): ErrorParts => ({
  code: 400,
  status: 'FAILED_PRECONDITION',
  message,
});
const exhausted = (code: number, message: string) => (): ErrorParts => ({
  code,
  status: 'RESOURCE_EXHAUSTED',
  message,
});
const notFound = (message: string): ErrorParts => ({ code: 404, status: 'NOT_FOUND', message });
const unavailable = (message: string) => (): ErrorParts => ({ code: 503, status: 'UNAVAILABLE', message });

function grpcMethod({ apiVersion, method }: ErrorContext): string {
  const [group, name] = method.endsWith('Models')
    ? ['ModelService', 'ListModels']
    : method === 'getModel'
      ? ['ModelService', 'GetModel']
      : ['GenerativeService', method.charAt(0).toUpperCase() + method.slice(1)];
  return `google.ai.generativelanguage.${apiVersion}.${group}.${name}`;
}

export const presets: Readonly<Record<ErrorPreset, Preset>> = {
  rate_limit_minute: ({ resolvedModel }, delay = '31s') =>
    quotaExceeded([{ ...perMinute, limit: 5 }], resolvedModel, delay),
  rate_limit_tokens: ({ resolvedModel }, delay = '42s') =>
    quotaExceeded([{ ...tokensPerMinute, limit: 250_000 }], resolvedModel, delay),
  rate_limit_day: ({ resolvedModel }, delay = '46.153412518s') =>
    quotaExceeded([{ ...perDay, limit: 20 }], resolvedModel, delay),
  limit_zero: ({ resolvedModel }, delay = '20.4s') =>
    quotaExceeded(
      [
        { ...perDay, limit: 0 },
        { ...perMinute, limit: 0 },
        { ...tokensPerMinute, limit: 0 },
      ],
      resolvedModel,
      delay,
    ),
  spend_cap: exhausted(
    429,
    'Your project has exceeded its rolling 10-minute spend limit. Please slow down or raise your usage tier in AI Studio.',
  ),
  bare_exhausted: exhausted(429, 'Resource has been exhausted (e.g. check quota).'),
  automated_queries: () => ({
    status: 429,
    html: "<html><head><title>Sorry...</title></head><body><h1>We're sorry...</h1><p>... but your computer or network may be sending automated queries. To protect our users, we can't process your request right now.</p></body></html>\n",
  }),
  invalid_key: () => badKey('API key not valid. Please pass a valid API key.'),
  expired_key: () => badKey('API key expired. Please renew the API key.'),
  bad_credentials: (context) => ({
    code: 401,
    status: 'UNAUTHENTICATED',
    message:
      'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.',
    details: [
      {
        '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
        reason: 'ACCESS_TOKEN_TYPE_UNSUPPORTED',
        metadata: { method: grpcMethod(context), service },
      },
    ],
  }),
  unregistered: () =>
    denied(
      "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.",
    ),
  suspended: ({ key }) =>
    denied(`Permission denied: Consumer 'api_key:${key}' has been suspended.`, [
      errorInfo('CONSUMER_SUSPENDED', { consumer: 'projects/1', containerInfo: `api_key:${key}` }),
    ]),
  leaked: () => denied('Your API key was reported as leaked. Please use another API key.'),
  denied_project: () => denied('Your project has been denied access. Please contact support.'),
  service_disabled: () =>
    denied(
      'Generative Language API has not been used in project 1 before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/generativelanguage.googleapis.com/overview?project=1 then retry. If you enabled this API recently, wait a few minutes for the action to propagate to our systems and retry.',
      [errorInfo('SERVICE_DISABLED', { consumer: 'projects/1' })],
    ),
  service_blocked: (context) =>
    denied(`Requests to this API ${service} method ${grpcMethod(context)} are blocked.`, [
      errorInfo('API_KEY_SERVICE_BLOCKED', {
        consumer: 'projects/1',
        apiName: service,
        methodName: grpcMethod(context),
      }),
    ]),
  location: failedPrecondition('User location is not supported for the API use.'),
  billing: failedPrecondition(
    'Gemini API free tier is not available in your country. Please enable billing on your project in Google AI Studio.',
  ),
  prepay_depleted: exhausted(
    402,
    'Your prepayment credits are depleted. Please go to AI Studio at https://ai.studio/projects to manage your project and billing.',
  ),
  prepay_depleted_429: exhausted(
    429,
    'Your prepayment credits are depleted. Please go to AI Studio at https://ai.studio/projects to manage your project and billing.',
  ),
  model_closed: ({ model }) =>
    notFound(
      `This model models/${model} is no longer available to new users. Please update your code to use models/gemini-3.8-flash for the latest features and improvements.`,
    ),
  model_retired: ({ model }) =>
    notFound(
      `This model models/${model} is no longer available. Please update your code to use a newer model for the latest features and improvements.`,
    ),
  not_found: ({ model, apiVersion, method }) =>
    notFound(
      `models/${model} is not found for API version ${apiVersion}, or is not supported for ${method}. Call ModelService.ListModels to see the list of available models and their supported methods.`,
    ),
  bad_request: invalidArgument('Request contains an invalid argument.'),
  corrupted_signature: invalidArgument('Corrupted thought signature.'),
  internal: () => ({
    code: 500,
    status: 'INTERNAL',
    message:
      'An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting',
  }),
  unimplemented: () => ({
    code: 501,
    status: 'UNIMPLEMENTED',
    message: 'Operation is not implemented, or supported, or enabled.',
  }),
  overloaded: unavailable(overloadedText),
  overloaded_old: unavailable('The model is overloaded. Please try again later.'),
  deadline: () => ({
    code: 504,
    status: 'DEADLINE_EXCEEDED',
    message: 'Deadline expired before operation could complete.',
  }),
};
