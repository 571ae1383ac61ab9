/** A conversation as Gemini's contents and system instruction, with a history repaired where clients have cut it. */
import {
  type GeminiContent,
  type GeminiPart,
  type GeminiRequest,
  isRecord,
  type JsonRecord,
  type TextPart,
} from '../../shared/gemini-wire.ts';
import { limits } from '../../shared/limits.ts';
import { legacyId, readAssistantTurn } from './assistant-turn.ts';
import { missing, notOneOf, readString, unsupportedValue, wrongType, wrongValue } from './field-readers.ts';
import { readSystemText, readToolContent, readUserContent } from './message-parts.ts';
import type { ModelFamily } from './model-family.ts';
import type { ToolNames } from './tool-names.ts';
import { ToolTurns } from './tool-turns.ts';

export interface Conversation {
  contents: GeminiContent[];
  system: TextPart[];
  /** Tokens of it, roughly: characters of text, and a flat rate for media. */
  charsGuess: number;
}

export interface ConversationOptions {
  family: ModelFamily;
  names: ToolNames | null;
  strict: boolean;
  warnings: string[];
}

const roles = ['system', 'developer', 'user', 'assistant', 'tool', 'function'];
/** Gemini counts an image as 258 tokens. */
const charsOfMedia = 4 * 258;

/** Reads `messages`. Throws with the path of what is wrong. */
export function readMessages(messages: unknown, options: ConversationOptions): Conversation {
  if (messages === undefined || messages === null) throw missing('messages');
  if (!Array.isArray(messages)) throw wrongType('messages', 'an array of objects', messages);
  if (messages.length === 0)
    throw wrongValue(
      'messages',
      'empty array. Expected an array with minimum length 1, but got an empty array instead.',
    );
  if (messages.length > limits.messagesMax)
    throw wrongValue('messages', `array too long. Expected at most ${limits.messagesMax} messages.`);
  const reader = new MessageReader(options);
  for (let index = 0; index < messages.length; index++) {
    const message: unknown = messages[index];
    if (!isRecord(message)) throw wrongType(`messages[${index}]`, 'an object', message);
    reader.read(message, index);
  }
  return reader.finish(messages.length - 1);
}

/** Puts the system's text where the model has a place for it; for some that is the first user turn. */
export function placeSystem(
  { contents, system }: Conversation,
  request: GeminiRequest,
  { takesSystem }: ModelFamily,
): void {
  if (system.length === 0) return;
  if (takesSystem) request.systemInstruction = { parts: system };
  else contents[0]?.parts.unshift(...system);
}

class MessageReader {
  readonly #options: ConversationOptions;
  readonly #contents: GeminiContent[] = [];
  readonly #system: TextPart[] = [];
  readonly #turns: ToolTurns;
  #charsGuess = 0;

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.#turns = new ToolTurns(this.#contents, options.family.mixesTools);
  }

  read(message: JsonRecord, index: number): void {
    switch (message['role']) {
      case 'user':
        this.#addUser(readUserContent(message['content'], index));
        return;
      case 'assistant':
        this.#readAssistant(message, index);
        return;
      case 'system':
      case 'developer': {
        const text = readSystemText(message['content'], index);
        this.#charsGuess += text.length;
        if (text !== '') this.#system.push({ text });
        return;
      }
      case 'tool':
        this.#readTool(message, index);
        return;
      case 'function':
        this.#readFunction(message, index);
        return;
      case undefined:
        throw missing(`messages[${index}].role`);
      default:
        throw notOneOf(`messages[${index}].role`, message['role'], roles);
    }
  }

  finish(lastIndex: number): Conversation {
    const { family } = this.#options;
    this.#turns.close(lastIndex);
    const contents = this.#contents;
    let system = this.#system;
    // Gemini wants a first turn, and it must be the user's.
    if (contents.length === 0) {
      contents.push({ role: 'user', parts: system.length > 0 ? system : [{ text: ' ' }] });
      system = [];
    } else if (contents[0]?.role === 'model') contents.unshift({ role: 'user', parts: [{ text: ' ' }] });
    if (contents.at(-1)?.role === 'model' && !family.takesPrefill) this.#continuePrefill(lastIndex);
    return { contents, system, charsGuess: this.#charsGuess };
  }

  /** Newer models refuse to go on with a turn of their own, unless the user asks them to. */
  #continuePrefill(lastIndex: number): void {
    if (this.#options.strict)
      throw unsupportedValue(`messages[${lastIndex}]`, 'this model does not continue an assistant message.');
    this.#options.warnings.push('prefill');
    this.#contents.push({ role: 'user', parts: [{ text: 'Continue.' }] });
  }

  #addUser(parts: GeminiPart[]): void {
    for (const part of parts) this.#charsGuess += 'text' in part ? part.text.length : charsOfMedia;
    this.#contents.push({ role: 'user', parts });
  }

  #readAssistant(message: JsonRecord, index: number): void {
    const { names, family } = this.#options;
    const turn = readAssistantTurn(message, index, names, family.needsSignatures);
    if (turn.parts.length === 0) return;
    this.#charsGuess += turn.textChars;
    const last = this.#contents.at(-1);
    // Calls must follow a user's turn at once, so that turns of the model in a row become one.
    if (last?.role === 'model') for (const part of turn.parts) last.parts.push(part);
    else this.#contents.push({ role: 'model', parts: turn.parts });
    if (turn.calls.length > 0) this.#turns.open(turn);
  }

  #readTool(message: JsonRecord, index: number): void {
    const path = `messages[${index}].tool_call_id`;
    const id = readString(message, 'tool_call_id', path);
    if (id === undefined) throw missing(path);
    const { text, media } = readToolContent(message['content'], index);
    this.#charsGuess += text.length;
    if (this.#turns.answer(id, text, media)) return;
    const shown = /^[\w.:-]{1,64}$/.test(id) ? ` '${id}'` : '';
    throw wrongValue(path, `no tool call with this id${shown} is in the messages before it.`);
  }

  #readFunction(message: JsonRecord, index: number): void {
    const path = `messages[${index}].name`;
    const name = readString(message, 'name', path);
    if (name === undefined) throw missing(path);
    const { content } = message;
    const text = content === null ? '' : readSystemText(content, index);
    this.#charsGuess += text.length;
    if (this.#turns.answer(legacyId(name), text, [])) return;
    throw wrongValue(path, 'no function call of this name is in the messages before it.');
  }
}
