/** How much a model shall think: OpenAI's effort, or Google's own terms in `extra_body`. */
import type { JsonRecord, ThinkingConfig } from '../../shared/gemini-wire.ts';
import { notOneOf, readBoolean, readInteger, readString, unsupportedValue } from './field-readers.ts';
import { readGoogleRecord } from './google-extension.ts';
import type { ModelFamily, ThinkingLevel } from './model-family.ts';

const efforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const;
type Effort = (typeof efforts)[number];

const levels: readonly ThinkingLevel[] = ['minimal', 'low', 'medium', 'high', 'xhigh'];
const levelOfEffort: Readonly<Record<Exclude<Effort, 'none'>, ThinkingLevel>> = {
  minimal: 'minimal',
  low: 'low',
  medium: 'medium',
  high: 'high',
  xhigh: 'xhigh',
  max: 'xhigh',
};

/** Google's own table for its models of generation 2.5. */
const budgetOfEffort: Readonly<Record<Effort, number>> = {
  none: 0,
  minimal: 1024,
  low: 1024,
  medium: 8192,
  high: 24_576,
  xhigh: Number.POSITIVE_INFINITY,
  max: Number.POSITIVE_INFINITY,
};

/** The thinkingConfig that is asked for, or undefined. An effort that the model lacks becomes the next lower one. */
export function readThinking(
  body: JsonRecord,
  google: JsonRecord,
  family: ModelFamily,
  strict: boolean,
  warnings: string[],
): ThinkingConfig | undefined {
  const asked = readEffort(body);
  const own = readOwnTerms(google);
  if (asked === undefined) return own;
  if (own?.thinkingBudget !== undefined || own?.thinkingLevel !== undefined) {
    if (strict)
      throw unsupportedValue('reasoning_effort', 'it cannot be used together with extra_body.google.thinking_config.');
    warnings.push('reasoning_effort');
    return own;
  }
  const { config, isExact } = fromEffort(asked, family);
  if (!isExact) {
    if (strict) throw unsupportedValue('reasoning_effort', `this model cannot think with effort '${asked}'.`);
    warnings.push('reasoning_effort');
  }
  if (config === undefined) return own;
  if (own?.includeThoughts !== undefined) config.includeThoughts = own.includeThoughts;
  return config;
}

function readEffort(body: JsonRecord): Effort | undefined {
  const value = body['reasoning_effort'];
  if (value === undefined || value === null) return undefined;
  const effort = efforts.find((known) => known === value);
  if (effort === undefined) throw notOneOf('reasoning_effort', value, efforts);
  return effort;
}

function fromEffort(effort: Effort, { thinking }: ModelFamily): { config?: ThinkingConfig; isExact: boolean } {
  if (thinking === null) return { isExact: effort === 'none' };
  if (thinking.by === 'budget') {
    if (effort === 'none')
      return { config: { thinkingBudget: thinking.canBeOff ? 0 : thinking.tokensMin }, isExact: thinking.canBeOff };
    const wanted = budgetOfEffort[effort];
    return {
      config: { thinkingBudget: Math.max(thinking.tokensMin, Math.min(wanted, thinking.tokensMax)) },
      isExact: true,
    };
  }
  const wanted = effort === 'none' ? 'minimal' : levelOfEffort[effort];
  const rank = levels.indexOf(wanted);
  let level = thinking.levels[0];
  for (const offered of thinking.levels) if (levels.indexOf(offered) <= rank) level = offered;
  if (level === undefined) return { isExact: false };
  // That `max` is the highest level there is needs no mention.
  return { config: { thinkingLevel: level }, isExact: effort === 'max' || (effort !== 'none' && level === wanted) };
}

/** `thinking_config` of the Google extension, in either spelling. */
function readOwnTerms(google: JsonRecord): ThinkingConfig | undefined {
  const source = readGoogleRecord(google, 'thinking_config', 'thinkingConfig');
  if (source === undefined) return undefined;
  const path = 'extra_body.google.thinking_config';
  const config: ThinkingConfig = {};
  const includeThoughts =
    readBoolean(source, 'include_thoughts', `${path}.include_thoughts`) ??
    readBoolean(source, 'includeThoughts', `${path}.includeThoughts`);
  const int32Max = 2 ** 31 - 1;
  const budget =
    readInteger(source, 'thinking_budget', -1, int32Max, `${path}.thinking_budget`) ??
    readInteger(source, 'thinkingBudget', -1, int32Max, `${path}.thinkingBudget`);
  const level =
    readString(source, 'thinking_level', `${path}.thinking_level`) ??
    readString(source, 'thinkingLevel', `${path}.thinkingLevel`);
  if (includeThoughts !== undefined) config.includeThoughts = includeThoughts;
  if (budget !== undefined && level !== undefined)
    throw unsupportedValue(path, 'only one of thinking_budget and thinking_level can be set.');
  if (budget !== undefined) config.thinkingBudget = budget;
  if (level !== undefined) {
    const known = levels.find((name) => name === level.toLowerCase());
    if (known === undefined) throw notOneOf(`${path}.thinking_level`, level, levels);
    config.thinkingLevel = known;
  }
  return config;
}
