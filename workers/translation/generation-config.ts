/** The scalar parameters of a request as Gemini's generationConfig. */
import type { GenerationConfig, JsonRecord } from '../../shared/gemini-wire.ts';
import { readInteger, readNumber, wrongType, wrongValue } from './field-readers.ts';
import type { ModelFamily } from './model-family.ts';

const int32Max = 2 ** 31 - 1;
const stopsMax = 5;

/** Reads the parameters of sampling and length. What the model doesn't take is left out and named in `warnings`. */
export function readGenerationConfig(body: JsonRecord, family: ModelFamily, warnings: string[]): GenerationConfig {
  const config: GenerationConfig = {};
  const maxTokens = readInteger(body, 'max_completion_tokens', 1, Number.MAX_SAFE_INTEGER);
  const maxTokensOld = readInteger(body, 'max_tokens', 1, Number.MAX_SAFE_INTEGER);
  const maxOutputTokens = maxTokens ?? maxTokensOld;
  if (maxOutputTokens !== undefined) config.maxOutputTokens = Math.min(maxOutputTokens, int32Max);
  readSampling(body, config, family, warnings);
  const seed = readInteger(body, 'seed', Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  // Gemini's seed has 32 bits: others are folded, always to the same one.
  if (seed !== undefined) config.seed = seed >= -int32Max && seed <= int32Max ? seed : Math.abs(seed) % 2 ** 31;
  const stops = readStops(body['stop']);
  if (stops !== undefined) config.stopSequences = stops;
  return config;
}

function readSampling(body: JsonRecord, config: GenerationConfig, family: ModelFamily, warnings: string[]): void {
  const temperature = readNumber(body, 'temperature', 0, 2);
  const topP = readNumber(body, 'top_p', 0, 1);
  const topK = readInteger(body, 'top_k', 1, int32Max);
  if (family.takesSampling) {
    if (temperature !== undefined) config.temperature = temperature;
    if (topP !== undefined) config.topP = topP;
    if (topK !== undefined) config.topK = topK;
  } else {
    if (temperature !== undefined) warnings.push('temperature');
    if (topP !== undefined) warnings.push('top_p');
    if (topK !== undefined) warnings.push('top_k');
  }
  // No model of Gemini's that is still served takes penalties.
  if (readNumber(body, 'presence_penalty', -2, 2)) warnings.push('presence_penalty');
  if (readNumber(body, 'frequency_penalty', -2, 2)) warnings.push('frequency_penalty');
}

function readStops(stop: unknown): string[] | undefined {
  if (stop === undefined || stop === null) return undefined;
  const given: unknown[] = Array.isArray(stop) ? stop : [stop];
  if (given.length > stopsMax)
    throw wrongValue(
      'stop',
      `array too long. Expected an array with maximum length ${stopsMax}, but got an array with length ${given.length} instead.`,
    );
  const stops: string[] = [];
  for (const entry of given) {
    if (typeof entry !== 'string') throw wrongType('stop', 'one of a string or array of strings', entry);
    if (entry !== '') stops.push(entry);
  }
  return stops.length > 0 ? stops : undefined;
}
