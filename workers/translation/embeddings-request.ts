/** An embeddings request of OpenAI's as the batches that Gemini gets, and what the answer must know of it. */
import type { JsonRecord } from '../../shared/gemini-wire.ts';
import { limits } from '../../shared/limits.ts';
import { missing, notOneOf, readInteger, unsupportedValue, wrongType, wrongValue } from './field-readers.ts';
import { parseBodyObject } from './json-text.ts';
import { type ModelAliases, readModelName } from './model-name.ts';
import { guessTokens } from './usage-mapping.ts';

/** Gemini embeds this many texts in one call. */
const batchTextsMax = 100;
/** OpenAI's bound on one request. */
const inputsMax = 2_048;

/** What each task of `gemini-embedding-001` is called; the extension `task_type` takes these names. */
const taskTypes = [
  'RETRIEVAL_QUERY',
  'RETRIEVAL_DOCUMENT',
  'SEMANTIC_SIMILARITY',
  'CLASSIFICATION',
  'CLUSTERING',
  'QUESTION_ANSWERING',
  'FACT_VERIFICATION',
  'CODE_RETRIEVAL_QUERY',
] as const;

export interface EmbeddingsPlan {
  model: string;
  modelAsked: string;
  /** Bodies for batchEmbedContents, in the order of the inputs, with their tokens, roughly: Gemini mostly gives no figures. */
  batches: { body: string; inputs: number; tokensGuess: number }[];
  encoding: 'float' | 'base64';
}

/** Parses, validates and translates a request. Throws a GatewayError that names the parameter at fault. */
export function planEmbeddings(bodyText: string, aliases: ModelAliases | undefined): EmbeddingsPlan {
  const body = parseBodyObject(bodyText);
  const { model, modelAsked } = readModelName(body['model'], aliases);
  const inputs = readInputs(body['input']);
  const common = readCommon(body, model);
  const batches: EmbeddingsPlan['batches'] = [];
  for (let from = 0; from < inputs.length; from += batchTextsMax) {
    const texts = inputs.slice(from, from + batchTextsMax);
    const requests = texts.map((text) => ({ ...common, content: { parts: [{ text: text.toWellFormed() }] } }));
    batches.push({ body: JSON.stringify({ requests }), inputs: texts.length, tokensGuess: guessOf(texts) });
  }
  return {
    model,
    modelAsked,
    batches,
    encoding: readEncoding(body['encoding_format']),
  };
}

function guessOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + guessTokens(text.length), 0);
}

/** What every text of a batch is sent with. */
function readCommon(body: JsonRecord, model: string): Record<string, unknown> {
  const common: Record<string, unknown> = { model: `models/${model}` };
  const dimensions = readInteger(body, 'dimensions', limits.embeddingDimensionsMin, limits.embeddingDimensionsMax);
  if (dimensions !== undefined) common['outputDimensionality'] = dimensions;
  const taskType = body['task_type'];
  if (taskType !== undefined && taskType !== null) {
    const known = taskTypes.find((name) => name === taskType);
    if (known === undefined) throw notOneOf('task_type', taskType, taskTypes);
    common['taskType'] = known;
  }
  return common;
}

function readInputs(input: unknown): string[] {
  if (input === undefined || input === null) throw missing('input');
  const inputs = Array.isArray(input) ? input : [input];
  if (inputs.length === 0) throw wrongValue('input', 'empty array.');
  if (inputs.length > inputsMax) throw wrongValue('input', `at most ${inputsMax} inputs are taken at once.`);
  return inputs.map((text, index) => {
    const param = Array.isArray(input) ? `input[${index}]` : 'input';
    if (typeof text === 'number' || Array.isArray(text))
      throw unsupportedValue('input', "token arrays belong to OpenAI's models; send the texts themselves.");
    if (typeof text !== 'string') throw wrongType(param, 'a string', text);
    if (text === '') throw wrongValue(param, 'empty string.');
    return text;
  });
}

function readEncoding(value: unknown): 'float' | 'base64' {
  if (value === undefined || value === null || value === 'float') return 'float';
  if (value === 'base64') return 'base64';
  throw notOneOf('encoding_format', value, ['float', 'base64']);
}
