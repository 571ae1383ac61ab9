/**
 * Signatures of thinking on their way through clients that don't know them. Gemini demands a call back with the
 * signature that it came with. It travels where Google's own OpenAI endpoint puts it (`extra_content`), and within the
 * call's id, which every client returns; where both got lost, Google's documented placeholder stands in.
 */
import { isRecord, type ServerToolPart } from '../../shared/gemini-wire.ts';
import type { ExtraContent } from '../../shared/openai-wire.ts';

const placeholder = 'skip_thought_signature_validator';
/** Between an id and the signature that follows it. Another gateway uses the same, so that histories can move. */
const delimiter = '__thought__';
/** A longer signature would make an id that clients and their databases may not take. */
const signatureInIdCharsMax = 8192;

export const placeholderSignature = placeholder;

export function toExtraContent(signature: string): ExtraContent {
  return { google: { thought_signature: signature } };
}

/** What goes with a message: the signature of its text, and what Gemini's own tools did; undefined for neither. */
export function toMessageExtra(
  signature: string | undefined,
  serverToolParts: readonly ServerToolPart[],
): ExtraContent | undefined {
  if (signature === undefined && serverToolParts.length === 0) return undefined;
  const google: ExtraContent['google'] = {};
  if (signature !== undefined) google.thought_signature = signature;
  if (serverToolParts.length > 0) google.server_tool_parts = serverToolParts;
  return { google };
}

/** The signature in `extra_content` of a call, a message or an image; undefined when there is none. */
export function readExtraContent(source: unknown): string | undefined {
  if (!isRecord(source)) return undefined;
  const { google } = source;
  const signature = isRecord(google) ? google['thought_signature'] : undefined;
  return typeof signature === 'string' && signature !== '' ? signature : undefined;
}

/** The id that a client gets for a call. */
export function signId(id: string, signature: string | undefined): string {
  if (signature === undefined || signature.length > signatureInIdCharsMax) return id;
  return (
    id +
    delimiter +
    signature
      .replaceAll('+', '-')
      .replaceAll('/', '_')
      .replace(/={1,2}$/, '')
  );
}

/** Gemini's id and the signature in the id that a client sent back. */
export function splitId(signedId: string): { id: string; signature: string | undefined } {
  const at = signedId.indexOf(delimiter);
  if (at === -1) return { id: signedId, signature: undefined };
  const signature = signedId
    .slice(at + delimiter.length)
    .replaceAll('-', '+')
    .replaceAll('_', '/')
    .replace(/={1,2}$/, '');
  const isWhole = /^[A-Za-z0-9+/]+$/.test(signature) && signature.length % 4 !== 1;
  return {
    id: signedId.slice(0, at),
    signature: isWhole ? signature.padEnd(Math.ceil(signature.length / 4) * 4, '=') : undefined,
  };
}

/** A request with every signature replaced: for Google's `Corrupted thought signature`. */
export function withPlaceholderSignatures(geminiBody: string): string {
  // Within a string of JSON the quotes would have backslashes before them, so no text of a message can match.
  return geminiBody.replace(/"thoughtSignature":"[^"\\]*"/g, `"thoughtSignature":"${placeholder}"`);
}
