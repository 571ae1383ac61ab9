/** What this browser remembers of how its user likes the panel. */
import { effect, signal } from '@preact/signals';

export type Language = 'en' | 'zh';
export type Range = '1h' | '24h' | '7d' | '30d';

const storageKey = 'gemini-pool.preferences';
const stored = read();

/** The language of the panel: as chosen, else as the browser's first. */
export const language = signal<Language>(
  stored['language'] === 'zh' || (stored['language'] !== 'en' && navigator.language.startsWith('zh')) ? 'zh' : 'en',
);
/** Off stops the rain and every transition; the system's wish for less motion does the same. */
export const motion = signal(stored['motion'] !== false);
/** Strength of the rain, 0 to 3. */
export const intensity = signal(
  typeof stored['intensity'] === 'number' ? Math.min(3, Math.max(0, stored['intensity'])) : 2,
);
export const scanlines = signal(stored['scanlines'] !== false);
/** The span of time that charts show. */
export const range = signal<Range>(readRange(stored['range']));

const wantsLess = matchMedia('(prefers-reduced-motion: reduce)');
const systemWantsLess = signal(wantsLess.matches);
wantsLess.addEventListener('change', () => {
  systemWantsLess.value = wantsLess.matches;
});

/** Whether anything may move. */
export function mayMove(): boolean {
  return motion.value && !systemWantsLess.value;
}

effect(() => {
  const { dataset } = document.documentElement;
  document.documentElement.lang = language.value === 'zh' ? 'zh-CN' : 'en';
  dataset['motion'] = mayMove() ? 'on' : 'off';
  dataset['scanlines'] = scanlines.value ? 'on' : 'off';
  write({
    language: language.value,
    motion: motion.value,
    intensity: intensity.value,
    scanlines: scanlines.value,
    range: range.value,
  });
});

function readRange(value: unknown): Range {
  return value === '1h' || value === '7d' || value === '30d' ? value : '24h';
}

function read(): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(storageKey) ?? '{}');
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function write(value: object): void {
  try {
    localStorage.setItem(storageKey, JSON.stringify(value));
  } catch {
    // Storage is full or forbidden: the preferences last as long as the page.
  }
}
