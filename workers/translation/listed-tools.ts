/** Lists of tools as Gemini's declarations, with the names that they get and Gemini's own tools among them. */
import { type FunctionDeclaration, isRecord, type JsonRecord } from '../../shared/gemini-wire.ts';
import {
  missing,
  notOneOf,
  readBoolean,
  readRecord,
  readString,
  unsupportedValue,
  wrongType,
  wrongValue,
} from './field-readers.ts';
import type { ModelFamily } from './model-family.ts';
import { ToolNames } from './tool-names.ts';
import { isEmptyParameters, toGeminiSchema } from './tool-schema.ts';

/** What lists of tools amount to while they are read. */
export interface ListedTools {
  declarations: FunctionDeclaration[];
  builtIns: Map<BuiltIn, string>;
  names: ToolNames;
  isStrict: boolean;
  family: ModelFamily;
  warnings: Set<string>;
}

export type BuiltIn = 'googleSearch' | 'urlContext' | 'codeExecution';

/** Gemini's own tools under the names that gateways and Google use. */
const builtInNames: ReadonlyMap<string, BuiltIn> = new Map([
  ['google_search', 'googleSearch'],
  ['googleSearch', 'googleSearch'],
  ['web_search', 'googleSearch'],
  ['web_search_preview', 'googleSearch'],
  ['url_context', 'urlContext'],
  ['urlContext', 'urlContext'],
  ['code_execution', 'codeExecution'],
  ['codeExecution', 'codeExecution'],
  ['code_interpreter', 'codeExecution'],
]);

/** Nothing yet, for a family of models. */
export function noTools(family: ModelFamily): ListedTools {
  return {
    declarations: [],
    builtIns: new Map(),
    names: new ToolNames(),
    isStrict: false,
    family,
    warnings: new Set(),
  };
}

/** Reads a list of tools. Throws with the path of what is wrong. */
export function addTools(entries: readonly unknown[] | undefined, path: string, listed: ListedTools): void {
  readEach(entries, path, readTool, listed);
}

/** The same for a list of functions in the legacy form. */
export function addFunctions(entries: readonly unknown[] | undefined, listed: ListedTools): void {
  readEach(entries, 'functions', readFunction, listed);
}

function readEach(
  entries: readonly unknown[] | undefined,
  path: string,
  read: (entry: unknown, path: string, listed: ListedTools) => void,
  listed: ListedTools,
): void {
  entries?.forEach((entry, index) => {
    read(entry, `${path}[${index}]`, listed);
  });
}

function readTool(tool: unknown, path: string, listed: ListedTools): void {
  if (!isRecord(tool)) throw wrongType(path, 'an object', tool);
  const { type } = tool;
  if (type === 'function' || (type === undefined && tool['function'] !== undefined)) {
    const declaration = tool['function'];
    if (declaration === undefined) throw missing(`${path}.function`);
    readFunction(declaration, `${path}.function`, listed);
    return;
  }
  if (type === 'custom') {
    readCustomTool(tool['custom'], `${path}.custom`, listed);
    return;
  }
  // Google writes a tool of its own as a key: `{"google_search": {}}`.
  const builtIn = builtInNames.get(typeof type === 'string' ? type : (Object.keys(tool)[0] ?? ''));
  if (builtIn !== undefined) listed.builtIns.set(builtIn, path);
  else if (type === undefined) throw missing(`${path}.type`);
  else throw notOneOf(`${path}.type`, type, ['function', 'custom', 'google_search', 'url_context', 'code_execution']);
}

function readFunction(source: unknown, path: string, listed: ListedTools): void {
  if (!isRecord(source)) throw wrongType(path, 'an object', source);
  const declaration = declare(source, path, 'function', listed);
  if (readBoolean(source, 'strict', `${path}.strict`) === true) listed.isStrict = true;
  const parameters = readRecord(source, 'parameters', `${path}.parameters`);
  if (parameters !== undefined && !isEmptyParameters(parameters)) {
    const { takesJsonSchema } = listed.family;
    const { schema, isLossy } = toGeminiSchema(parameters, takesJsonSchema ? 'json' : 'openapi', `${path}.parameters`);
    const types = [schema.type ?? 'object'].flat();
    if (!types.some((type) => type.toLowerCase() === 'object'))
      throw wrongValue(`${path}.parameters`, 'schema must be a JSON Schema of \'type: "object"\'.');
    if (takesJsonSchema) declaration.parametersJsonSchema = schema;
    else declaration.parameters = schema;
    if (isLossy) listed.warnings.add('tools.parameters');
  }
  listed.declarations.push(declaration);
}

/** A tool that takes free text is a function with one string. */
function readCustomTool(source: unknown, path: string, listed: ListedTools): void {
  if (!isRecord(source)) throw source === undefined ? missing(path) : wrongType(path, 'an object', source);
  const format = readRecord(source, 'format', `${path}.format`);
  if (format !== undefined && format['type'] !== 'text')
    throw unsupportedValue(`${path}.format`, 'Gemini cannot be held to a grammar.');
  const declaration = declare(source, path, 'custom', listed);
  if (listed.family.takesJsonSchema) {
    declaration.parametersJsonSchema = {
      type: 'object',
      properties: { input: { type: 'string' } },
      required: ['input'],
    };
  } else declaration.parameters = { type: 'OBJECT', properties: { input: { type: 'STRING' } }, required: ['input'] };
  listed.declarations.push(declaration);
}

function declare(
  source: JsonRecord,
  path: string,
  kind: 'function' | 'custom',
  { names }: ListedTools,
): FunctionDeclaration {
  const name = readString(source, 'name', `${path}.name`);
  if (name === undefined || name === '') throw missing(`${path}.name`);
  const geminiName = names.declare(name, kind);
  if (geminiName === undefined) throw wrongValue(`${path}.name`, 'another tool has this name already.');
  const description = readString(source, 'description', `${path}.description`);
  // Gemini demands a description.
  return { name: geminiName, description: description === undefined || description === '' ? name : description };
}
