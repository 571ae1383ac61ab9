/** Finding Gemini keys in what an operator pastes: lists, tables, `.env` lines, with whatever between them. */
import { maskSecret } from '../shared/ids.ts';
import { geminiKeySource } from '../shared/key-pattern.ts';

const usualKey = new RegExp(`^(?:${geminiKeySource})$`);
/** What the keys of Google could look like that nobody has seen yet. */
const possibleKey = /^[A-Za-z0-9._~-]{20,512}$/;

export interface FoundKeys {
  keys: { line: number; key: string }[];
  /** The same key again further down. */
  duplicates: { line: number; api_key: string }[];
  /** Lines with something in them that holds no key. Their text is not repeated: it may be half a key. */
  malformed: { line: number; reason: string }[];
}

/** Keys in the order of the text; lines count from 1. Lines that begin with # are skipped. */
export function findGeminiKeys(text: string): FoundKeys {
  const found: FoundKeys = { keys: [], duplicates: [], malformed: [] };
  const seen = new Set<string>();
  for (const [index, content] of text.split(/\r\n|\r|\n/).entries()) {
    if (content.trim() === '' || content.trimStart().startsWith('#')) continue;
    const line = index + 1;
    const keys = keysOf(content);
    if (keys.length === 0) found.malformed.push({ line, reason: 'there is no Gemini key in this line' });
    for (const key of keys) {
      if (seen.has(key)) found.duplicates.push({ line, api_key: maskSecret(key) });
      else found.keys.push({ line, key });
      seen.add(key);
    }
  }
  return found;
}

/** Where a line has keys of the usual forms, what else is in it is a name or a note. */
function keysOf(line: string): string[] {
  const words = line.split(/[^A-Za-z0-9._~-]+/).filter((word) => word !== '');
  const usual = words.filter((word) => usualKey.test(word));
  return usual.length > 0 ? usual : words.filter((word) => possibleKey.test(word));
}
