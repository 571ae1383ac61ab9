/** What a client is told that has met a limit of its key, in OpenAI's words where it has some. */
import type { ErrorCode } from '../../shared/error-catalogue.ts';
import type { PlainError } from '../../shared/errors.ts';
import type { LimitKind } from './key-counters.ts';
import { durationText } from './limit-headers.ts';

interface Exceeded {
  kind: LimitKind;
  limit: number;
  used: number;
  needed: number;
  waitMs: number;
}

const words: Readonly<Record<LimitKind, { code: ErrorCode; what: string }>> = {
  requestsPerMinute: { code: 'rate_limit_requests', what: 'requests per min (RPM)' },
  tokensPerMinute: { code: 'rate_limit_tokens', what: 'tokens per min (TPM)' },
  concurrentStreams: { code: 'rate_limit_streams', what: 'requests at once' },
  tokensPerDay: { code: 'insufficient_quota', what: 'tokens per day' },
  tokensPerMonth: { code: 'insufficient_quota', what: 'tokens per month' },
  costNanoPerDay: { code: 'insufficient_quota', what: 'dollars per day' },
  costNanoPerMonth: { code: 'insufficient_quota', what: 'dollars per month' },
};

/** What is over within this time is waited for by SDKs; a budget that is used up is not. */
const budgetRetryMsMax = 60_000;

export function limitError({ kind, limit, used, needed, waitMs }: Exceeded): PlainError {
  const { code, what } = words[kind];
  const inDollars = kind === 'costNanoPerDay' || kind === 'costNanoPerMonth';
  const shown = (value: number): string => String(inDollars ? value / 1_000_000_000 : value);
  const requested = inDollars ? '' : `, Requested ${shown(needed)}`;
  const figures = `Limit ${shown(limit)}, Used ${shown(used)}${requested}.`;
  const wait = `Please try again in ${durationText(waitMs)}.`;
  if (code !== 'insufficient_quota')
    return {
      code,
      message: `Rate limit reached for this API key on ${what}: ${figures} ${wait}`,
      retryAfterMs: waitMs,
    };
  return {
    code,
    message: `This API key has exceeded its quota of ${what}: ${figures} ${wait}`,
    retryAfterMs: waitMs,
    retryable: waitMs <= budgetRetryMsMax,
  };
}
