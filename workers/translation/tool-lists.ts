/**
 * Lists of tools that were seen before: agents send the same one, tens of kilobytes of schemas, with each of their turns.
 * Its text is recognised in a body and cut out before that is parsed, and what was made of it is used again.
 */
import type { JsonRecord } from '../../shared/gemini-wire.ts';
import { secretBytes } from '../../shared/ids.ts';
import { limits } from '../../shared/limits.ts';
import { readList } from './field-readers.ts';
import { endOfString, isDeeperThan, withoutBrokenText } from './json-text.ts';
import { addTools, type ListedTools, noTools } from './listed-tools.ts';
import type { ModelFamily } from './model-family.ts';

/** Shorter lists are read faster than they are recognised. */
const listCharsMin = 1_024;
/** What is kept, in each worker. */
const listsMax = 64;
const keptCharsMax = 4 * 1024 * 1024;

/** Stands for the list in the text that is parsed: nothing that a client can know. */
const token = secretBytes(18).toString('base64');
const toolsMember = /"tools"\s*:\s*(?=\[)/y;

/** What a list amounts to, and its declarations as JSON. */
export interface KnownTools {
  readonly listed: ListedTools;
  readonly declarations: string;
}

/** One list, and what it was read as. */
export class ToolList {
  readonly text: string;
  readonly #onRead: (list: ToolList) => void;
  readonly #known = new Map<boolean, KnownTools>();
  /** What its text was parsed as, until that is used. */
  #parsed: unknown = null;

  constructor(text: string, onRead: (list: ToolList) => void) {
    this.text = text;
    this.#onRead = onRead;
  }

  /** Whether its text, of which only the brackets were looked at, is JSON. */
  isJson(): boolean {
    if (this.#known.size > 0) return true;
    try {
      this.#parsed = JSON.parse(this.text);
      return true;
    } catch {
      return false;
    }
  }

  /** The list itself. */
  parse(): readonly unknown[] {
    const tools = this.#parsed ?? JSON.parse(this.text);
    this.#parsed = null;
    return readList({ tools }, 'tools') ?? [];
  }

  /** What it amounts to for a family of models. Throws with the path of what is wrong. Not to be changed. */
  read(family: ModelFamily): KnownTools {
    const { takesJsonSchema } = family;
    let known = this.#known.get(takesJsonSchema);
    if (known === undefined) {
      const listed = noTools(family);
      addTools(this.parse(), 'tools', listed);
      known = { listed, declarations: withoutBrokenText(JSON.stringify(listed.declarations), this.text) };
      this.#known.set(takesJsonSchema, known);
    }
    this.#onRead(this);
    return known;
  }
}

/** A body without its list: `rest` has a token in the list's place. */
export interface CutBody {
  readonly rest: string;
  readonly list: ToolList;
}

/** The lists that a worker knows; the one that was used last comes first. */
export class ToolLists {
  #lists: ToolList[] = [];

  /** Cuts the tools out of a body; null where there are none to speak of. Only `isListOf` tells whether it was they. */
  cut(text: string): CutBody | null {
    if (text.length < listCharsMin) return null;
    toolsMember.lastIndex = Math.max(0, text.indexOf('"tools"'));
    if (!toolsMember.test(text)) return null;
    const start = toolsMember.lastIndex;
    const isHere = ({ text: known }: ToolList): boolean => text.slice(start, start + known.length) === known;
    const list = this.#lists.find(isHere) ?? this.#unknown(text, start);
    if (list === null) return null;
    return { rest: `${text.slice(0, start)}"${token}"${text.slice(start + list.text.length)}`, list };
  }

  #unknown(text: string, start: number): ToolList | null {
    const end = endOfList(text, start);
    if (end - start < listCharsMin) return null;
    const list = text.slice(start, end);
    // It stands within the body, one level deep.
    if (isDeeperThan(list, limits.jsonDepthMax - 1)) return null;
    // A copy, since a slice would hold the whole body.
    return new ToolList(Buffer.from(list).toString(), (read) => this.#keep(read));
  }

  #keep(list: ToolList): void {
    if (this.#lists[0] === list) return;
    let chars = list.text.length;
    const others = this.#lists.filter((other) => {
      chars += other.text.length;
      return other !== list && chars <= keptCharsMax;
    });
    this.#lists = [list, ...others.slice(0, listsMax - 1)];
  }
}

/** Whether the list was that of the body's `tools`; `body` was parsed with the token in its place. */
export function isListOf(body: JsonRecord): boolean {
  return body['tools'] === token;
}

/** The index after the bracket that closes the list opened at `start`; `start` for one that is not closed. */
function endOfList(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) at = endOfString(text, at);
    else if (code === 0x7b || code === 0x5b) depth++;
    else if ((code === 0x7d || code === 0x5d) && --depth === 0) return at + 1;
  }
  return start;
}
