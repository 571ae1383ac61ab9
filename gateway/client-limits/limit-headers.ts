/**
 * The `x-ratelimit-*` headers of OpenAI, showing a client the limits of its own key. Of several limits of one kind
 * (tokens a minute, a day, a month) the one with the least left is shown. Cost and streams are ours, in the same form.
 */
import type { Headers } from '../downstream.ts';
import type { LimitKind, Standing } from './key-counters.ts';

type Shown = 'requests' | 'tokens' | 'cost' | 'streams';

const shownAs: Readonly<Record<LimitKind, Shown>> = {
  requestsPerMinute: 'requests',
  tokensPerMinute: 'tokens',
  tokensPerDay: 'tokens',
  tokensPerMonth: 'tokens',
  costNanoPerDay: 'cost',
  costNanoPerMonth: 'cost',
  concurrentStreams: 'streams',
};

const order: readonly Shown[] = ['requests', 'tokens', 'cost', 'streams'];

export function limitHeaders(standings: readonly Standing[]): Headers {
  const headers: [string, string][] = [];
  for (const shown of order) {
    const tightest = tightestOf(standings.filter(({ kind }) => shownAs[kind] === shown));
    if (tightest === null) continue;
    const { limit, resetMs } = tightest;
    headers.push(
      [`x-ratelimit-limit-${shown}`, amount(shown, limit)],
      [`x-ratelimit-remaining-${shown}`, amount(shown, leftOf(tightest))],
    );
    if (shown !== 'streams') headers.push([`x-ratelimit-reset-${shown}`, durationText(resetMs)]);
  }
  return headers;
}

function tightestOf(standings: readonly Standing[]): Standing | null {
  let tightest: Standing | null = null;
  for (const standing of standings) if (tightest === null || leftOf(standing) < leftOf(tightest)) tightest = standing;
  return tightest;
}

function leftOf({ limit, used }: Standing): number {
  return Math.max(0, limit - used);
}

function amount(shown: Shown, value: number): string {
  // Nano-dollars are shown as dollars.
  return shown === 'cost' ? String(value / 1_000_000_000) : String(value);
}

/** A duration as OpenAI writes it: `120ms`, `8.64s`, `6m0s`, `14h3m20s`. Rounded up, so that waiting for it is enough. */
export function durationText(ms: number): string {
  const whole = Math.ceil(ms);
  if (whole < 1_000) return `${whole}ms`;
  // Beside hours, nobody needs parts of a second.
  const shown = whole < 3_600_000 ? whole : Math.ceil(whole / 1_000) * 1_000;
  const seconds = (shown % 60_000) / 1_000;
  const minutes = Math.floor(shown / 60_000) % 60;
  const hours = Math.floor(shown / 3_600_000);
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}
