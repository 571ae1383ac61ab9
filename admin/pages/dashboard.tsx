/** The dashboard: what goes on now, from the live feed, and what went on, from the reports. */
import type { LiveSnapshot } from '../../shared/admin-panel.ts';
import type { SummaryAnswer } from '../../shared/admin-usage.ts';
import { Bars, palette, Spark } from '../parts/chart.tsx';
import { Empty, Failure, Loading } from '../parts/notice.tsx';
import { RequestFeed } from '../parts/request-feed.tsx';
import { PageHead, Panel, Tile } from '../parts/tile.tsx';
import { RangePicker, UsageCharts } from '../parts/usage-charts.tsx';
import { withQuery } from '../state/api.ts';
import { history, snapshot } from '../state/live.ts';
import { range } from '../state/preferences.ts';
import { useResource } from '../state/resource.ts';
import { href } from '../state/router.ts';
import { rangeQuery, useRenewal } from '../state/usage-range.ts';
import { duration, money, percent, short, tokensOf, whole } from '../text/format.ts';
import { maybe, t } from '../text/text.ts';

export function DashboardPage() {
  useRenewal();
  const summary = useResource<SummaryAnswer>(withQuery('/usage/summary', rangeQuery()));
  return (
    <>
      <PageHead title={t('page.dashboard')}>
        <RangePicker />
      </PageHead>
      <Totals now={snapshot.value} />
      <LiveTiles now={snapshot.value} cost={summary.data.value?.totals.cost ?? null} />
      <UsageCharts />
      <div class="columns">
        {summary.error.value !== null && <Failure error={summary.error.value} onRetry={() => void summary.reload()} />}
        <Breakdown summary={summary.data.value} />
      </div>
      <Panel title={t('feed')} actions={<a href={href('requests')}>{t('page.requests')}</a>}>
        <RequestFeed />
      </Panel>
    </>
  );
}

/** The four figures of the program that this one replaces. */
function Totals({ now }: { now: LiveSnapshot | null }) {
  const totals = now?.totals;
  return (
    <div class="tiles four">
      <Tile label={t('totalKeys')} value={whole(totals?.total_api_keys)} tone="cyan" />
      <Tile label={t('activeKeys')} value={whole(totals?.active_keys)} />
      <Tile label={t('totalRequests')} value={whole(totals?.total_requests)} tone="magenta" />
      <Tile label={t('totalTokens')} value={whole(totals?.total_tokens)} tone="amber" />
    </div>
  );
}

function LiveTiles({ now, cost }: { now: LiveSnapshot | null; cost: number | null }) {
  const past = history.value;
  const slowest = (figures: LiveSnapshot['latency_ms'] | undefined): string =>
    figures ? `p95\u00a0${duration(figures.p95)} · p99\u00a0${duration(figures.p99)}` : t('noTraffic5m');
  const rate = now?.success_rate;
  const keys = now?.gemini_keys;
  return (
    <div class="tiles">
      <Tile
        label={t('requestsPerSecond')}
        value={short(now?.requests_per_second)}
        detail={t('inFlight', { n: whole(now?.in_flight), streams: whole(now?.streams) })}
      >
        <Spark values={past.map(({ requests_per_second }) => requests_per_second)} />
      </Tile>
      <Tile label={t('tokensPerSecond')} value={short(now?.tokens_per_second)} tone="cyan" detail={t('last2m')}>
        <Spark values={past.map(({ tokens_per_second }) => tokens_per_second)} color={palette[1] ?? ''} />
      </Tile>
      <Tile
        label={t('successRate')}
        value={percent(rate)}
        tone={rate === null || rate === undefined || rate > 0.98 ? 'green' : rate > 0.9 ? 'amber' : 'red'}
        detail={t('last5m')}
      />
      <Tile label={t('latency')} value={duration(now?.latency_ms?.p50)} detail={slowest(now?.latency_ms)} tone="cyan" />
      <Tile
        label={t('firstToken')}
        value={duration(now?.first_token_ms?.p50)}
        detail={slowest(now?.first_token_ms)}
        tone="cyan"
      />
      <Tile
        label={t('page.gemini-keys')}
        value={keys === undefined ? '–' : `${keys.enabled - keys.resting}/${keys.total}`}
        tone={keys !== undefined && keys.enabled > keys.resting ? 'green' : 'amber'}
        detail={keys === undefined ? '' : t('restingKeys', { n: keys.resting, off: keys.total - keys.enabled })}
      />
      <Tile label={t('cost')} value={money(cost)} tone="magenta" detail={maybe('range', range.value)} />
    </div>
  );
}

function Breakdown({ summary }: { summary: SummaryAnswer | null }) {
  if (summary === null) return <Loading />;
  const { models, client_keys, errors } = summary;
  const errorRows = errors.map(({ error_code, status, requests }) => ({
    key: `${error_code} ${status}`,
    label: `${error_code} (${status})`,
    value: requests,
    href: href('requests', '', { error_code }),
  }));
  return (
    <>
      <Panel title={t('models')}>
        {models.length === 0 ? (
          <Empty title={t('noTraffic')} />
        ) : (
          <Bars
            format={short}
            rows={models
              .map((one) => ({ key: one.model, label: one.model || t('noModel'), value: tokensOf(one) }))
              .sort((a, b) => b.value - a.value)
              .slice(0, 8)}
          />
        )}
      </Panel>
      <Panel title={t('page.client-keys')}>
        {client_keys.length === 0 ? (
          <Empty title={t('noTraffic')}>
            <a href={href('client-keys')}>{t('toClientKeys')}</a>
          </Empty>
        ) : (
          <Bars
            format={short}
            color={palette[0] ?? ''}
            rows={client_keys
              .map((one) => ({
                key: one.id,
                label: one.key_name ?? one.id,
                value: tokensOf(one),
                href: href('client-keys', one.id),
              }))
              .sort((a, b) => b.value - a.value)
              .slice(0, 8)}
          />
        )}
      </Panel>
      <Panel title={t('errorsByReason')}>
        {errorRows.length === 0 ? (
          <Empty title={t('noErrors')} />
        ) : (
          <Bars format={whole} color={palette[5] ?? ''} rows={errorRows} />
        )}
      </Panel>
    </>
  );
}
