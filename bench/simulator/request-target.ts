/** Which method and model a path of the Gemini API names. */
import type { GeminiMethod } from './scenario.ts';

export interface Target {
  apiVersion: string;
  /** `unknown` for a method that no model has here. */
  method: GeminiMethod | 'unknown';
  /** As written in the path, for error texts. */
  methodName: string;
  /** Without `models/`; empty for the list. */
  model: string;
}

const postMethods: Readonly<Record<string, GeminiMethod>> = {
  generateContent: 'generateContent',
  streamGenerateContent: 'streamGenerateContent',
  countTokens: 'countTokens',
  embedContent: 'embedContent',
  batchEmbedContents: 'batchEmbedContents',
};
const pattern = /^\/(v1|v1beta)\/models(?:\/([^/:]+)(?::([A-Za-z]+))?)?$/;
const cacheMax = 1_000;
const cache = new Map<string, Target | null>();

/** Null when Google has no such page. */
export function targetOf(httpMethod: string, path: string): Target | null {
  const cacheKey = httpMethod === 'post' ? path : `${httpMethod} ${path}`;
  const known = cache.get(cacheKey);
  if (known !== undefined) return known;
  const target = readTarget(httpMethod, path);
  if (cache.size >= cacheMax) cache.clear();
  cache.set(cacheKey, target);
  return target;
}

function readTarget(httpMethod: string, path: string): Target | null {
  const match = pattern.exec(path);
  if (match === null) return null;
  const [, apiVersion = '', model = '', methodName] = match;
  if (httpMethod === 'get' && methodName === undefined) {
    const method = model === '' ? 'listModels' : 'getModel';
    return { apiVersion, method, methodName: method, model: decoded(model) };
  }
  if (httpMethod !== 'post' || methodName === undefined) return null;
  return { apiVersion, method: postMethods[methodName] ?? 'unknown', methodName, model: decoded(model) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
