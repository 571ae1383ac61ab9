/** The requests that ended last, as the live feed tells of them. */
import { recentRequests } from '../state/live.ts';
import { href } from '../state/router.ts';
import { clockTime, duration, short } from '../text/format.ts';
import { t } from '../text/text.ts';
import { Empty } from './notice.tsx';
import { OutcomeBadge } from './outcome.tsx';

const shownMax = 12;

export function RequestFeed({ clientKey }: { clientKey?: string }) {
  const rows = recentRequests.value
    .filter(({ client_key_id }) => clientKey === undefined || client_key_id === clientKey)
    .slice(0, shownMax);
  if (rows.length === 0) return <Empty title={t('noTraffic')}>{t('noTrafficHint')}</Empty>;
  return (
    <ol class="feed">
      {rows.map((row) => (
        <li key={row.id}>
          <a href={href('requests', row.id)}>{clockTime(row.at)}</a>
          <OutcomeBadge outcome={row.outcome} status={row.status} />
          <span class="feed-model">{row.model_served ?? row.model_asked ?? row.endpoint}</span>
          <span class="feed-key">{row.client_key_name ?? row.client_key_id}</span>
          <span class="feed-tokens">{t('nTokens', { n: short(row.total_tokens) })}</span>
          <span class="feed-time">{duration(row.duration_ms)}</span>
        </li>
      ))}
    </ol>
  );
}
