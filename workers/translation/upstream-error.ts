/** What Gemini's statuses and errors mean: for the client, for the key that was used, and for another try. */
import { GatewayError } from '../../shared/errors.ts';
import type { DisableReason, QuotaKind, QuotaLimit, Refusal } from '../../shared/key-outcome.ts';
import { type GoogleError, readGoogleError, redact } from './google-error.ts';
import { classifyTransport } from './transport-fault.ts';
import { aboutNobody, disabled, neutral, rejected, resting, type UpstreamVerdict } from './upstream-verdict.ts';

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
/** A delay below or above says nothing: some of Google's errors have zero, and a mistake must not cost a key for years. */
const delayMsMin = 1_000;
const delayMsMax = 24 * 3_600_000;
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
  const aboutKey = maybeAboutKey.has(status) ? classifyByReason(error) : null;
  if (aboutKey !== null) return aboutKey;
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
      return rejected(error.message);
    case 503:
      return neutral('overloaded', true, 'upstream_overloaded');
    case 408:
    case 504:
      // The prompt may be too much for the time: a second call that long tells.
      return neutral('deadline', 'once', 'upstream_timeout');
    case 409:
    case 499:
      return neutral('aborted', true, 'upstream_error');
    default:
      if (status >= 500) return neutral('internal', true, 'upstream_error');
      return error.isGoogles ? rejected(error.message) : neutral('protocol', false, 'upstream_protocol');
  }
}

/** Statuses with which Google refuses a key, or a request for its own sake. */
const maybeAboutKey: ReadonlySet<number> = new Set([400, 401, 402, 403]);

const deadKeyReasons: ReadonlyMap<string, DisableReason> = new Map<string, DisableReason>([
  ['API_KEY_INVALID', 'invalid_key'],
  ['API_KEY_EXPIRED', 'expired_key'],
  ['ACCESS_TOKEN_TYPE_UNSUPPORTED', 'unauthenticated'],
  ['CONSUMER_SUSPENDED', 'suspended'],
  ['CONSUMER_INVALID', 'project_invalid'],
  ['SERVICE_DISABLED', 'service_disabled'],
  ['BILLING_DISABLED', 'billing'],
  ['API_TARGET_BLOCKED', 'restricted'],
]);
/** Referrers, addresses, apps, services: whatever a key can be kept to. */
const restrictedReason = /^API_KEY_\w+_BLOCKED$/;

const deadKeyTexts: readonly [RegExp, DisableReason][] = [
  [/reported as leaked/i, 'leaked'],
  [/has been suspended/i, 'suspended'],
  [/project has been denied access/i, 'project_denied'],
  [/has not been used in project|it is disabled/i, 'service_disabled'],
  [/^requests to this api .* are blocked/i, 'restricted'],
];

const spendCapText = /\b(?:spend(?:ing)?|usage) (?:cap|limit)/i;

/** What an error says of the key by Google's names of reasons, or of the money of its project; null for nothing. */
function classifyByReason({ status, reasons, message, retryDelayMs }: GoogleError): UpstreamVerdict | null {
  // Google gives no reason of its own for it.
  if (/^api key expired/i.test(message)) return disabled('expired_key');
  // No key arrived at Google at all: that can't be the key's fault.
  if (/unregistered callers/i.test(message) || reasons.includes('CREDENTIALS_MISSING'))
    return neutral('no_key_sent', false, 'upstream_error');
  for (const reason of reasons) {
    const known = restrictedReason.test(reason) ? 'restricted' : deadKeyReasons.get(reason);
    if (known !== undefined) return disabled(known);
  }
  // What Google finds wrong in a request it quotes, and that may be any text.
  const isQuote = status === 'INVALID_ARGUMENT';
  return !isQuote && spendCapText.test(message) ? spendCapped(retryDelayMs) : null;
}

function classifyBadRequest(error: GoogleError): UpstreamVerdict {
  const { message } = error;
  if (/^api key not (valid|found)/i.test(message)) return disabled('invalid_key');
  if (/user location is not supported/i.test(message)) return neutral('region', false, 'upstream_region');
  if (error.status === 'FAILED_PRECONDITION' && /\bbilling\b/i.test(message)) return disabled('billing');
  if (/thought signature is not valid|corrupted thought signature/i.test(message))
    return { ...rejected(error.message), retry: true, repair: 'signatures' };
  if (/input token count .{0,200}exceeds the maximum/i.test(message))
    return neutral('client', false, 'context_length_exceeded', { message: redact(message) });
  return rejected(error.message);
}

function classifyDenied(error: GoogleError): UpstreamVerdict {
  const { message } = error;
  for (const [pattern, reason] of deadKeyTexts) if (pattern.test(message)) return disabled(reason);
  // Files and caches belong to the project of one key.
  if (/permission to access the|cachedcontent/i.test(message)) return { ...rejected(error.message), retry: 'foreign' };
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
  return rejected(error.message);
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
  const delayMs = delayOf(retryDelayMs);
  const saysZero = /\blimit: 0\b/.test(message);
  const isZero = ({ limit, quotaId }: GoogleError['violations'][number]): boolean =>
    limit === 0 || (limit === null && (saysZero || quotaId.endsWith('FreeTier')));
  const limited = violations.filter((violation) => !isZero(violation));
  if (limited.some(({ quotaId }) => quotaId.includes('PerDay'))) return resting(delayMs, 'quota_day');
  if (violations.length > limited.length || (saysZero && limited.length === 0))
    return resting(Math.max(modelRestMs, delayMs), 'limit_zero');
  if (spendCapText.test(message)) return spendCapped(retryDelayMs);
  if (limited.length > 0) return resting(delayMs, 'quota_minute');
  // Nothing is known of the limit, and a delay of zero is none.
  return resting(retryDelayMs === 0 ? restDefaultMs : delayMs, 'exhausted');
}

function spendCapped(retryDelayMs: number | null): UpstreamVerdict {
  return resting(Math.max(spendCapRestMs, delayOf(retryDelayMs)), 'spend_cap');
}

/** For how long a key rests by Google's word. */
function delayOf(retryDelayMs: number | null): number {
  return Math.min(delayMsMax, Math.max(delayMsMin, retryDelayMs ?? restDefaultMs));
}

/** Whatever ended an attempt: an error inside an answer, an answer that is none, or a fault of the connection. */
export function classifyFailure(thrown: unknown): UpstreamVerdict {
  if (thrown instanceof UpstreamFault) return classifyStatus(thrown.status, thrown.body, 'application/json');
  if (thrown instanceof GatewayError) return { error: thrown, outcome: aboutNobody(thrown.code), retry: 'once' };
  return classifyTransport(thrown);
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
