/** The parts of a chat's messages that name media by URL, so that they can be downloaded before the chat is planned. */
import { isRecord, type JsonRecord, listOf } from '../shared/gemini-wire.ts';
import { isDataUri } from './translation/media.ts';

export interface RemotePart {
  url: string;
  /** Where it stands, as errors name it. */
  param: string;
  /** Puts a data URI in the URL's place. */
  replace(dataUri: string): void;
}

/** The members of a part that hold a URL, by its type. */
const urlMembers: Readonly<Record<string, string>> = { image_url: 'image_url', video_url: 'video_url' };

/** Finds them in a parsed body, in order. What is malformed is left to the planning, which says so. */
export function findRemoteParts(body: JsonRecord): RemotePart[] {
  const found: RemotePart[] = [];
  for (const [messageIndex, message] of listOf(body['messages']).entries()) {
    if (!isRecord(message)) continue;
    for (const [partIndex, part] of listOf(message['content']).entries()) {
      if (!isRecord(part) || typeof part['type'] !== 'string') continue;
      const member = urlMembers[part['type']];
      if (member === undefined) continue;
      const remote = readRemotePart(part, member, `messages[${messageIndex}].content[${partIndex}].${member}`);
      if (remote !== null) found.push(remote);
    }
  }
  return found;
}

function readRemotePart(part: JsonRecord, member: string, path: string): RemotePart | null {
  const source = part[member];
  const url = isRecord(source) ? source['url'] : source;
  if (typeof url !== 'string' || isDataUri(url) || !/^\s*https?:/i.test(url)) return null;
  // The parsed body is ours alone; planning then reads the data URI as if the client had sent it.
  return { url, param: `${path}.url`, replace: (dataUri) => Reflect.set(part, member, { url: dataUri }) };
}
