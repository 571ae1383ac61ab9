/**
 * How long a key rests after Google refused it: what Google says, and more where that was not enough the time before.
 */
import type { KeyOutcome, RestReason } from '../../shared/key-outcome.ts';
import { pacificDayOf } from './pacific-day.ts';

/** A delay as long as this is Google's full word, such as 10h17m5s for a day quota. */
const trustedDelayMs = 5 * 60_000;
/** Google's day may begin a little after ours: a quota that is still used up then is tried again soon, not tomorrow. */
const lateResetMs = 30 * 60_000;
const lateRetryMs = 5 * 60_000;
const exhaustedMsMax = 10 * 60_000;

/** The last rest of a project for a model, until something succeeds again. */
export interface LastRest {
  reason: RestReason;
  endsMs: number;
  /** How often it came again after it had been sat out. */
  repeats: number;
}

/** When an answer came, in both clocks, and when its request had been sent. */
export interface RefusedAt {
  leasedMs: number;
  nowMs: number;
  wallMs: number;
}

/** The rest that a refusal leads to, as it is to be kept for the next time. */
export function nextRest(
  { forMs, reason }: Extract<KeyOutcome, { kind: 'rest' }>,
  last: LastRest | null,
  { leasedMs, nowMs, wallMs }: RefusedAt,
): LastRest {
  const before = last?.reason === reason ? last : null;
  // Requests that were on their way together are refused together: that is one refusal, not several.
  const repeats = before === null ? 0 : before.repeats + (leasedMs >= before.endsMs ? 1 : 0);
  const endsMs = nowMs + durationMs(reason, forMs, repeats, wallMs);
  return { reason, repeats, endsMs: Math.max(endsMs, before?.endsMs ?? 0) };
}

function durationMs(reason: RestReason, forMs: number, repeats: number, wallMs: number): number {
  if (reason === 'exhausted') return Math.min(forMs * 2 ** repeats, Math.max(exhaustedMsMax, forMs));
  // A day quota is often reported with a delay of seconds, and is not always meant: only the second time it is the day.
  if (reason !== 'quota_day' || repeats === 0 || forMs > trustedDelayMs) return forMs;
  const { startMs, endMs } = pacificDayOf(wallMs);
  return wallMs - startMs < lateResetMs ? Math.max(forMs, lateRetryMs) : endMs - wallMs;
}
