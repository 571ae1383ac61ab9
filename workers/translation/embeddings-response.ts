/** Gemini's vectors as OpenAI's embeddings. */
import { GatewayError } from '../../shared/errors.ts';
import { isRecord } from '../../shared/gemini-wire.ts';
import { jsonString, parseUpstreamObject } from './json-text.ts';

/** The vectors of one batch, in order, and the tokens of its prompt when Gemini tells. */
export interface EmbeddedBatch {
  vectors: number[][];
  promptTokens: number | null;
}

/** Reads an answer of batchEmbedContents. Throws `upstream_protocol` when it is none, or not of `inputs` vectors. */
export function readEmbeddedBatch(text: string, inputs: number): EmbeddedBatch {
  const { embeddings, usageMetadata } = parseUpstreamObject(text);
  if (!Array.isArray(embeddings) || embeddings.length !== inputs)
    throw new GatewayError('upstream_protocol', {
      message: 'Gemini gave another number of embeddings than was asked for.',
    });
  const tokens = isRecord(usageMetadata) ? usageMetadata['promptTokenCount'] : undefined;
  return { vectors: embeddings.map(readVector), promptTokens: typeof tokens === 'number' ? tokens : null };
}

function readVector(embedding: unknown): number[] {
  const values: unknown = isRecord(embedding) ? embedding['values'] : undefined;
  if (!Array.isArray(values) || values.length === 0 || !values.every((value) => typeof value === 'number'))
    throw new GatewayError('upstream_protocol', { message: 'Gemini gave an embedding that is no list of numbers.' });
  return toUnitLength(values);
}

/** Shortened vectors of gemini-embedding-001 come unnormalised, and callers compare by dot product. */
function toUnitLength(values: number[]): number[] {
  const length = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  // Those that are of unit length already keep their digits.
  if (length === 0 || Math.abs(length - 1) < 1e-3) return values;
  return values.map((value) => value / length);
}

/** The whole answer as JSON. */
export function toEmbeddingList(
  vectors: readonly number[][],
  encoding: 'float' | 'base64',
  modelAsked: string,
  promptTokens: number,
): string {
  const data = vectors.map((vector, index) => {
    const embedding = encoding === 'float' ? JSON.stringify(vector) : `"${toBase64(vector)}"`;
    return `{"object":"embedding","index":${index},"embedding":${embedding}}`;
  });
  const usage = `{"prompt_tokens":${promptTokens},"total_tokens":${promptTokens}}`;
  return `{"object":"list","data":[${data.join(',')}],"model":${jsonString(modelAsked)},"usage":${usage}}`;
}

/** Little-endian 32-bit floats, as OpenAI's SDKs decode them. */
function toBase64(vector: readonly number[]): string {
  const bytes = Buffer.allocUnsafe(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString('base64');
}
