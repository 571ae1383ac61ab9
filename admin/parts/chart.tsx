/** Charts: over time with a legend, a line in a tile, and bars. */
import { t } from '../text/text.ts';
import { Empty } from './notice.tsx';
import { Plot, type PlotSeries } from './plot.tsx';

export const palette = ['#2bff88', '#3fe0ff', '#ff4fd8', '#ffc44d', '#a98bff', '#ff7a5c', '#7d938b'];

export interface ChartProps {
  title: string;
  times: readonly number[];
  series: readonly PlotSeries[];
  isStacked?: boolean;
  format: (value: number) => string;
}

export function Chart({ title, times, series, isStacked = false, format }: ChartProps) {
  const isEmpty = series.every(({ values }) => values.every((value) => value === null || value === 0));
  return (
    <figure class="chart">
      <figcaption>
        <h3>{title}</h3>
        <ul class="legend">
          {series.map(({ label, color }) => (
            <li key={label}>
              <i style={{ background: color }} aria-hidden="true" />
              {label}
            </li>
          ))}
        </ul>
      </figcaption>
      {isEmpty ? (
        <Empty title={t('noTraffic')} />
      ) : (
        <Plot
          label={summary(title, series, format)}
          times={times}
          series={series}
          isStacked={isStacked}
          format={format}
        />
      )}
    </figure>
  );
}

/** What the chart says to whoever can't see it. */
function summary(title: string, series: readonly PlotSeries[], format: (value: number) => string): string {
  const parts = series.map(({ label, values }) => {
    const known = values.filter((value) => value !== null);
    return `${label}: ${t('peak')} ${format(known.reduce((most, value) => Math.max(most, value), 0))}`;
  });
  return [title, ...parts].join('; ');
}

/** A line without axes, for a tile. */
export function Spark({ values, color = palette[0] ?? '' }: { values: readonly number[]; color?: string }) {
  if (values.length < 2) return <svg class="spark" viewBox="0 0 100 24" aria-hidden="true" />;
  const most = Math.max(...values, 1e-9);
  const points = values.map(
    (value, index) => `${((index / (values.length - 1)) * 100).toFixed(1)},${(23 - (value / most) * 21).toFixed(1)}`,
  );
  return (
    <svg class="spark" viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true">
      <polygon points={`0,24 ${points.join(' ')} 100,24`} fill={color} opacity="0.14" />
      <polyline
        points={points.join(' ')}
        fill="none"
        stroke={color}
        stroke-width="1.5"
        vector-effect="non-scaling-stroke"
      />
    </svg>
  );
}

/** Parts of a whole as bars, largest first. */
export function Bars({
  rows,
  format,
  color = palette[1] ?? '',
}: {
  rows: readonly { key: string; label: string; value: number; href?: string }[];
  format: (value: number) => string;
  color?: string;
}) {
  const most = Math.max(...rows.map(({ value }) => value), 1e-9);
  return (
    <ul class="bars">
      {rows.map(({ key, label, value, href }) => (
        <li key={key}>
          <i style={{ width: `${Math.max(1, (value / most) * 100)}%`, background: color }} aria-hidden="true" />
          {href === undefined ? <span>{label}</span> : <a href={href}>{label}</a>}
          <b>{format(value)}</b>
        </li>
      ))}
    </ul>
  );
}
