/** Usage over time, as the dashboard and the page of a client key show it. */
import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { SeriesAnswer, UsagePoint } from '../../shared/admin-usage.ts';
import { type Range, range } from '../state/preferences.ts';
import { useResource } from '../state/resource.ts';
import { type Columns, columnsOf, seriesPath } from '../state/usage-range.ts';
import { duration, money, short, tokensOf } from '../text/format.ts';
import { t } from '../text/text.ts';
import { Chart, palette } from './chart.tsx';
import { Segments, Select } from './field.tsx';
import { Failure } from './notice.tsx';
import type { PlotSeries } from './plot.tsx';

const groupsMax = 6;
type Grouping = 'none' | 'model' | 'client_key';
type Measure = 'requests' | 'tokens' | 'cost';

const measures: Readonly<Record<Measure, (point: UsagePoint) => number | null>> = {
  requests: ({ requests }) => requests,
  tokens: tokensOf,
  cost: ({ cost }) => cost,
};
const formats: Readonly<Record<Measure, (value: number) => string>> = { requests: short, tokens: short, cost: money };

export function RangePicker() {
  const options: [Range, string][] = [
    ['1h', t('range.1h')],
    ['24h', t('range.24h')],
    ['7d', t('range.7d')],
    ['30d', t('range.30d')],
  ];
  return (
    <Segments
      label={t('range')}
      value={range.value}
      options={options}
      onChange={(value) => {
        range.value = value;
      }}
    />
  );
}

export function UsageCharts({ clientKey }: { clientKey?: string }) {
  const grouping = useSignal<Grouping>('model');
  const measure = useSignal<Measure>('requests');
  const filter = { client_key: clientKey ?? null };
  const grouped = useResource<SeriesAnswer>(seriesPath({ ...filter, group_by: grouping.value }));
  const all = useResource<SeriesAnswer>(seriesPath({ ...filter, group_by: 'none' }));
  const groupedColumns = useColumns(grouped.data.value);
  const columns = useColumns(all.data.value);
  const main = useMemo(
    () => groupedSeries(groupedColumns, measure.value),
    [groupedColumns, measure.value, t('others')],
  );
  const kinds = useMemo(() => tokenKinds(columns), [columns, t('output')]);
  const times = useMemo(() => percentiles(columns), [columns]);
  const error = grouped.error.value ?? all.error.value;
  if (error !== null)
    return <Failure error={error} onRetry={() => void Promise.all([grouped.reload(), all.reload()])} />;
  return (
    <div class="charts">
      <div class="panel wide">
        <div class="chart-controls">
          <Segments
            label={t('measure')}
            value={measure.value}
            options={[
              ['requests', t('requests')],
              ['tokens', t('tokens')],
              ['cost', t('cost')],
            ]}
            onChange={(value) => {
              measure.value = value;
            }}
          />
          <Select
            isBare
            label={t('groupBy')}
            value={grouping.value}
            options={[
              ['model', t('byModel')],
              ...(clientKey === undefined ? ([['client_key', t('byKey')]] as const) : []),
              ['none', t('inAll')],
            ]}
            onChange={(value) => {
              grouping.value = value;
            }}
          />
        </div>
        <Chart
          title={t(measure.value)}
          times={groupedColumns.times}
          series={main}
          isStacked
          format={formats[measure.value]}
        />
      </div>
      <div class="panel">
        <Chart title={t('tokensByKind')} times={columns.times} series={kinds} isStacked format={short} />
      </div>
      <div class="panel">
        <Chart title={t('latency')} times={columns.times} series={times} format={duration} />
      </div>
    </div>
  );
}

function useColumns(answer: SeriesAnswer | null): Columns {
  return useMemo(() => (answer === null ? { times: [], groups: [] } : columnsOf(answer)), [answer]);
}

/** The largest groups, and the others as one. */
function groupedSeries({ times, groups }: Columns, measure: Measure): PlotSeries[] {
  const read = measures[measure];
  const valued = groups
    .map(({ key, label, points }) => {
      const values = points.map((point) => (point === null ? 0 : (read(point) ?? 0)));
      return {
        label: key === '' ? t('noModel') : (label ?? t(groups.length > 1 ? 'others' : 'all')),
        values,
        sum: values.reduce((sum, value) => sum + value, 0),
      };
    })
    .sort((a, b) => b.sum - a.sum);
  const shown = valued.slice(0, groupsMax);
  const rest = valued.slice(groupsMax);
  if (rest.length > 0)
    shown.push({
      label: t('others'),
      values: times.map((_, index) => rest.reduce((sum, { values }) => sum + (values[index] ?? 0), 0)),
      sum: 0,
    });
  return shown.map(({ label, values }, index) => ({ label, values, color: palette[index] ?? '#7d938b' }));
}

function tokenKinds({ groups }: Columns): PlotSeries[] {
  const points = groups[0]?.points ?? [];
  const kinds: [label: string, read: (point: UsagePoint) => number][] = [
    [t('input'), (point) => point.prompt_tokens + point.tool_prompt_tokens - point.cached_tokens],
    [t('cached'), (point) => point.cached_tokens],
    [t('thoughts'), (point) => point.thoughts_tokens],
    [t('output'), (point) => point.output_tokens],
  ];
  const colors = [1, 4, 2, 0];
  return kinds.map(([label, read], index) => ({
    label,
    color: palette[colors[index] ?? 0] ?? '',
    values: points.map((point) => (point === null ? 0 : read(point))),
  }));
}

function percentiles({ groups }: Columns): PlotSeries[] {
  const points = groups[0]?.points ?? [];
  return (['p50', 'p95', 'p99'] as const).map((name, index) => ({
    label: name,
    color: palette[[0, 3, 5][index] ?? 0] ?? '',
    values: points.map((point) => point?.duration_ms?.[name] ?? null),
  }));
}
