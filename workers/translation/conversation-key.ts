/**
 * What ties a request to one Gemini key: its conversation, whose beginning Google may have cached for the key's project,
 * or a file or cache of Google's that only that project can read.
 */
import type { GeminiPart, GeminiRequest, JsonRecord } from '../../shared/gemini-wire.ts';
import { fingerprint } from '../../shared/ids.ts';
import { readString } from './field-readers.ts';
import { type LiftedData, sampled } from './lifted-data.ts';

export type AffinityMode = 'off' | 'cache_key' | 'conversation';

/** The token that requests of one conversation share, whatever of it was lifted; null when nothing is to keep them together. */
export function affinityOf(
  body: JsonRecord,
  { systemInstruction, contents: [opening] }: GeminiRequest,
  data: LiftedData | null,
  mode: AffinityMode,
): string | null {
  const cacheKey = readString(body, 'prompt_cache_key');
  if (mode === 'off') return null;
  if (cacheKey !== undefined) return fingerprint(cacheKey);
  if (mode === 'cache_key') return null;
  const text = JSON.stringify([systemInstruction, opening?.role, opening?.parts.map(withSample)]);
  return fingerprint(data === null ? text : data.sample(text));
}

/** Megabytes of data are not read for it. */
function withSample(part: GeminiPart): GeminiPart {
  if (!('inlineData' in part)) return part;
  return { ...part, inlineData: { ...part.inlineData, data: sampled(part.inlineData.data) } };
}

/** The name of a cache, or of a file by its address at Google. https://ai.google.dev/api/files */
export function ownedByProject({ cachedContent, contents }: GeminiRequest): string | null {
  if (cachedContent !== undefined) return cachedContent;
  for (const { parts } of contents)
    for (const part of parts) {
      if (!('fileData' in part)) continue;
      const name = /\/v1[a-z0-9]*\/(files\/[\w-]+)$/.exec(part.fileData.fileUri)?.[1];
      if (name !== undefined) return name;
    }
  return null;
}
