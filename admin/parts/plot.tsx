/**
 * Lines or stacked areas over time, drawn as SVG. Our own, since a library for charts would take half of what the panel
 * may weigh.
 */
import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { dateTime } from '../text/format.ts';

export interface PlotSeries {
  label: string;
  color: string;
  /** A value for each time; null where nothing is known. */
  values: readonly (number | null)[];
}

export interface PlotProps {
  /** What it shows, for whoever can't see it. */
  label: string;
  /** Seconds since 1970, ascending. */
  times: readonly number[];
  series: readonly PlotSeries[];
  /** Areas on top of each other instead of lines. */
  isStacked: boolean;
  format: (value: number) => string;
}

const height = 210;
const left = 54;
const right = 8;
const top = 8;
const bottom = 24;
const pxBetweenTimes = 84;

export function Plot({ label, times, series, isStacked, format }: PlotProps) {
  const box = useRef<HTMLDivElement>(null);
  const width = useSignal(600);
  const pointed = useSignal<number | null>(null);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => {
      width.value = Math.max(160, element.clientWidth);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const tops = isStacked ? stacked(series) : series.map(({ values }) => values);
  const ticks = valueTicks(Math.max(0, ...tops.flatMap((values) => values.map((value) => value ?? 0))));
  const most = ticks.at(-1) ?? 1;
  const first = times[0] ?? 0;
  const span = Math.max(1, (times.at(-1) ?? 0) - first);
  const x = (index: number): number => left + (((times[index] ?? 0) - first) / span) * (width.value - left - right);
  const y = (value: number): number => height - bottom - (value / most) * (height - top - bottom);
  const point = (event: PointerEvent): void => {
    const at = first + ((event.offsetX - left) / (width.value - left - right)) * span;
    pointed.value = nearest(times, at);
  };
  return (
    <div ref={box} class="plot">
      <svg
        role="img"
        aria-label={label}
        width={width.value}
        height={height}
        onPointerMove={point}
        onPointerLeave={() => {
          pointed.value = null;
        }}
      >
        {ticks.map((tick) => (
          <g key={tick}>
            <line class="grid-line" x1={left} x2={width.value - right} y1={y(tick)} y2={y(tick)} />
            <text x={left - 6} y={y(tick) + 4} text-anchor="end">
              {format(tick)}
            </text>
          </g>
        ))}
        {timeTicks(times, width.value).map((index) => (
          <text key={index} x={x(index)} y={height - 6} text-anchor="middle">
            {timeLabel(times[index] ?? 0, span)}
          </text>
        ))}
        {series.map(({ label: name, color }, index) => {
          const line = path(tops[index] ?? [], x, y);
          const below = isStacked ? (tops[index - 1] ?? times.map(() => 0)) : null;
          return (
            <g key={name}>
              {below !== null && <path d={`${line}${back(below, x, y)}Z`} fill={color} opacity="0.2" />}
              <path d={line} fill="none" stroke={color} stroke-width="1.5" stroke-linejoin="round" />
            </g>
          );
        })}
        {pointed.value !== null && (
          <line class="cursor" x1={x(pointed.value)} x2={x(pointed.value)} y1={top} y2={height - bottom} />
        )}
      </svg>
      {pointed.value !== null && (
        <Tip
          index={pointed.value}
          x={x(pointed.value)}
          width={width.value}
          times={times}
          series={series}
          format={format}
        />
      )}
    </div>
  );
}

/** The values below the pointer. */
function Tip({
  index,
  x,
  width,
  times,
  series,
  format,
}: Pick<PlotProps, 'times' | 'series' | 'format'> & { index: number; x: number; width: number }) {
  return (
    <div class="tip" style={x > width / 2 ? { right: `${width - x + 12}px` } : { left: `${x + 12}px` }}>
      <strong>{dateTime(new Date((times[index] ?? 0) * 1000).toISOString())}</strong>
      {series.map(({ label, color, values }) => (
        <span key={label}>
          <i style={{ background: color }} />
          {label}
          <b>{format(values[index] ?? 0)}</b>
        </span>
      ))}
    </div>
  );
}

/** Each column is the sum of itself and those before it. */
function stacked(series: readonly PlotSeries[]): number[][] {
  const sums: number[] = [];
  return series.map(({ values }) =>
    values.map((value, index) => {
      const sum = (sums[index] ?? 0) + (value ?? 0);
      sums[index] = sum;
      return sum;
    }),
  );
}

/** Some round values from 0 to at least `most`. */
function valueTicks(most: number): number[] {
  if (!(most > 0)) return [0, 1];
  const power = 10 ** Math.floor(Math.log10(most / 4));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size * 4 >= most) ?? most / 4;
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, index) => index * step);
}

/** The times that get a label. */
function timeTicks(times: readonly number[], width: number): number[] {
  const every = Math.max(1, Math.ceil(times.length / Math.max(1, Math.floor((width - left) / pxBetweenTimes))));
  return times.map((_, index) => index).filter((index) => index % every === Math.floor(every / 2));
}

function timeLabel(seconds: number, span: number): string {
  const date = new Date(seconds * 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  return span > 2 * 86_400
    ? `${two(date.getMonth() + 1)}-${two(date.getDate())}`
    : `${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** A line through the values that are known; across a gap it goes straight. */
function path(values: readonly (number | null)[], x: (index: number) => number, y: (value: number) => number): string {
  let text = '';
  for (const [index, value] of values.entries())
    if (value !== null) text += `${text === '' ? 'M' : 'L'}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
  // One point alone is drawn as a dash: a line of no length shows nothing.
  return text.includes('L') || text === '' ? text : `${text}m-5 0h10`;
}

/** The way back along the line below. */
function back(values: readonly (number | null)[], x: (index: number) => number, y: (value: number) => number): string {
  return values
    .map((value, index) => `L${x(index).toFixed(1)} ${y(value ?? 0).toFixed(1)}`)
    .reverse()
    .join('');
}

function nearest(times: readonly number[], at: number): number | null {
  let best: number | null = null;
  for (const [index, time] of times.entries())
    if (best === null || Math.abs(time - at) < Math.abs((times[best] ?? 0) - at)) best = index;
  return best;
}
