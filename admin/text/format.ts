/** Figures as people read them, in the language of the panel. */
import { language } from '../state/preferences.ts';
import { t } from './text.ts';

const none = '–';

function locale(): string {
  return language.value === 'zh' ? 'zh-CN' : 'en-GB';
}

function isNumber(value: number | null | undefined): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** Every digit, grouped. */
export function whole(value: number | null | undefined): string {
  return isNumber(value) ? new Intl.NumberFormat(locale(), { maximumFractionDigits: 0 }).format(value) : none;
}

/** Three digits and a unit for what is large: 12.3K, 4.56M. */
export function short(value: number | null | undefined): string {
  if (!isNumber(value)) return none;
  if (Math.abs(value) < 1 && value !== 0) return value.toPrecision(2);
  if (Math.abs(value) >= 1e15) return value.toExponential(1);
  return new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 }).format(value);
}

/** US dollars: cents for whole sums, more digits for small ones. */
export function money(value: number | null | undefined): string {
  if (!isNumber(value)) return none;
  if (Math.abs(value) >= 1e6) return `$${short(value)}`;
  const digits = value === 0 || Math.abs(value) >= 1 ? 2 : Math.abs(value) >= 0.01 ? 3 : 5;
  return `$${value.toFixed(digits)}`;
}

/** A share of 0 to 1; never 100 % when something is missing. */
export function percent(share: number | null | undefined): string {
  if (!isNumber(share)) return none;
  const digits = share === 1 || share === 0 ? 0 : share > 0.99 ? 2 : 1;
  return `${(Math.min(share, share < 1 ? 0.9999 : 1) * 100).toFixed(digits)}\u00a0%`;
}

/** Milliseconds as the largest unit that says it well. */
export function duration(ms: number | null | undefined): string {
  if (!isNumber(ms)) return none;
  if (ms < 1_000) return `${Math.round(ms)}\u00a0ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)}\u00a0s`;
  return countdown(ms);
}

/** Time left, to the second: 42s, 3m 05s, 7h 12m. */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${String(seconds % 60).padStart(2, '0')}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours}h ${String(minutes % 60).padStart(2, '0')}m`;
  return `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

/** Date and time of this browser's zone. */
export function dateTime(iso: string | null | undefined): string {
  const date = new Date(iso ?? '');
  if (Number.isNaN(date.getTime())) return none;
  return new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' }).format(date);
}

/** Time of day of today, else the date. */
export function clockTime(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return none;
  const isToday = date.toDateString() === new Date().toDateString();
  return new Intl.DateTimeFormat(locale(), {
    ...(isToday ? {} : { month: '2-digit', day: '2-digit' }),
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  }).format(date);
}

/** How long ago, or in how long, in one unit. */
export function ago(iso: string | null | undefined): string {
  const ms = new Date(iso ?? '').getTime() - Date.now();
  if (Number.isNaN(ms)) return t('never');
  const relative = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto', style: 'short' });
  const seconds = Math.round(ms / 1000);
  const size = Math.abs(seconds);
  if (size < 60) return relative.format(seconds, 'second');
  if (size < 3_600) return relative.format(Math.round(seconds / 60), 'minute');
  if (size < 86_400) return relative.format(Math.round(seconds / 3_600), 'hour');
  return relative.format(Math.round(seconds / 86_400), 'day');
}

/** Tokens of all kinds; cached ones are part of the prompt. */
export function tokensOf(figures: {
  prompt_tokens: number;
  tool_prompt_tokens: number;
  thoughts_tokens: number;
  output_tokens: number;
}): number {
  return figures.prompt_tokens + figures.tool_prompt_tokens + figures.thoughts_tokens + figures.output_tokens;
}
