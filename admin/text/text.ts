/** The panel's texts in the language that is chosen. */
import type { DisableReason, RestReason } from '../../shared/key-outcome.ts';
import { language } from '../state/preferences.ts';
import { enLabels } from './en-labels.ts';
import { enSentences } from './en-sentences.ts';
import { zhLabels } from './zh-labels.ts';
import { zhSentences } from './zh-sentences.ts';
import { zhSettings } from './zh-settings.ts';

/** Whatever puts a key out or to rest has its words. */
const en = { ...enLabels, ...enSentences } satisfies Readonly<Record<`reason.${DisableReason | RestReason}`, string>>;
const zh: Readonly<Record<TextKey, string>> = { ...zhLabels, ...zhSentences };

export type TextKey = keyof typeof en;

/** The text of a key, with `{name}` replaced by the parameter of that name. */
export function t(key: TextKey, params: Readonly<Record<string, string | number>> = {}): string {
  const text: string = language.value === 'zh' ? zh[key] : en[key];
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole));
}

/** What a setting is for; what has no text in the language is said as the gateway says it. */
export function settingText(env: string, description: string): string {
  return language.value === 'zh' ? (zhSettings[env] ?? description) : description;
}

/** The text of a key that is made from data; what has none is shown as it is. */
export function maybe(prefix: string, value: string): string {
  const key = `${prefix}.${value}`;
  return isKey(key) ? t(key) : value;
}

function isKey(key: string): key is TextKey {
  return Object.hasOwn(en, key);
}
