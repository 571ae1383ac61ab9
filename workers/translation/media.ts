/** Images, sounds and documents of a request: data URIs read and put right, types told from the first bytes. */
import { isIP } from 'node:net';
import { isLocalName, isPublicAddress } from '../address-guard.ts';

export interface Media {
  mimeType: string;
  data: string;
}

const headerCharsMax = 1000;

/** Whether a URL holds its data itself. */
export function isDataUri(url: string): boolean {
  return /^\s*data:/i.test(url.slice(0, 100));
}

/** The contents of a data URI; undefined when it's broken or its type can't be told. */
export function readDataUri(uri: string, fallbackType?: string): Media | undefined {
  const comma = uri.indexOf(',');
  if (comma === -1 || comma > headerCharsMax) return undefined;
  const [declared = '', ...parameters] = uri.slice(uri.indexOf(':') + 1, comma).split(';');
  const isBase64 = parameters.some((parameter) => parameter.trim().toLowerCase() === 'base64');
  const payload = uri.slice(comma + 1);
  const data = isBase64 ? normaliseBase64(payload) : encodePercentText(payload);
  return data === undefined ? undefined : typed(data, declared.trim().toLowerCase(), fallbackType);
}

/** Media given as bare base64; undefined when it's broken or its type can't be told. */
export function readBase64(text: string, fallbackType?: string): Media | undefined {
  const data = normaliseBase64(text);
  return data === undefined ? undefined : typed(data, '', fallbackType);
}

/** What the bytes say wins over what a client says of an image; for the rest it fills the gaps. */
function typed(data: string, declared: string, fallbackType: string | undefined): Media | undefined {
  const isVague = declared === '' || declared === 'application/octet-stream' || declared.startsWith('image/');
  const sniffed = isVague ? sniff(data) : undefined;
  const mimeType = sniffed ?? (declared === '' || declared === 'application/octet-stream' ? fallbackType : declared);
  return mimeType === undefined ? undefined : { mimeType: usualNames.get(mimeType) ?? mimeType, data };
}

const usualNames: ReadonlyMap<string, string> = new Map([
  ['image/jpg', 'image/jpeg'],
  ['audio/x-wav', 'audio/wav'],
  ['audio/wave', 'audio/wav'],
  ['audio/x-flac', 'audio/flac'],
  ['audio/mp3', 'audio/mpeg'],
]);

/** Standard base64 with its padding; undefined for what is none. Clean text is looked at once and returned as it is. */
export function normaliseBase64(text: string): string | undefined {
  const odd = text.search(/[^A-Za-z0-9+/]/);
  const end = odd === -1 ? text.length : odd;
  const padding = text.length - end;
  if (text.length % 4 === 0 && end > 0 && (padding === 0 || (padding <= 2 && /^==?$/.test(text.slice(end)))))
    return text;
  const bare = (text.includes('%') ? decodePercent(text) : text)
    ?.replace(/\s+/g, '')
    .replaceAll('-', '+')
    .replaceAll('_', '/')
    .replace(/={1,2}$/, '');
  if (bare === undefined || bare === '' || bare.length % 4 === 1 || /[^A-Za-z0-9+/]/.test(bare)) return undefined;
  return bare.padEnd(Math.ceil(bare.length / 4) * 4, '=');
}

function encodePercentText(payload: string): string | undefined {
  const text = decodePercent(payload);
  return text === undefined || text === '' ? undefined : Buffer.from(text, 'utf8').toString('base64');
}

function decodePercent(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** First bytes, in Latin-1, of what Gemini takes and clients send. */
const signatures: readonly [RegExp, string][] = [
  [/^\x89PNG/, 'image/png'],
  [/^\xff\xd8\xff/, 'image/jpeg'],
  [/^GIF8/, 'image/gif'],
  [/^RIFF....WEBP/s, 'image/webp'],
  [/^....ftyp(heic|heix|hevc)/s, 'image/heic'],
  [/^....ftyp(mif1|msf1)/s, 'image/heif'],
  [/^BM....\0\0\0\0/s, 'image/bmp'],
  [/^%PDF-/, 'application/pdf'],
  [/^RIFF....WAVE/s, 'audio/wav'],
  [/^(ID3|\xff[\xfb\xf3\xf2])/, 'audio/mpeg'],
  [/^OggS/, 'audio/ogg'],
  [/^fLaC/, 'audio/flac'],
  [/^....ftypM4A/s, 'audio/mp4'],
  [/^....ftyp/s, 'video/mp4'],
  [/^.E\xdf\xa3/s, 'video/webm'],
];

function sniff(data: string): string | undefined {
  const head = Buffer.from(data.slice(0, 24), 'base64').toString('latin1');
  return signatures.find(([pattern]) => pattern.test(head))?.[1];
}

const typesByExtension: ReadonlyMap<string, string> = new Map([
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['webp', 'image/webp'],
  ['gif', 'image/gif'],
  ['heic', 'image/heic'],
  ['heif', 'image/heif'],
  ['pdf', 'application/pdf'],
  ['txt', 'text/plain'],
  ['md', 'text/markdown'],
  ['csv', 'text/csv'],
  ['html', 'text/html'],
  ['htm', 'text/html'],
  ['css', 'text/css'],
  ['xml', 'text/xml'],
  ['rtf', 'text/rtf'],
  ['js', 'text/javascript'],
  ['py', 'text/x-python'],
  ['json', 'application/json'],
  ['wav', 'audio/wav'],
  ['mp3', 'audio/mpeg'],
  ['aac', 'audio/aac'],
  ['aif', 'audio/aiff'],
  ['aiff', 'audio/aiff'],
  ['flac', 'audio/flac'],
  ['ogg', 'audio/ogg'],
  ['opus', 'audio/ogg'],
  ['m4a', 'audio/mp4'],
  ['mp4', 'video/mp4'],
  ['mov', 'video/mov'],
  ['mpeg', 'video/mpeg'],
  ['mpg', 'video/mpeg'],
  ['avi', 'video/avi'],
  ['webm', 'video/webm'],
  ['wmv', 'video/wmv'],
  ['3gp', 'video/3gpp'],
]);

/** The type that a file name tells. */
export function typeOfName(name: string): string | undefined {
  const extension = /\.([A-Za-z0-9]{2,4})$/.exec(name)?.[1];
  return extension === undefined ? undefined : typesByExtension.get(extension.toLowerCase());
}

/** The type of a sound by `input_audio.format`. */
export function typeOfAudioFormat(format: string): string {
  const name = format.toLowerCase();
  const byExtension = typesByExtension.get(name);
  return byExtension?.startsWith('audio/') === true ? byExtension : `audio/${name}`;
}

/** What a URL that Gemini shall fetch is: its type where the path tells it. Undefined for what it can't be. */
export function readRemoteUrl(text: string): { fileUri: string; mimeType?: string } | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isStored = url.protocol === 'gs:';
  if (!isStored && ((url.protocol !== 'https:' && url.protocol !== 'http:') || isPrivateHost(url.hostname)))
    return undefined;
  const mimeType = typeOfName(url.pathname);
  return mimeType === undefined ? { fileUri: text } : { fileUri: text, mimeType };
}

/** Whether a host can only be meant for somebody's own network; `URL` has brought addresses into their usual form. */
function isPrivateHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  return isIP(host) === 0 ? isLocalName(host) : !isPublicAddress(host);
}
