/** An assistant's message of the history as parts of a model's turn. */
import {
  type FunctionCallPart,
  type GeminiPart,
  isRecord,
  type JsonRecord,
  type TextPart,
} from '../../shared/gemini-wire.ts';
import { placeholderSignature, readExtraContent } from './call-signature.ts';
import { missing, notOneOf, readList, readRecord, readString, wrongType } from './field-readers.ts';
import { readDataUri } from './media.ts';
import { readAssistantText } from './message-parts.ts';
import { readServerToolParts } from './server-tools.ts';
import { type ToolNames, toGeminiName } from './tool-names.ts';
import { toArguments, toCallPart } from './tool-turns.ts';

export interface AssistantTurn {
  parts: GeminiPart[];
  calls: FunctionCallPart[];
  /** By call, how its result will refer to it. */
  ids: string[];
  textChars: number;
}

/** The marker of legacy calls among ids: their results know only the function's name. */
export function legacyId(name: string): string {
  return `function ${name}`;
}

export function readAssistantTurn(
  message: JsonRecord,
  index: number,
  names: ToolNames | null,
  needsSignatures: boolean,
): AssistantTurn {
  const turn: AssistantTurn = { parts: [], calls: [], ids: [], textChars: 0 };
  const text = readAssistantText(message, index);
  const extra = message['extra_content'];
  const signature = extra === undefined ? undefined : readExtraContent(extra);
  if (extra !== undefined) turn.parts.push(...readServerToolParts(extra));
  if (text !== '') {
    const part: TextPart = { text };
    if (signature !== undefined) part.thoughtSignature = signature;
    turn.parts.push(part);
    turn.textChars = text.length;
  }
  if (message['images'] !== undefined) readImages(message['images'], turn.parts);
  const calls = readList(message, 'tool_calls', `messages[${index}].tool_calls`);
  calls?.forEach((call, callIndex) => {
    readCall(call, `messages[${index}].tool_calls[${callIndex}]`, names, turn);
  });
  const legacyCall = readRecord(message, 'function_call', `messages[${index}].function_call`);
  if (legacyCall !== undefined) readLegacyCall(legacyCall, `messages[${index}].function_call`, names, turn);
  const [first] = turn.calls;
  if (first !== undefined && needsSignatures) first.thoughtSignature ??= placeholderSignature;
  for (const call of turn.calls) turn.parts.push(call);
  return turn;
}

const callTypes = ['function', 'custom'];

function readCall(call: unknown, path: string, names: ToolNames | null, turn: AssistantTurn): void {
  if (!isRecord(call)) throw wrongType(path, 'an object', call);
  const id = readString(call, 'id', `${path}.id`);
  if (id === undefined) throw missing(`${path}.id`);
  const { type } = call;
  if (type !== undefined && type !== 'function' && type !== 'custom') throw notOneOf(`${path}.type`, type, callTypes);
  const signature = readExtraContent(call['extra_content']);
  const kind = type === 'custom' ? 'custom' : 'function';
  const source = readRecord(call, kind, `${path}.${kind}`);
  if (source === undefined) throw missing(`${path}.${kind}`);
  const name = readName(source, `${path}.${kind}.name`, names);
  const args =
    kind === 'custom'
      ? { input: readString(source, 'input', `${path}.custom.input`) ?? '' }
      : readArguments(source, `${path}.function.arguments`);
  turn.calls.push(toCallPart(id, name, args, signature));
  turn.ids.push(id);
}

function readLegacyCall(call: JsonRecord, path: string, names: ToolNames | null, turn: AssistantTurn): void {
  const name = readName(call, `${path}.name`, names);
  turn.calls.push(toCallPart(undefined, name, readArguments(call, `${path}.arguments`), undefined));
  turn.ids.push(legacyId(readString(call, 'name', `${path}.name`) ?? ''));
}

function readName(source: JsonRecord, path: string, names: ToolNames | null): string {
  const name = readString(source, 'name', path);
  if (name === undefined || name === '') throw missing(path);
  return names?.geminiName(name) ?? toGeminiName(name);
}

/** OpenAI's arguments are text; some clients send the object itself. */
function readArguments(source: JsonRecord, path: string): unknown {
  const args = source['arguments'];
  if (isRecord(args)) return args;
  return toArguments(readString(source, 'arguments', path) ?? '');
}

/** Images that a model has made, as this gateway gave them out; others are left out. */
function readImages(images: unknown, parts: GeminiPart[]): void {
  if (!Array.isArray(images)) return;
  for (const image of images) {
    if (!isRecord(image) || !isRecord(image['image_url'])) continue;
    const { url } = image['image_url'];
    const media = typeof url === 'string' ? readDataUri(url) : undefined;
    if (media === undefined) continue;
    const signature = readExtraContent(image['extra_content']);
    parts.push(signature === undefined ? { inlineData: media } : { inlineData: media, thoughtSignature: signature });
  }
}
