/** Gemini's usageMetadata as the tokens that we count, and those as OpenAI's usage. */
import { isRecord, type JsonRecord, listOf } from '../../shared/gemini-wire.ts';
import type { CompletionUsage, ServiceTier } from '../../shared/openai-wire.ts';
import type { TokenUsage } from '../../shared/usage.ts';

/** A token is some four characters of text. */
const charsPerToken = 4;

export function guessTokens(chars: number): number {
  return Math.ceil(chars / charsPerToken);
}

/** The figures of an answer; null when there are none in it. */
export function readUsage(metadata: unknown): TokenUsage | null {
  if (!isUsage(metadata)) return null;
  const prompt = count(metadata, 'promptTokenCount');
  const toolPrompt = count(metadata, 'toolUsePromptTokenCount');
  const thoughts = count(metadata, 'thoughtsTokenCount');
  const total = count(metadata, 'totalTokenCount');
  // The visible output is left out when it is zero, and by some versions always: then the total tells.
  const output =
    metadata['candidatesTokenCount'] === undefined
      ? Math.max(0, total - prompt - toolPrompt - thoughts)
      : count(metadata, 'candidatesTokenCount');
  const usage = {
    prompt,
    cached: count(metadata, 'cachedContentTokenCount'),
    toolPrompt,
    thoughts,
    output,
    estimated: false,
  };
  const tier = readServedTier(metadata);
  return tier === 'flex' || tier === 'priority' ? { ...usage, tier } : usage;
}

/** Whether a value has figures at all; streams also carry empty ones. */
export function isUsage(metadata: unknown): metadata is JsonRecord {
  return isRecord(metadata) && (count(metadata, 'promptTokenCount') > 0 || count(metadata, 'totalTokenCount') > 0);
}

/** OpenAI's usage object. `metadata` is Gemini's, for what is counted by modality. */
export function toCompletionUsage(usage: TokenUsage, metadata: unknown): CompletionUsage {
  const prompt = usage.prompt + usage.toolPrompt;
  const completion = usage.output + usage.thoughts;
  const details = isRecord(metadata) ? metadata : {};
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: {
      cached_tokens: usage.cached,
      audio_tokens: audioTokens(details['promptTokensDetails']),
    },
    completion_tokens_details: {
      reasoning_tokens: usage.thoughts,
      audio_tokens: audioTokens(details['candidatesTokensDetails']),
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

/** The tokens of two calls together. */
export function addUsage(one: TokenUsage, other: TokenUsage): TokenUsage {
  const tier = one.tier ?? other.tier;
  return {
    ...(tier === undefined ? {} : { tier }),
    prompt: one.prompt + other.prompt,
    cached: one.cached + other.cached,
    toolPrompt: one.toolPrompt + other.toolPrompt,
    thoughts: one.thoughts + other.thoughts,
    output: one.output + other.output,
    estimated: one.estimated || other.estimated,
  };
}

/** The figures of an answer of one or several choices: the prompt counts as often as it was sent. */
export function sumUsage(
  choices: readonly [{ usage: TokenUsage; usageMetadata: unknown }, ...{ usage: TokenUsage; usageMetadata: unknown }[]],
): { usage: TokenUsage; figures: CompletionUsage } {
  const [first, ...others] = choices;
  if (others.length === 0) return { usage: first.usage, figures: toCompletionUsage(first.usage, first.usageMetadata) };
  const usage = others.reduce((sum, choice) => addUsage(sum, choice.usage), first.usage);
  // By modality nothing is summed: audio in several choices at once does not occur.
  return { usage, figures: toCompletionUsage(usage, null) };
}

/** The tier that served, in OpenAI's terms. */
export function readServedTier(metadata: unknown): ServiceTier | undefined {
  const tier = isRecord(metadata) ? metadata['serviceTier'] : undefined;
  switch (typeof tier === 'string' ? tier.toLowerCase() : '') {
    case 'standard':
      return 'default';
    case 'flex':
      return 'flex';
    case 'priority':
      return 'priority';
    default:
      return undefined;
  }
}

function audioTokens(details: unknown): number {
  let tokens = 0;
  for (const entry of listOf(details))
    if (isRecord(entry) && entry['modality'] === 'AUDIO') tokens += count(entry, 'tokenCount');
  return tokens;
}

/** A count: 64-bit integers may come as strings, and absent is zero. */
function count(source: JsonRecord, name: string): number {
  const value = source[name];
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number > 0 ? number : 0;
}
