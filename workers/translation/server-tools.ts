/**
 * What Gemini's own tools did in a turn, on its way through the client: where they are mixed with functions, Gemini wants
 * it back in the history. It travels in `extra_content.google.server_tool_parts` of the message.
 */
import { isRecord, type JsonRecord, listOf, type ServerToolPart } from '../../shared/gemini-wire.ts';

/** More than any turn has: what is above was not made here. */
const partsMax = 256;

/** The part of an answer that is a call of one of Gemini's own tools, or its result; null for other parts. */
export function toServerToolPart({ toolCall, toolResponse, thoughtSignature }: JsonRecord): ServerToolPart | null {
  const signed = typeof thoughtSignature === 'string' ? { thoughtSignature } : {};
  if (isRecord(toolCall)) return { toolCall, ...signed };
  if (isRecord(toolResponse)) return { toolResponse, ...signed };
  return null;
}

/** The parts that a message brings back; whatever else stands there is left out. */
export function readServerToolParts(extraContent: unknown): ServerToolPart[] {
  if (!isRecord(extraContent) || !isRecord(extraContent['google'])) return [];
  return listOf(extraContent['google']['server_tool_parts'])
    .slice(0, partsMax)
    .flatMap((part) => (isRecord(part) ? (toServerToolPart(part) ?? []) : []));
}
