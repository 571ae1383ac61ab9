/** Which of the tools the model may or must call: `tool_choice`, or `function_call` in the legacy form. */
import { type FunctionCallingConfig, isRecord, type JsonRecord } from '../../shared/gemini-wire.ts';
import { missing, notOneOf, readList, readRecord, readString, wrongType, wrongValue } from './field-readers.ts';
import type { ToolNames } from './tool-names.ts';

/** The calling mode, or undefined where the model decides. `names` is null when no function is declared. */
export function readToolChoice(
  body: JsonRecord,
  isLegacy: boolean,
  names: ToolNames | null,
): FunctionCallingConfig | undefined {
  const param = isLegacy ? 'function_call' : 'tool_choice';
  const choice = body[param];
  if (choice === undefined || choice === null || choice === 'auto') return undefined;
  if (choice === 'none') return names === null ? undefined : { mode: 'NONE' };
  if (names === null) throw wrongValue(param, `it is only allowed when ${isLegacy ? 'functions' : 'tools'} are given.`);
  if (choice === 'required' && !isLegacy) return { mode: 'ANY' };
  if (!isRecord(choice)) {
    if (typeof choice === 'string')
      throw notOneOf(param, choice, isLegacy ? ['none', 'auto'] : ['none', 'auto', 'required']);
    throw wrongType(param, 'one of a string or object', choice);
  }
  if (isLegacy) return only(choice, param, names);
  switch (choice['type']) {
    case 'function':
    case 'custom': {
      const kind = choice['type'];
      return only(readRecord(choice, kind, `${param}.${kind}`) ?? choice, `${param}.${kind}`, names);
    }
    case 'allowed_tools':
      return readAllowed(choice, param, names);
    case undefined:
      throw missing(`${param}.type`);
    default:
      throw notOneOf(`${param}.type`, choice['type'], ['function', 'allowed_tools', 'custom']);
  }
}

function only(source: JsonRecord, param: string, names: ToolNames): FunctionCallingConfig {
  return { mode: 'ANY', allowedFunctionNames: [readDeclaredName(source, `${param}.name`, names)] };
}

function readDeclaredName(source: JsonRecord, param: string, names: ToolNames): string {
  const name = readString(source, 'name', param);
  if (name === undefined) throw missing(param);
  const geminiName = names.geminiName(name);
  if (geminiName === undefined) throw wrongValue(param, 'no tool of this name is among the tools.');
  return geminiName;
}

function readAllowed(choice: JsonRecord, param: string, names: ToolNames): FunctionCallingConfig {
  const path = `${param}.allowed_tools`;
  const allowed = readRecord(choice, 'allowed_tools', path);
  if (allowed === undefined) throw missing(path);
  const { mode } = allowed;
  if (mode !== 'auto' && mode !== 'required') throw notOneOf(`${path}.mode`, mode, ['auto', 'required']);
  const tools = readList(allowed, 'tools', `${path}.tools`);
  if (tools === undefined) throw missing(`${path}.tools`);
  const allowedFunctionNames = tools.map((tool, index) => {
    const at = `${path}.tools[${index}]`;
    if (!isRecord(tool)) throw wrongType(at, 'an object', tool);
    const kind = tool['type'] === 'custom' ? 'custom' : 'function';
    return readDeclaredName(readRecord(tool, kind, `${at}.${kind}`) ?? tool, `${at}.${kind}.name`, names);
  });
  // Only ANY and VALIDATED take names; VALIDATED leaves the model free to call none.
  return { mode: mode === 'required' ? 'ANY' : 'VALIDATED', allowedFunctionNames };
}
