/**
 * The one place that knows what Gemini's statuses and undici's codes mean: for the client, for the key that was used,
 * and for another try.
 */
import type { ErrorCode } from '../../shared/error-catalogue.ts';
import { type ErrorDetail, GatewayError } from '../../shared/errors.ts';
import { isRecord } from '../../shared/gemini-wire.ts';
import type { FailedUse, QuotaKind, QuotaLimit, Refusal, RestReason } from '../../shared/key-outcome.ts';
import { type GoogleError, readGoogleError, redact } from './google-error.ts';

export interface UpstreamVerdict {
  error: GatewayError;
  outcome: FailedUse;
  /**
   * Whether another try may do better. `once`: one is enough to tell. `foreign`: the key does not own what the request
   * refers to, another may.
   */
  retry: boolean | 'once' | 'foreign';
  /** Another try makes sense with the signatures of the request replaced: see `withPlaceholderSignatures`. */
  repair?: 'signatures';
}

/** An error that Gemini sent in place of an answer, after a head that said 200. */
export class UpstreamFault extends Error {
  readonly status: number;
  readonly body: string;

  constructor(status: number, body: string) {
    super(`Gemini sent an error of status ${status} inside an answer`);
    this.name = 'UpstreamFault';
    this.status = status;
    this.body = body;
  }
}

const restDefaultMs = 60_000;
const spendCapRestMs = 10 * 60_000;
const modelRestMs = 24 * 3_600_000;
/** A refusal that nobody has described: the key rests, but is not given up. */
const deniedRestMs = 10 * 60_000;

/** What is kept of Google's sentence for the operator. */
const refusalCharsMax = 300;

const currentModels = 'gemini-3.8-flash, gemini-3.5-flash-lite and gemini-3.1-pro-preview';

/** What an answer with another status than 200 means. */
export function classifyStatus(status: number, bodyText: string, contentType: string): UpstreamVerdict {
  const error = readGoogleError(bodyText);
  const verdict = classify(status, error, contentType);
  return { ...verdict, outcome: { ...verdict.outcome, refusal: refusalOf(status, error) } };
}

function classify(status: number, error: GoogleError, contentType: string): UpstreamVerdict {
  if (status >= 300 && status < 400) return neutral('redirect', false, 'upstream_protocol');
  switch (status) {
    case 400:
      return classifyBadRequest(error);
    case 401:
      // A proxy on the way may ask for a login of its own: only Google's word is about the key.
      return error.isGoogles ? disabled('unauthenticated') : neutral('protocol', false, 'upstream_protocol');
    case 402:
      return error.isGoogles ? disabled('billing') : neutral('protocol', false, 'upstream_protocol');
    case 403:
      return classifyDenied(error);
    case 404:
      return classifyNotFound(error);
    case 413:
      return neutral('request_too_large', false, 'request_too_large');
    case 429:
      return classifyExhausted(error, contentType);
    case 501:
      return rejected(error);
    case 503:
      return neutral('overloaded', true, 'upstream_overloaded');
    case 408:
    case 504:
      return neutral('deadline', true, 'upstream_timeout');
    case 409:
    case 499:
      return neutral('aborted', true, 'upstream_error');
    default:
      if (status >= 500) return neutral('internal', true, 'upstream_error');
      return error.isGoogles ? rejected(error) : neutral('protocol', false, 'upstream_protocol');
  }
}

function classifyBadRequest(error: GoogleError): UpstreamVerdict {
  const { message, reasons } = error;
  if (reasons.includes('API_KEY_INVALID') || /^api key (not valid|expired|not found)/i.test(message))
    return disabled('invalid_key');
  if (/user location is not supported/i.test(message)) return neutral('region', false, 'upstream_region');
  if (error.status === 'FAILED_PRECONDITION' && /\bbilling\b/i.test(message)) return disabled('billing');
  if (/thought signature is not valid|corrupted thought signature/i.test(message))
    return { ...rejected(error), retry: true, repair: 'signatures' };
  if (/input token count .*exceeds the maximum/i.test(message))
    return neutral('client', false, 'context_length_exceeded', { message: redact(message) });
  return rejected(error);
}

const deadKeyReasons: ReadonlyMap<string, string> = new Map([
  ['CONSUMER_SUSPENDED', 'suspended'],
  ['SERVICE_DISABLED', 'service_disabled'],
  ['API_KEY_SERVICE_BLOCKED', 'restricted'],
  ['API_KEY_HTTP_REFERRER_BLOCKED', 'restricted'],
  ['API_KEY_IP_ADDRESS_BLOCKED', 'restricted'],
  ['API_KEY_ANDROID_APP_BLOCKED', 'restricted'],
  ['API_KEY_IOS_APP_BLOCKED', 'restricted'],
  ['API_KEY_INVALID', 'invalid_key'],
  ['ACCESS_TOKEN_TYPE_UNSUPPORTED', 'unauthenticated'],
]);

const deadKeyTexts: readonly [RegExp, string][] = [
  [/reported as leaked/i, 'leaked'],
  [/has been suspended/i, 'suspended'],
  [/project has been denied access/i, 'project_denied'],
  [/has not been used in project|it is disabled/i, 'service_disabled'],
  [/^requests to this api .* are blocked/i, 'restricted'],
];

function classifyDenied(error: GoogleError): UpstreamVerdict {
  const { message, reasons } = error;
  for (const reason of reasons) {
    const known = deadKeyReasons.get(reason);
    if (known !== undefined) return disabled(known);
  }
  for (const [pattern, reason] of deadKeyTexts) if (pattern.test(message)) return disabled(reason);
  // No key arrived at Google at all: that can't be the key's fault.
  if (/unregistered callers/i.test(message)) return neutral('no_key_sent', false, 'upstream_error');
  // Files and caches belong to the project of one key.
  if (/permission to access the|cachedcontent/i.test(message)) return { ...rejected(error), retry: 'foreign' };
  if (!error.isGoogles) return neutral('protocol', false, 'upstream_protocol');
  return resting(deniedRestMs, 'permission_denied');
}

function classifyNotFound(error: GoogleError): UpstreamVerdict {
  const { message, isGoogles } = error;
  if (!isGoogles) return neutral('protocol', false, 'upstream_protocol');
  if (/no longer available to new users/i.test(message))
    return {
      ...resting(modelRestMs, 'model_closed'),
      error: new GatewayError('model_not_found', { message: withHint(message) }),
    };
  if (/\bmodels?\b/i.test(message)) return neutral('client', false, 'model_not_found', { message: withHint(message) });
  return rejected(error);
}

/** Google's sentence about the model, without its advice to call an API that the client can't reach, and ours. */
function withHint(message: string): string {
  const [sentence = ''] = redact(message).split(/(?<=\.) (?=Call ModelService)/);
  return `${sentence} Current models are ${currentModels}; GET /v1/models lists all.`;
}

function classifyExhausted(error: GoogleError, contentType: string): UpstreamVerdict {
  const { message, violations, retryDelayMs, isGoogles } = error;
  if (!isGoogles && contentType.includes('html'))
    return neutral('address_refused', false, 'upstream_overloaded', {
      message: 'Google refuses calls from the address of this gateway at the moment. Try again later.',
      retryAfterMs: restDefaultMs,
    });
  if (/prepayment credits|credits are depleted/i.test(message)) return disabled('billing');
  const delayMs = retryDelayMs ?? restDefaultMs;
  const saysZero = /\blimit: 0\b/.test(message);
  const isZero = ({ limit, quotaId }: GoogleError['violations'][number]): boolean =>
    limit === 0 || (limit === null && (saysZero || quotaId.endsWith('FreeTier')));
  const limited = violations.filter((violation) => !isZero(violation));
  if (limited.some(({ quotaId }) => quotaId.includes('PerDay'))) return resting(delayMs, 'quota_day');
  if (violations.length > limited.length || (saysZero && limited.length === 0))
    return resting(Math.max(modelRestMs, delayMs), 'limit_zero');
  if (/spend(ing)? (cap|limit)/i.test(message)) return resting(Math.max(spendCapRestMs, delayMs), 'spend_cap');
  return resting(delayMs, limited.length > 0 ? 'quota_minute' : 'exhausted');
}

/** Undici's and the system's codes by what they say of the connection. */
const transportCodes: ReadonlyMap<string, ErrorCode> = new Map<string, ErrorCode>([
  ['UND_ERR_HEADERS_TIMEOUT', 'upstream_timeout'],
  ['UND_ERR_BODY_TIMEOUT', 'upstream_timeout'],
  ['ETIMEDOUT', 'upstream_timeout'],
  ['UND_ERR_SOCKET', 'upstream_cut'],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'upstream_cut'],
  ['ECONNRESET', 'upstream_cut'],
  ['ECONNABORTED', 'upstream_cut'],
  ['EPIPE', 'upstream_cut'],
  ['UND_ERR_HEADERS_OVERFLOW', 'upstream_protocol'],
  ['UND_ERR_RES_EXCEEDED_MAX_SIZE', 'upstream_protocol'],
  ['UND_ERR_CONNECT_TIMEOUT', 'upstream_unreachable'],
  ['ENOTFOUND', 'upstream_unreachable'],
  ['EAI_AGAIN', 'upstream_unreachable'],
  ['ECONNREFUSED', 'upstream_unreachable'],
  ['EHOSTUNREACH', 'upstream_unreachable'],
  ['ENETUNREACH', 'upstream_unreachable'],
  ['EADDRNOTAVAIL', 'upstream_unreachable'],
  // This machine's own limits: too many files, or no memory for sockets.
  ['EMFILE', 'upstream_unreachable'],
  ['ENFILE', 'upstream_unreachable'],
  ['ENOBUFS', 'upstream_unreachable'],
]);

/** What a failure below HTTP means. Unknown ones are bugs of ours and aren't tried again. */
export function classifyTransport(error: unknown): UpstreamVerdict {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const known = transportCodes.get(code) ?? byPrefix(code) ?? byName(error);
  if (known === undefined)
    return { error: new GatewayError('internal_error', {}, error), outcome: aboutNobody('bug'), retry: false };
  return {
    error: new GatewayError(known, {}, error),
    outcome: aboutNobody(code, known === 'upstream_unreachable'),
    retry: true,
  };
}

/**
 * Whether a connection that had served before was closed before it answered: Google closes what is idle, and a request
 * may just be on its way then. Undici tells what went over the socket.
 */
export function isStaleConnection(error: unknown): boolean {
  if (!(error instanceof Error) || !('socket' in error) || !isRecord(error.socket)) return false;
  const { bytesRead } = error.socket;
  return typeof bytesRead === 'number' && bytesRead > 0;
}

function byPrefix(code: string): ErrorCode | undefined {
  if (code.startsWith('HPE_')) return 'upstream_protocol';
  if (code.startsWith('ERR_TLS_') || code.startsWith('ERR_SSL_') || /CERT|UNABLE_TO_/.test(code))
    return 'upstream_unreachable';
  return undefined;
}

/** Where undici's parser has no code for what it met, the name of its error is all there is. */
function byName(error: unknown): ErrorCode | undefined {
  return error instanceof Error && error.name === 'HTTPParserError' ? 'upstream_protocol' : undefined;
}

/** Whatever ended an attempt: an error inside an answer, an answer that is none, or a fault of the connection. */
export function classifyFailure(thrown: unknown): UpstreamVerdict {
  if (thrown instanceof UpstreamFault) return classifyStatus(thrown.status, thrown.body, 'application/json');
  if (thrown instanceof GatewayError) return { error: thrown, outcome: aboutNobody(thrown.code), retry: 'once' };
  return classifyTransport(thrown);
}

/** Neutral reasons of Google's own trouble. */
const isFree: ReadonlySet<string> = new Set(['overloaded', 'deadline', 'internal', 'aborted', 'address_refused']);

function aboutNobody(reason: string, isFree = false): FailedUse {
  return { kind: 'neutral', reason, ...(isFree ? { isFree } : {}) };
}

function neutral(
  reason: string,
  retry: UpstreamVerdict['retry'],
  code: ErrorCode,
  detail: ErrorDetail = {},
): UpstreamVerdict {
  // Google counts neither what failed on its side nor what never arrived.
  return { error: new GatewayError(code, detail), outcome: aboutNobody(reason, isFree.has(reason)), retry };
}

/** The client's fault: Google's own words, and no other key is bothered. */
function rejected({ message }: GoogleError): UpstreamVerdict {
  return neutral('client', false, 'upstream_rejected', message === '' ? {} : { message: redact(message) });
}

function disabled(reason: string): UpstreamVerdict {
  return { error: new GatewayError('no_available_keys'), outcome: { kind: 'disable', reason }, retry: true };
}

function resting(forMs: number, reason: RestReason): UpstreamVerdict {
  return {
    error: new GatewayError('keys_resting', { retryAfterMs: forMs }),
    outcome: { kind: 'rest', forMs, reason },
    retry: true,
  };
}

/** What a refusal tells beyond its kind. */
function refusalOf(status: number, { message, project, violations }: GoogleError): Refusal {
  const limits: QuotaLimit[] = [];
  for (const { quotaId, limit } of violations) {
    const of = quotaKind(quotaId);
    if (of !== null && limit !== null && limit > 0) limits.push({ of, limit });
  }
  const chargedModel = violations.find(({ model }) => model !== '')?.model ?? null;
  return { status, message: redact(message).slice(0, refusalCharsMax), project, limits, chargedModel };
}

/** Google's names of quotas have the unit and the span in them: GenerateRequestsPerDayPerProjectPerModel-FreeTier. */
function quotaKind(quotaId: string): QuotaKind | null {
  const isOfTokens = /token/i.test(quotaId);
  if (quotaId.includes('PerMinute')) return isOfTokens ? 'tokens_per_minute' : 'requests_per_minute';
  return quotaId.includes('PerDay') && !isOfTokens ? 'requests_per_day' : null;
}
