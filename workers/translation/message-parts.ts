/** The parts of one message: OpenAI's content parts as Gemini's, in their order. */
import { type GeminiPart, isRecord, type JsonRecord } from '../../shared/gemini-wire.ts';
import { missing, notOneOf, readString, unsupportedValue, wrongType, wrongValue } from './field-readers.ts';
import {
  isDataUri,
  type Media,
  readBase64,
  readDataUri,
  readRemoteUrl,
  typeOfAudioFormat,
  typeOfName,
} from './media.ts';

/** Which kinds of parts a message of a role may have. */
const userParts = ['text', 'image_url', 'input_audio', 'file', 'video_url'];
const textParts = ['text'];
const assistantParts = ['text', 'refusal'];
const toolParts = ['text', 'image_url', 'file', 'input_audio'];

type ReadPart = (part: JsonRecord, messageIndex: number, partIndex: number) => GeminiPart | undefined;

/** The content of a user's message; never empty, since Gemini refuses an empty turn. */
export function readUserContent(content: unknown, index: number): GeminiPart[] {
  if (typeof content === 'string') return [{ text: content === '' ? ' ' : content }];
  const parts = readParts(content, index, userParts, readPart);
  return parts.length > 0 ? parts : [{ text: ' ' }];
}

/** The content of a tool's message: its text, and its media. */
export function readToolContent(content: unknown, index: number): { text: string; media: GeminiPart[] } {
  if (typeof content === 'string') return { text: content, media: [] };
  let text = '';
  const media: GeminiPart[] = [];
  for (const part of readParts(content, index, toolParts, readPart)) {
    if ('text' in part) text += part.text;
    else media.push(part);
  }
  return { text, media };
}

/** The text of a system or developer message. */
export function readSystemText(content: unknown, index: number): string {
  return readJoinedText(content, index, textParts);
}

/** The text of an assistant's message, refusals included; '' for none. */
export function readAssistantText(message: JsonRecord, index: number): string {
  const { content } = message;
  const text = content === undefined || content === null ? '' : readJoinedText(content, index, assistantParts);
  return text === '' ? (readString(message, 'refusal', `messages[${index}].refusal`) ?? '') : text;
}

function readJoinedText(content: unknown, index: number, kinds: readonly string[]): string {
  if (typeof content === 'string') return content;
  let text = '';
  for (const part of readParts(content, index, kinds, readPart)) if ('text' in part) text += part.text;
  return text;
}

function readParts(content: unknown, index: number, kinds: readonly string[], read: ReadPart): GeminiPart[] {
  if (content === undefined) throw missing(`messages[${index}].content`);
  if (!Array.isArray(content))
    throw wrongType(`messages[${index}].content`, 'one of a string or array of objects', content);
  const parts: GeminiPart[] = [];
  for (let partIndex = 0; partIndex < content.length; partIndex++) {
    const part: unknown = content[partIndex];
    if (!isRecord(part)) throw wrongType(pathOf(index, partIndex), 'an object', part);
    const { type } = part;
    if (type === undefined) throw missing(pathOf(index, partIndex, '.type'));
    if (typeof type !== 'string' || !kinds.includes(type))
      throw notOneOf(pathOf(index, partIndex, '.type'), type, kinds);
    const translated = read(part, index, partIndex);
    if (translated !== undefined) parts.push(translated);
  }
  return parts;
}

function readPart(part: JsonRecord, index: number, partIndex: number): GeminiPart | undefined {
  switch (part['type']) {
    case 'image_url':
      return readUrlPart(part['image_url'], index, partIndex, 'image_url');
    case 'video_url':
      return readUrlPart(part['video_url'], index, partIndex, 'video_url');
    case 'input_audio':
      return readAudio(part['input_audio'], index, partIndex);
    case 'file':
      return readFile(part['file'], index, partIndex);
    case 'refusal':
      return readTextPart(part, 'refusal', index, partIndex);
    default:
      return readTextPart(part, 'text', index, partIndex);
  }
}

/** A part of text; nothing for an empty one. */
function readTextPart(part: JsonRecord, name: string, index: number, partIndex: number): GeminiPart | undefined {
  const text = part[name];
  if (text === undefined) throw missing(pathOf(index, partIndex, `.${name}`));
  if (typeof text !== 'string') throw wrongType(pathOf(index, partIndex, `.${name}`), 'a string', text);
  return text === '' ? undefined : { text };
}

function readUrlPart(source: unknown, index: number, partIndex: number, name: string): GeminiPart {
  // The object is OpenAI's form; a bare URL is what some clients send.
  const url = isRecord(source) ? source['url'] : source;
  if (url === undefined) throw missing(pathOf(index, partIndex, isRecord(source) ? `.${name}.url` : `.${name}`));
  const path = (): string => pathOf(index, partIndex, `.${name}.url`);
  if (typeof url !== 'string') throw wrongType(path(), 'a string', url);
  if (isDataUri(url)) return inline(readDataUri(url), path);
  const remote = readRemoteUrl(url);
  if (remote === undefined)
    throw wrongValue(
      path(),
      'expected a data: URI with base64 data, or an http(s) URL that is reachable for everybody.',
    );
  return { fileData: remote };
}

function readAudio(source: unknown, index: number, partIndex: number): GeminiPart {
  const path = (): string => pathOf(index, partIndex, '.input_audio');
  if (!isRecord(source)) throw source === undefined ? missing(path()) : wrongType(path(), 'an object', source);
  const data = readString(source, 'data', `${path()}.data`);
  if (data === undefined) throw missing(`${path()}.data`);
  const format = readString(source, 'format', `${path()}.format`);
  const mimeType = format === undefined ? undefined : typeOfAudioFormat(format);
  const media = isDataUri(data) ? readDataUri(data, mimeType) : readBase64(data, mimeType);
  // The format is what the client says the sound is; sniffing only helps where it says nothing.
  if (media !== undefined && mimeType !== undefined) media.mimeType = mimeType;
  return inline(media, () => `${path()}.data`);
}

function readFile(source: unknown, index: number, partIndex: number): GeminiPart {
  const path = (): string => pathOf(index, partIndex, '.file');
  if (!isRecord(source)) throw source === undefined ? missing(path()) : wrongType(path(), 'an object', source);
  if (source['file_id'] !== undefined && source['file_id'] !== null)
    throw unsupportedValue(`${path()}.file_id`, 'this gateway keeps no files. Send file_data.');
  const data = readString(source, 'file_data', `${path()}.file_data`);
  if (data === undefined) throw missing(`${path()}.file_data`);
  const fallbackType = typeOfName(readString(source, 'filename', `${path()}.filename`) ?? '');
  const media = isDataUri(data) ? readDataUri(data, fallbackType) : readBase64(data, fallbackType);
  return inline(media, () => `${path()}.file_data`);
}

function inline(media: Media | undefined, path: () => string): GeminiPart {
  if (media === undefined) throw wrongValue(path(), 'expected base64 data of a known media type.');
  return { inlineData: media };
}

/** `messages[1].content[2]` and what follows; made only for messages of errors. */
function pathOf(index: number, partIndex: number, rest = ''): string {
  return `messages[${index}].content[${partIndex}]${rest}`;
}
