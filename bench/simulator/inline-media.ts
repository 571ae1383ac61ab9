/** Which media go inline, and whether bytes are what their type says. */

const imageTypes = new Set(['image/png', 'image/jpeg', 'image/webp', 'image/heic', 'image/heif']);
const otherTypes =
  /^(audio\/(wav|x-wav|mp3|mpeg|aiff|aac|ogg|flac|webm|mp4|m4a|l16|pcm|opus)|video\/(mp4|mpeg|mov|quicktime|avi|x-flv|mpg|webm|wmv|3gpp)|application\/pdf|text\/[a-z.+-]+)(;.*)?$/i;

/** First bytes of a type, as a pattern over Latin-1. */
const magic: Readonly<Record<string, RegExp>> = {
  'image/png': /^\x89PNG/,
  'image/jpeg': /^\xff\xd8\xff/,
  'image/webp': /^RIFF....WEBP/s,
  'application/pdf': /^%PDF-/,
};
const headChars = 32;

/** What Google says of an inline part; null when it takes it. */
export function mediaProblem({ mimeType = '', data = '' }: { mimeType?: string; data?: string }): string | null {
  const type = mimeType.toLowerCase();
  if (type.startsWith('image/') && !imageTypes.has(type)) return 'Unable to process input image.';
  if (!imageTypes.has(type) && !otherTypes.test(type)) return `Unsupported MIME type: ${mimeType}`;
  const head = Buffer.from(data.slice(0, headChars), 'base64').toString('latin1');
  const isRight = data !== '' && (magic[type]?.test(head) ?? true);
  if (isRight) return null;
  return type === 'application/pdf' ? 'The document has no pages.' : 'Unable to process input image.';
}
