/**
 * What ties a request to one Gemini key: its conversation, whose beginning Google may have cached for the key's project,
 * or a file or cache of Google's that only that project can read.
 */
import type { GeminiRequest, JsonRecord } from '../../shared/gemini-wire.ts';
import { fingerprint } from '../../shared/ids.ts';
import { readString } from './field-readers.ts';
import { withoutTokens } from './lifted-data.ts';

export type AffinityMode = 'off' | 'cache_key' | 'conversation';

/** The token that requests of one conversation share; null when nothing is to keep them together. */
export function affinityOf(body: JsonRecord, request: GeminiRequest, mode: AffinityMode): string | null {
  const cacheKey = readString(body, 'prompt_cache_key');
  if (mode === 'off') return null;
  if (cacheKey !== undefined) return fingerprint(cacheKey);
  if (mode === 'cache_key') return null;
  return fingerprint(withoutTokens(JSON.stringify([request.systemInstruction, request.contents[0]])));
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
