/** Client keys as the admin API shows them, built field by field, and how a list of them is searched and sorted. */
import type { ClientKeyEntry, ClientKeySort, ListClientKeysQuery } from '../shared/admin-client-keys.ts';
import type { ClientKey, SpanUsage } from '../shared/client-key.ts';
import type { UsageTotals } from '../shared/rows.ts';
import type { ClientKeys } from './client-keys.ts';
import type { ClientLimits } from './client-limits/client-limits.ts';

export const nanoPerDollar = 1_000_000_000;

type TotalsById = Readonly<Record<string, UsageTotals>>;

export function entryOf(clientKey: ClientKey, limits: ClientLimits, totalsById: TotalsById): ClientKeyEntry {
  const totals = Object.hasOwn(totalsById, clientKey.id) ? totalsById[clientKey.id] : undefined;
  const current = limits.current(clientKey.id);
  return {
    id: clientKey.id,
    key_name: clientKey.name,
    api_key: clientKey.masked,
    is_active: clientKey.isActive,
    created_at: timeText(clientKey.createdAtMs),
    total_requests: totals?.requests ?? 0,
    total_input_tokens: totals?.inputTokens ?? 0,
    total_output_tokens: totals?.outputTokens ?? 0,
    version: clientKey.version,
    note: clientKey.note,
    expires_at: clientKey.expiresAtMs === null ? null : timeText(clientKey.expiresAtMs),
    last_used_at: current.lastUsedAtMs === null ? null : timeText(current.lastUsedAtMs),
    limits: {
      requests_per_minute: clientKey.limits.requestsPerMinute,
      tokens_per_minute: clientKey.limits.tokensPerMinute,
      tokens_per_day: clientKey.limits.tokensPerDay,
      tokens_per_month: clientKey.limits.tokensPerMonth,
      cost_per_day: dollarsOf(clientKey.limits.costNanoPerDay),
      cost_per_month: dollarsOf(clientKey.limits.costNanoPerMonth),
      concurrent_streams: clientKey.limits.concurrentStreams,
    },
    allowed_models: clientKey.allowedModels,
    now: {
      requests_this_minute: current.requestsThisMinute,
      tokens_this_minute: current.tokensThisMinute,
      tokens_today: current.today.tokens,
      tokens_this_month: current.thisMonth.tokens,
      cost_today: costOf(current.today),
      cost_this_month: costOf(current.thisMonth),
      streams: current.inFlight,
    },
  };
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}

function dollarsOf(nanoDollars: number | null): number | null {
  return nanoDollars === null ? null : nanoDollars / nanoPerDollar;
}

/** Unknown when nothing of what was used has a known price. */
function costOf({ costNano, unpriced }: Readonly<SpanUsage>): number | null {
  return costNano === 0 && unpriced > 0 ? null : costNano / nanoPerDollar;
}

/** The keys that a query wants. A key that is switched off is inactive, be it expired or not. */
export function matchingKeys({ query, state }: ListClientKeysQuery, clientKeys: ClientKeys): ClientKey[] {
  const wanted = query?.toLowerCase();
  return clientKeys.all().filter((clientKey) => {
    const { name, note, masked, isActive } = clientKey;
    if (wanted !== undefined && ![name, note, masked].some((text) => text.toLowerCase().includes(wanted))) return false;
    if (state === undefined) return true;
    return state === (isActive ? (clientKeys.isExpired(clientKey) ? 'expired' : 'active') : 'inactive');
  });
}

/** Sorts in place; what has no value stands last either way. The newest first when nothing else is asked for. */
export function sortEntries(entries: ClientKeyEntry[], sort: ListClientKeysQuery['sort'] = '-created_at'): void {
  const descending = sort.startsWith('-');
  const field = fieldOf(sort);
  entries.sort((a, b) => {
    const [one, other] = [sortValue(a, field), sortValue(b, field)];
    if (one === null || other === null) return one === other ? 0 : one === null ? 1 : -1;
    const order =
      typeof one === 'string' && typeof other === 'string'
        ? one.localeCompare(other, 'en')
        : Number(one) - Number(other);
    return descending ? -order : order;
  });
}

function fieldOf(sort: NonNullable<ListClientKeysQuery['sort']>): ClientKeySort {
  switch (sort) {
    case '-created_at':
      return 'created_at';
    case '-key_name':
      return 'key_name';
    case '-expires_at':
      return 'expires_at';
    case '-last_used_at':
      return 'last_used_at';
    case '-total_requests':
      return 'total_requests';
    case '-total_tokens':
      return 'total_tokens';
    default:
      return sort;
  }
}

function sortValue(entry: ClientKeyEntry, field: ClientKeySort): string | number | null {
  return field === 'total_tokens' ? entry.total_input_tokens + entry.total_output_tokens : entry[field];
}
