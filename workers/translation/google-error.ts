/** Google's error bodies, read once: whatever shape they come in, the same fields come out. */
import { isRecord, type JsonRecord, listOf } from '../../shared/gemini-wire.ts';
import { geminiKeySource } from '../../shared/key-pattern.ts';

export interface QuotaViolation {
  quotaId: string;
  /** Null when Google left it out, as it does for zero. */
  limit: number | null;
  /** The model that is charged; '' when Google does not say. */
  model: string;
}

export interface GoogleError {
  /** gRPC's name of the status, '' when there is none. */
  status: string;
  message: string;
  /** ErrorInfo's reasons, such as `API_KEY_INVALID`. */
  reasons: string[];
  violations: QuotaViolation[];
  /** Number of the project that the key belongs to; null where Google does not say. */
  project: string | null;
  /** How long Google says to wait, by RetryInfo or by the text. */
  retryDelayMs: number | null;
  /** False when the body was not Google's JSON: a proxy's page, or nothing. */
  isGoogles: boolean;
}

/** Reads a body: an object, a list around it, an `error` that is text, or something else entirely. */
export function readGoogleError(body: string): GoogleError {
  const error: GoogleError = {
    status: '',
    message: '',
    reasons: [],
    violations: [],
    project: null,
    retryDelayMs: null,
    isGoogles: false,
  };
  const source = findError(body);
  if (typeof source === 'string') {
    error.isGoogles = true;
    error.message = source;
  } else if (isRecord(source)) {
    error.isGoogles = true;
    error.status = text(source['status']);
    error.message = text(source['message']);
    for (const detail of listOf(source['details'])) if (isRecord(detail)) readDetail(detail, error);
  }
  const said = /retry in ((?:\d+(?:\.\d+)?(?:ms|h|m|s))+)/i.exec(error.message)?.[1];
  const saidMs = said === undefined ? null : parseDuration(said);
  if (saidMs !== null) error.retryDelayMs = Math.max(saidMs, error.retryDelayMs ?? 0);
  return error;
}

function findError(body: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  for (const entry of Array.isArray(value) ? value : [value])
    if (isRecord(entry) && entry['error'] !== undefined) return entry['error'];
  return undefined;
}

function readDetail(detail: JsonRecord, error: GoogleError): void {
  const type = text(detail['@type']);
  if (type.endsWith('RetryInfo')) error.retryDelayMs = parseDuration(text(detail['retryDelay']));
  else if (type.endsWith('ErrorInfo')) {
    error.reasons.push(text(detail['reason']));
    const { metadata } = detail;
    if (!isRecord(metadata)) return;
    error.project = /^projects\/(\w+)$/.exec(text(metadata['consumer']))?.[1] ?? error.project;
    if (metadata['quota_limit_value'] !== undefined)
      error.violations.push({
        quotaId: text(metadata['quota_limit']),
        limit: number(metadata['quota_limit_value']),
        model: '',
      });
  } else if (type.endsWith('QuotaFailure'))
    for (const violation of listOf(detail['violations']))
      if (isRecord(violation))
        error.violations.push({
          quotaId: text(violation['quotaId']),
          limit: number(violation['quotaValue']),
          model: chargedModel(violation['quotaDimensions']),
        });
}

function chargedModel(dimensions: unknown): string {
  return isRecord(dimensions) ? text(dimensions['model']) : '';
}

/** Milliseconds of `46s`, `0.5s`, `10h17m5.72s` or `250ms`; null when it is nothing of the kind. */
export function parseDuration(duration: string): number | null {
  const match = /^(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/.exec(
    duration,
  );
  if (match === null || duration === '') return null;
  const [hours, minutes, seconds, millis] = match.slice(1).map((digits) => Number(digits ?? 0));
  return Math.ceil((hours ?? 0) * 3_600_000 + (minutes ?? 0) * 60_000 + (seconds ?? 0) * 1000 + (millis ?? 0));
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function number(value: unknown): number | null {
  const parsed = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof parsed === 'number' && Number.isFinite(parsed) ? parsed : null;
}

const geminiKeyPattern = new RegExp(geminiKeySource, 'g');

/** What of a text may leave the process: no key, no project, and not all of it. */
export function redact(message: string): string {
  return message
    .replace(geminiKeyPattern, '[key]')
    .replace(/\bapi_key:[^\s'"]+/g, 'api_key:[key]')
    .replace(/\b(projects?[ /=_]|project_number:|project=)(\d+)/g, '$1[project]')
    .slice(0, messageCharsMax);
}

const messageCharsMax = 2000;
