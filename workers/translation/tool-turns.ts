/**
 * Calls of tools in a conversation, and their results. Gemini wants each turn of calls followed at once by exactly one
 * result a call, in their order; clients send results in any order, late, twice, or not at all.
 */
import {
  type FunctionCallPart,
  type FunctionResponsePart,
  type GeminiContent,
  type GeminiPart,
  type InlineDataPart,
  isRecord,
} from '../../shared/gemini-wire.ts';
import { limits } from '../../shared/limits.ts';
import { splitId } from './call-signature.ts';
import { wrongValue } from './field-readers.ts';
import { isDeeperThan } from './json-text.ts';

export interface ToolCallTurn {
  /** The turn of the model that holds the calls. */
  readonly calls: readonly FunctionCallPart[];
  /** The ids by which results will refer to the calls; a name in the legacy form. */
  readonly ids: readonly string[];
}

interface OpenTurn {
  /** By call; null as long as there is no result. */
  readonly results: (FunctionResponsePart | null)[];
  readonly calls: readonly FunctionCallPart[];
  /** The content that the results go into. */
  readonly content: GeminiContent;
  answers: number;
}

/** Calls that a result with a certain id may belong to: of one turn, since ids come again in later ones. */
interface Addressees {
  readonly turn: OpenTurn;
  readonly callIndexes: number[];
  answered: number;
}

export class ToolTurns {
  readonly #contents: GeminiContent[];
  /** Gemini 3 takes media within a result, older ones only beside it. */
  readonly #mediaInResults: boolean;
  readonly #turns: OpenTurn[] = [];
  readonly #byId = new Map<string, Addressees>();
  /** Media that follow the results of a turn as a content of their own. */
  readonly #mediaAfter = new Map<GeminiContent, GeminiPart[]>();

  constructor(contents: GeminiContent[], mediaInResults: boolean) {
    this.#contents = contents;
    this.#mediaInResults = mediaInResults;
  }

  /** A turn of calls was added to the contents: its results will stand right behind it. */
  open({ calls, ids }: ToolCallTurn): void {
    const content: GeminiContent = { role: 'user', parts: [] };
    const turn: OpenTurn = { results: calls.map(() => null), calls, content, answers: 0 };
    this.#contents.push(content);
    this.#turns.push(turn);
    ids.forEach((id, index) => {
      const known = this.#byId.get(id);
      if (known?.turn === turn) known.callIndexes.push(index);
      else this.#byId.set(id, { turn, callIndexes: [index], answered: 0 });
    });
  }

  /** Takes a result to its call: the nearest before it with this id. False when there is none. */
  answer(id: string, text: string, media: GeminiPart[]): boolean {
    const addressees = this.#byId.get(id);
    if (addressees === undefined) return false;
    const { turn, callIndexes } = addressees;
    // The same id twice in a turn: results go to its calls one after the other. One result too many replaces the last.
    const index = callIndexes[Math.min(addressees.answered, callIndexes.length - 1)];
    const call = index === undefined ? undefined : turn.calls[index];
    if (index === undefined || call === undefined) return false;
    addressees.answered++;
    turn.answers++;
    const inline: InlineDataPart[] = [];
    for (const part of media)
      if (this.#mediaInResults && 'inlineData' in part) inline.push(part);
      else this.#placeBeside(turn.content, part);
    turn.results[index] = toResult(call, toResponseObject(text), inline);
    return true;
  }

  #placeBeside(content: GeminiContent, part: GeminiPart): void {
    const parts = this.#mediaAfter.get(content);
    if (parts === undefined) this.#mediaAfter.set(content, [part]);
    else parts.push(part);
  }

  /** Fills what was never answered. Throws when the conversation ends with calls that nobody has answered. */
  close(lastIndex: number): void {
    for (const { results, calls, content } of this.#turns)
      calls.forEach((call, index) => {
        content.parts.push(results[index] ?? toResult(call, { error: 'no result' }, []));
      });
    const last = this.#turns.at(-1);
    if (last?.answers === 0 && this.#contents.at(-1) === last.content)
      throw wrongValue(
        `messages[${lastIndex}].tool_calls`,
        'an assistant message with tool calls must be followed by tool messages that answer them.',
      );
    if (this.#mediaAfter.size > 0) this.#insertMedia();
  }

  #insertMedia(): void {
    const contents = this.#contents.splice(0);
    for (const content of contents) {
      this.#contents.push(content);
      const parts = this.#mediaAfter.get(content);
      if (parts !== undefined) this.#contents.push({ role: 'user', parts });
    }
  }
}

function toResult(call: FunctionCallPart, response: unknown, parts: InlineDataPart[]): FunctionResponsePart {
  const { id, name } = call.functionCall;
  const functionResponse: FunctionResponsePart['functionResponse'] = { name, response };
  if (id !== undefined) functionResponse.id = id;
  if (parts.length > 0) functionResponse.parts = parts;
  return { functionResponse };
}

/**
 * A result as the object that Gemini wants: JSON objects as they are, everything else under `output`. An object with
 * `$ref` would refer to media, so it stays text.
 */
function toResponseObject(text: string): unknown {
  const value = text.includes('"$ref"') ? undefined : parseObject(text);
  return value ?? { output: text };
}

/** Arguments of a call as the object that Gemini wants; what is no object is kept as text. */
export function toArguments(text: string): unknown {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed === 'null') return {};
  return parseObject(trimmed) ?? { _raw: text };
}

function parseObject(text: string): unknown {
  if (!/^\s*\{/.test(text) || isDeeperThan(text, limits.jsonDepthMax)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A call for the history, under Gemini's id. */
export function toCallPart(
  signedId: string | undefined,
  name: string,
  args: unknown,
  extraSignature: string | undefined,
): FunctionCallPart {
  const { id, signature } = signedId === undefined ? { id: '', signature: undefined } : splitId(signedId);
  const part: FunctionCallPart = { functionCall: id === '' ? { name, args } : { id, name, args } };
  const known = extraSignature ?? signature;
  if (known !== undefined) part.thoughtSignature = known;
  return part;
}
