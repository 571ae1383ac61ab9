/** Whether a client key works, and how much of its limits is used. */
import type { ClientKeyEntry } from '../../shared/admin-client-keys.ts';
import { dateTime, money, short } from '../text/format.ts';
import { t } from '../text/text.ts';
import { Badge } from './tile.tsx';

export function keyStateOf({ is_active, expires_at }: ClientKeyEntry): 'active' | 'inactive' | 'expired' {
  if (expires_at && Date.parse(expires_at) <= Date.now()) return 'expired';
  return is_active ? 'active' : 'inactive';
}

export function KeyState({ entry }: { entry: ClientKeyEntry }) {
  const state = keyStateOf(entry);
  return (
    <span title={entry.expires_at ? dateTime(entry.expires_at) : undefined}>
      <Badge tone={state === 'active' ? 'good' : state === 'expired' ? 'warn' : 'dim'}>{t(state)}</Badge>
    </span>
  );
}

export type LimitName = keyof ClientKeyEntry['limits'];

/** The limits of a key in the order of its form. */
export const limitNames: readonly LimitName[] = [
  'requests_per_minute',
  'tokens_per_minute',
  'tokens_per_day',
  'tokens_per_month',
  'cost_per_day',
  'cost_per_month',
  'concurrent_streams',
];

const usedBy: Readonly<Record<LimitName, keyof ClientKeyEntry['now']>> = {
  requests_per_minute: 'requests_this_minute',
  tokens_per_minute: 'tokens_this_minute',
  tokens_per_day: 'tokens_today',
  tokens_per_month: 'tokens_this_month',
  cost_per_day: 'cost_today',
  cost_per_month: 'cost_this_month',
  concurrent_streams: 'streams',
};

/** What is used of each limit; a limit that is not set shows what is used alone. */
export function LimitMeters({ entry: { limits, now } }: { entry: ClientKeyEntry }) {
  return (
    <dl class="meters">
      {limitNames.map((name) => {
        const limit = limits[name];
        const used = now[usedBy[name]] ?? 0;
        const format = name.startsWith('cost') ? money : short;
        const share = limit === null ? 0 : limit === 0 ? 1 : Math.min(1, used / limit);
        return (
          <div key={name} class={share >= 1 ? 'over' : share > 0.8 ? 'near' : ''}>
            <dt>{t(`limit.${name}`)}</dt>
            <dd>
              {format(used)} / {limit === null ? '∞' : format(limit)}
              <progress value={share} max={1} aria-label={t(`limit.${name}`)} />
            </dd>
          </div>
        );
      })}
    </dl>
  );
}
