/** Embeddings: a vector of length one that depends on the text alone, so equal texts have equal vectors. */
import type { EmbedContentRequest } from './gemini-request.ts';
import { tokensOfContents } from './tokens.ts';

const dimensionsDefault = 3_072;
const cacheMax = 256;
const cache = new Map<string, string>();

/** `[0.01,…]` for the text of a content. */
export function vectorText({ content, outputDimensionality = dimensionsDefault }: EmbedContentRequest): string {
  const text = (content?.parts ?? []).map((part) => part.text ?? part.inlineData?.data ?? '').join('\n');
  const key = `${outputDimensionality} ${text}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const vector = unitVector(text, outputDimensionality);
  const rendered = `[${vector.map((value) => value.toFixed(8)).join(',')}]`;
  if (cache.size >= cacheMax) cache.clear();
  cache.set(key, rendered);
  return rendered;
}

export function promptTokens(requests: readonly EmbedContentRequest[]): number {
  return requests.reduce((sum, { content }) => sum + (content === undefined ? 0 : tokensOfContents([content])), 0);
}

/** Random numbers from the text's hash (mulberry32), brought to length one. */
function unitVector(text: string, dimensions: number): number[] {
  let state = hash(text);
  const values = Array.from({ length: dimensions }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32 - 0.5;
  });
  const length = Math.hypot(...values);
  return values.map((value) => value / length);
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value;
}
