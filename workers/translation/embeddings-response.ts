/** Gemini's vectors as OpenAI's embeddings. */
import { GatewayError } from '../../shared/errors.ts';
import { isRecord } from '../../shared/gemini-wire.ts';
import { jsonString, parseUpstreamObject } from './json-text.ts';

export interface EmbeddedVector {
  /** Of unit length. */
  values: number[];
  /** The same as Gemini wrote it, without spaces; null where it has been changed or is not at hand. */
  text: string | null;
}

/** The vectors of one batch, in order, and the tokens of its prompt when Gemini tells. */
export interface EmbeddedBatch {
  vectors: EmbeddedVector[];
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
  const texts = vectorTexts(text);
  return {
    vectors: embeddings.map((embedding, index) => readVector(embedding, texts[index] ?? null)),
    promptTokens: typeof tokens === 'number' ? tokens : null,
  };
}

/** Shortened vectors of gemini-embedding-001 come unnormalised, and callers compare by dot product. */
function readVector(embedding: unknown, text: string | null): EmbeddedVector {
  const values: unknown = isRecord(embedding) ? embedding['values'] : undefined;
  if (!Array.isArray(values) || values.length === 0) throw noNumbers();
  let squares = 0;
  for (const value of values) {
    if (typeof value !== 'number') throw noNumbers();
    squares += value * value;
  }
  const length = Math.sqrt(squares);
  // Those that are of unit length already keep their digits.
  if (length === 0 || Math.abs(length - 1) < 1e-3) return { values, text };
  return { values: values.map((value) => value / length), text: null };
}

function noNumbers(): GatewayError {
  return new GatewayError('upstream_protocol', { message: 'Gemini gave an embedding that is no list of numbers.' });
}

/** The lists of numbers as they stand in an answer, as long as its form is the usual one: writing them anew is dear. */
function vectorTexts(answer: string): string[] {
  const opening = /^\s*\{\s*"embeddings"\s*:\s*\[/.exec(answer);
  const vector = /\s*\{\s*"values"\s*:\s*(\[[^[\]{}"]*\])\s*\}\s*[,\]]/y;
  vector.lastIndex = opening === null ? answer.length : opening[0].length;
  const texts: string[] = [];
  for (let found = vector.exec(answer); found !== null; found = vector.exec(answer)) {
    const [, text = ''] = found;
    texts.push(text.includes('\n') || text.includes(' ') ? text.replace(/\s+/g, '') : text);
  }
  return texts;
}

/** The whole answer as JSON. The numbers of vectors that were not changed are copied as Gemini wrote them. */
export function toEmbeddingList(
  vectors: readonly EmbeddedVector[],
  encoding: 'float' | 'base64',
  modelAsked: string,
  promptTokens: number,
): string {
  const data = vectors.map(({ values, text }, index) => {
    const embedding = encoding === 'float' ? (text ?? JSON.stringify(values)) : `"${toBase64(values)}"`;
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
