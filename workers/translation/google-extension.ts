/**
 * Google's extension of OpenAI's request: what only Gemini knows stands in `extra_body.google`. Clients put it there
 * literally (Python), or SDKs merge `extra_body` into the body, so that `google` stands at the top.
 */
import { type GeminiRequest, isRecord, type JsonRecord, type SafetySetting } from '../../shared/gemini-wire.ts';
import { readRecord, readString, wrongType, wrongValue } from './field-readers.ts';

const nothing: JsonRecord = {};
const path = 'extra_body.google';

/** The extension, or an empty one. */
export function readGoogle(body: JsonRecord): JsonRecord {
  const extra = body['extra_body'];
  if (isRecord(extra) && extra['google'] !== undefined) return readRecord(extra, 'google', path) ?? nothing;
  return readRecord(body, 'google') ?? nothing;
}

/** An object of the extension under its snake_case or its camelCase name. */
export function readGoogleRecord(google: JsonRecord, name: string, camelName: string): JsonRecord | undefined {
  return readRecord(google, name, `${path}.${name}`) ?? readRecord(google, camelName, `${path}.${camelName}`);
}

/** What goes beside contents and configuration: safety settings and a cache. */
export function readGoogleSettings(google: JsonRecord, request: GeminiRequest): void {
  const settings = google['safety_settings'] ?? google['safetySettings'];
  if (settings !== undefined && settings !== null) request.safetySettings = readSafetySettings(settings);
  const cachedContent =
    readString(google, 'cached_content', `${path}.cached_content`) ??
    readString(google, 'cachedContent', `${path}.cachedContent`);
  if (cachedContent !== undefined) request.cachedContent = cachedContent;
}

function readSafetySettings(settings: unknown): SafetySetting[] {
  const at = `${path}.safety_settings`;
  if (!Array.isArray(settings)) throw wrongType(at, 'an array of objects', settings);
  return settings.map((setting: unknown, index) => {
    if (!isRecord(setting)) throw wrongType(`${at}[${index}]`, 'an object', setting);
    const { category, threshold } = setting;
    if (typeof category !== 'string') throw wrongType(`${at}[${index}].category`, 'a string', category);
    if (typeof threshold !== 'string') throw wrongType(`${at}[${index}].threshold`, 'a string', threshold);
    return { category, threshold };
  });
}

/** `image_config` with the names that Gemini knows. */
export function readImageConfig(google: JsonRecord): { aspectRatio?: string; imageSize?: string } | undefined {
  const source = readGoogleRecord(google, 'image_config', 'imageConfig');
  if (source === undefined) return undefined;
  const at = `${path}.image_config`;
  const aspectRatio =
    readString(source, 'aspect_ratio', `${at}.aspect_ratio`) ?? readString(source, 'aspectRatio', `${at}.aspectRatio`);
  const imageSize =
    readString(source, 'image_size', `${at}.image_size`) ?? readString(source, 'imageSize', `${at}.imageSize`);
  const config: { aspectRatio?: string; imageSize?: string } = {};
  if (aspectRatio !== undefined) config.aspectRatio = aspectRatio;
  if (imageSize !== undefined) config.imageSize = imageSize;
  return config;
}

const modalities: ReadonlySet<string> = new Set(['TEXT', 'IMAGE']);

/** What the answer shall consist of: `response_modalities` of the extension, or `modalities` where that has an image. */
export function readModalities(body: JsonRecord, google: JsonRecord): string[] | undefined {
  const own = google['response_modalities'] ?? google['responseModalities'];
  const isOwn = own !== undefined && own !== null;
  const at = isOwn ? `${path}.response_modalities` : 'modalities';
  const given = isOwn ? own : body['modalities'];
  if (given === undefined || given === null) return undefined;
  if (!Array.isArray(given)) throw wrongType(at, 'an array of strings', given);
  const names = given.map((name: unknown, index) => {
    if (typeof name !== 'string') throw wrongType(`${at}[${index}]`, 'a string', name);
    const upper = name.toUpperCase();
    if (!modalities.has(upper)) throw wrongValue(`${at}[${index}]`, "this gateway's chat answers in text and images.");
    return upper;
  });
  return names.includes('IMAGE') ? [...new Set(names)] : undefined;
}
