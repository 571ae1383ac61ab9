/** `generationConfig`, safety settings and the cache: values in range, and features that the model has. */
import { deniedReply, invalidArgumentReply } from './error-bodies.ts';
import type { Refusal, Rule } from './rule.ts';

const place = '* GenerateContentRequest.generation_config';
const stopSequencesMax = 5;
const candidatesMax = 8;
const wholeAnswerTokensMax = 32_768;

function outOfRange(value: number | undefined, least: number, most: number): boolean {
  return value !== undefined && (value < least || value > most);
}

const samplingInRange: Rule = ({ generationConfig = {} }) => {
  const { temperature, topP, topK, stopSequences = [] } = generationConfig;
  if (outOfRange(temperature, 0, 2))
    return invalidArgumentReply(`${place}.temperature: temperature must be in the range [0.0, 2.0].\n`);
  if (outOfRange(topP, 0, 1)) return invalidArgumentReply(`${place}.top_p: top_p must be in the range [0.0, 1.0].\n`);
  if (outOfRange(topK, 1, 2 ** 31)) return invalidArgumentReply(`${place}.top_k: top_k must be positive.\n`);
  if (stopSequences.length > stopSequencesMax)
    return invalidArgumentReply(
      `${place}.stop_sequences: the number of stop_sequences must be at most ${stopSequencesMax}\n`,
    );
  const empty = stopSequences.indexOf('');
  return empty < 0
    ? null
    : invalidArgumentReply(`${place}.stop_sequences[${empty}]: stop sequence must not be empty\n`);
};

const lengthInRange: Rule = ({ generationConfig = {}, continuationToken }, { model, isStream }) => {
  const { maxOutputTokens } = generationConfig;
  if (maxOutputTokens === undefined) return null;
  if (maxOutputTokens <= 0)
    return invalidArgumentReply(`${place}.max_output_tokens: max_output_tokens must be positive.\n`);
  if (maxOutputTokens > model.outputTokensMax)
    return invalidArgumentReply(
      `Unable to submit request because it has a maxOutputTokens value of ${maxOutputTokens} but the supported range is from 1 (inclusive) to ${model.outputTokensMax + 1} (exclusive).`,
    );
  const isLongWhole = model.generation >= 4 && !isStream && continuationToken === undefined;
  return isLongWhole && maxOutputTokens > wholeAnswerTokensMax
    ? invalidArgumentReply(
        `${place}.max_output_tokens: values above ${wholeAnswerTokensMax} need streaming or a continuation_token on this model\n`,
      )
    : null;
};

const featuresEnabled: Rule = ({ generationConfig = {} }, { model, id }) => {
  const {
    candidateCount = 1,
    presencePenalty,
    frequencyPenalty,
    responseLogprobs,
    logprobs,
    mediaResolution,
  } = generationConfig;
  const isGemma = model.kind === 'gemma';
  if (candidateCount < 1 || candidateCount > candidatesMax)
    return invalidArgumentReply(
      `${place}.candidate_count: candidate_count must be in the range [1, ${candidatesMax}].\n`,
    );
  if (candidateCount > 1 && (model.generation >= 3 || model.kind !== 'chat'))
    return invalidArgumentReply('Multiple candidates is not enabled for this model');
  if (!isGemma && (presencePenalty ?? frequencyPenalty) !== undefined)
    return invalidArgumentReply(`Penalty is not enabled for models/${id}`);
  if (!isGemma && (responseLogprobs === true || logprobs !== undefined))
    return invalidArgumentReply(`Logprobs is not enabled for models/${id}`);
  return mediaResolution !== undefined && model.kind === 'image'
    ? invalidArgumentReply(`Media resolution is not enabled for models/${id}`)
    : null;
};

const thinkingFits: Rule = ({ generationConfig = {} }, { model, id }) => {
  const { thinkingConfig } = generationConfig;
  if (thinkingConfig === undefined) return null;
  const { thinkingBudget, thinkingLevel, includeThoughts } = thinkingConfig;
  if (thinkingBudget !== undefined && thinkingLevel !== undefined)
    return invalidArgumentReply('You can only set only one of thinking budget and thinking level.');
  if (model.thinkingBudget === null && model.thinkingLevels.length === 0)
    return invalidArgumentReply(`Thinking is not enabled for models/${id}`);
  if (thinkingLevel !== undefined) {
    if (model.thinkingLevels.length === 0)
      return invalidArgumentReply('Thinking level is not supported for this model.');
    return model.thinkingLevels.includes(thinkingLevel)
      ? null
      : invalidArgumentReply(
          `Thinking level ${thinkingLevel} is not supported for this model. Please retry with other thinking level.`,
        );
  }
  if (thinkingBudget === undefined) return null;
  if (thinkingBudget === 0 && includeThoughts === true)
    return invalidArgumentReply(
      'Unable to submit request because Thinking_config.include_thoughts is only enabled when thinking is enabled.',
    );
  return checkBudget(thinkingBudget, model.generation, model.kind, model.thinkingBudget);
};

function checkBudget(
  budget: number,
  generation: number,
  kind: string,
  range: { least: number; most: number; mayBeZero: boolean } | null,
): Refusal {
  if (generation >= 4 || kind === 'gemma')
    return invalidArgumentReply('Thinking budget is not supported for this model. Please use thinking level instead.');
  const { least, most, mayBeZero } = range ?? { least: 1, most: 32_768, mayBeZero: false };
  if (budget === -1 || (budget === 0 && mayBeZero)) return null;
  if (budget === 0) return invalidArgumentReply('Budget 0 is invalid. This model only works in thinking mode.');
  return budget >= least && budget <= most
    ? null
    : invalidArgumentReply(
        `The thinking budget ${budget} is invalid. Please choose a value between ${least} and ${most}.`,
      );
}

const safetySettled: Rule = ({ safetySettings = [] }) => {
  const seen = new Set<string>();
  for (const [index, { category = 'HARM_CATEGORY_UNSPECIFIED' }] of safetySettings.entries()) {
    const at = `* GenerateContentRequest.safety_settings[${index}]`;
    if (category === 'HARM_CATEGORY_UNSPECIFIED')
      return invalidArgumentReply(
        `${at}: element predicate failed: $.category in (HarmCategory.HARM_CATEGORY_SEXUALLY_EXPLICIT, HarmCategory.HARM_CATEGORY_HATE_SPEECH, HarmCategory.HARM_CATEGORY_HARASSMENT, HarmCategory.HARM_CATEGORY_DANGEROUS_CONTENT, HarmCategory.HARM_CATEGORY_CIVIC_INTEGRITY)\n`,
      );
    if (seen.has(category)) return invalidArgumentReply(`${at}: more than one setting for ${category}\n`);
    seen.add(category);
  }
  return null;
};

const cacheStandsAlone: Rule = ({ cachedContent, systemInstruction, tools, toolConfig }, { model }) => {
  if (cachedContent === undefined) return null;
  if (model.generation >= 4) return invalidArgumentReply('Explicit caching is not supported for this model.');
  if ((systemInstruction ?? tools ?? toolConfig) !== undefined)
    return invalidArgumentReply(
      'CachedContent can not be used with GenerateContent request setting system_instruction, tools or tool_config. Proposed fix: move those values to CachedContent from GenerateContent request.',
    );
  // The simulator keeps none, which is what a key of another project sees.
  return deniedReply('CachedContent not found (or permission denied)');
};

/** Whether this model draws: only then may a picture be configured. */
const imageConfigured: Rule = ({ generationConfig }, { model }) =>
  generationConfig?.imageConfig !== undefined && model.kind !== 'image'
    ? invalidArgumentReply('Request contains an invalid argument.', 'image_config on a model that draws no images')
    : null;

export const generationRules: readonly Rule[] = [
  samplingInRange,
  lengthInRange,
  featuresEnabled,
  thinkingFits,
  safetySettled,
  cacheStandsAlone,
  imageConfigured,
];
