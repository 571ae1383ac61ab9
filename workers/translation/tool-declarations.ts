/** The tools of a request as Gemini's declarations, with the choice among them. */
import type {
  FunctionCallingConfig,
  FunctionDeclaration,
  GeminiTool,
  JsonRecord,
  ToolConfig,
} from '../../shared/gemini-wire.ts';
import { isRecord } from '../../shared/gemini-wire.ts';
import {
  missing,
  notOneOf,
  readBoolean,
  readList,
  readRecord,
  readString,
  unsupportedValue,
  wrongType,
  wrongValue,
} from './field-readers.ts';
import type { ModelFamily } from './model-family.ts';
import { readToolChoice } from './tool-choice.ts';
import { ToolNames } from './tool-names.ts';
import { isEmptyParameters, toGeminiSchema } from './tool-schema.ts';

/** Gemini takes no more. */
const declarationsMax = 512;

export interface ToolSetup {
  tools: GeminiTool[];
  config: ToolConfig | undefined;
  /** Null without functions. */
  names: ToolNames | null;
  /** The request used `functions`. */
  isLegacy: boolean;
  hasFunctions: boolean;
  /** The model must call a function. */
  mustCall: boolean;
  hasSearch: boolean;
}

/** What a request's tools amount to while they are read. */
interface Collected {
  declarations: FunctionDeclaration[];
  builtIns: Map<BuiltIn, string>;
  names: ToolNames;
  isStrict: boolean;
  family: ModelFamily;
  warnings: Set<string>;
}

type BuiltIn = 'googleSearch' | 'urlContext' | 'codeExecution';

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

/** Reads `tools` or `functions`, the choice among them, and `web_search_options`. */
export function readTools(
  body: JsonRecord,
  google: JsonRecord,
  family: ModelFamily,
  wantsJson: boolean,
  warnings: string[],
): ToolSetup {
  const collected: Collected = {
    declarations: [],
    builtIns: new Map(),
    names: new ToolNames(),
    isStrict: false,
    family,
    warnings: new Set(),
  };
  const tools = readList(body, 'tools');
  const functions = readList(body, 'functions');
  const isLegacy = functions !== undefined && tools === undefined;
  readEach(tools, 'tools', readTool, collected);
  if (isLegacy) readEach(functions, 'functions', readFunction, collected);
  const googlePath = 'extra_body.google.tools';
  readEach(readList(google, 'tools', googlePath), googlePath, readTool, collected);
  if (readRecord(body, 'web_search_options') !== undefined)
    collected.builtIns.set('googleSearch', 'web_search_options');
  if (collected.declarations.length > declarationsMax)
    throw wrongValue('tools', `array too long. Expected at most ${declarationsMax} functions.`);
  for (const warning of collected.warnings) warnings.push(warning);
  return assemble(body, isLegacy, wantsJson, collected);
}

function assemble(body: JsonRecord, isLegacy: boolean, wantsJson: boolean, collected: Collected): ToolSetup {
  const { declarations, builtIns, names, isStrict, family } = collected;
  const hasFunctions = declarations.length > 0;
  const choice = readToolChoice(body, isLegacy, hasFunctions ? names : null);
  if (choice?.mode === 'NONE') builtIns.clear();
  const isMixed = hasFunctions && builtIns.size > 0;
  if (isMixed && !family.mixesTools)
    throw unsupportedValue(
      [...builtIns.values()][0] ?? 'tools',
      "this model cannot use Gemini's own tools and functions in one request.",
    );
  const tools: GeminiTool[] = hasFunctions ? [{ functionDeclarations: declarations }] : [];
  for (const builtIn of builtIns.keys()) tools.push({ [builtIn]: {} });
  // AUTO doesn't go with built-in tools, and nothing but AUTO with JSON output.
  const validates = isMixed || (isStrict && !wantsJson && family.takesJsonSchema);
  const calling: FunctionCallingConfig | undefined = choice ?? (validates ? { mode: 'VALIDATED' } : undefined);
  let config: ToolConfig | undefined;
  if (hasFunctions && calling !== undefined) config = { functionCallingConfig: calling };
  if (isMixed) config = { ...config, includeServerSideToolInvocations: true };
  return {
    tools,
    config,
    names: hasFunctions ? names : null,
    isLegacy,
    hasFunctions,
    mustCall: calling?.mode === 'ANY',
    hasSearch: builtIns.has('googleSearch'),
  };
}

function readEach(
  entries: readonly unknown[] | undefined,
  path: string,
  read: (entry: unknown, path: string, collected: Collected) => void,
  collected: Collected,
): void {
  entries?.forEach((entry, index) => {
    read(entry, `${path}[${index}]`, collected);
  });
}

function readTool(tool: unknown, path: string, collected: Collected): void {
  if (!isRecord(tool)) throw wrongType(path, 'an object', tool);
  const { type } = tool;
  if (type === 'function' || (type === undefined && tool['function'] !== undefined)) {
    const declaration = tool['function'];
    if (declaration === undefined) throw missing(`${path}.function`);
    readFunction(declaration, `${path}.function`, collected);
    return;
  }
  if (type === 'custom') {
    readCustomTool(tool['custom'], `${path}.custom`, collected);
    return;
  }
  // Google writes a tool of its own as a key: `{"google_search": {}}`.
  const builtIn = builtInNames.get(typeof type === 'string' ? type : (Object.keys(tool)[0] ?? ''));
  if (builtIn !== undefined) collected.builtIns.set(builtIn, path);
  else if (type === undefined) throw missing(`${path}.type`);
  else throw notOneOf(`${path}.type`, type, ['function', 'custom', 'google_search', 'url_context', 'code_execution']);
}

function readFunction(source: unknown, path: string, collected: Collected): void {
  if (!isRecord(source)) throw wrongType(path, 'an object', source);
  const declaration = declare(source, path, 'function', collected);
  if (readBoolean(source, 'strict', `${path}.strict`) === true) collected.isStrict = true;
  const parameters = readRecord(source, 'parameters', `${path}.parameters`);
  if (parameters !== undefined && !isEmptyParameters(parameters)) {
    const { takesJsonSchema } = collected.family;
    const { schema, isLossy } = toGeminiSchema(parameters, takesJsonSchema ? 'json' : 'openapi', `${path}.parameters`);
    const types = [schema.type ?? 'object'].flat();
    if (!types.some((type) => type.toLowerCase() === 'object'))
      throw wrongValue(`${path}.parameters`, 'schema must be a JSON Schema of \'type: "object"\'.');
    if (takesJsonSchema) declaration.parametersJsonSchema = schema;
    else declaration.parameters = schema;
    if (isLossy) collected.warnings.add('tools.parameters');
  }
  collected.declarations.push(declaration);
}

/** A tool that takes free text is a function with one string. */
function readCustomTool(source: unknown, path: string, collected: Collected): void {
  if (!isRecord(source)) throw source === undefined ? missing(path) : wrongType(path, 'an object', source);
  const format = readRecord(source, 'format', `${path}.format`);
  if (format !== undefined && format['type'] !== 'text')
    throw unsupportedValue(`${path}.format`, 'Gemini cannot be held to a grammar.');
  const declaration = declare(source, path, 'custom', collected);
  if (collected.family.takesJsonSchema) {
    declaration.parametersJsonSchema = {
      type: 'object',
      properties: { input: { type: 'string' } },
      required: ['input'],
    };
  } else declaration.parameters = { type: 'OBJECT', properties: { input: { type: 'STRING' } }, required: ['input'] };
  collected.declarations.push(declaration);
}

function declare(
  source: JsonRecord,
  path: string,
  kind: 'function' | 'custom',
  { names }: Collected,
): FunctionDeclaration {
  const name = readString(source, 'name', `${path}.name`);
  if (name === undefined || name === '') throw missing(`${path}.name`);
  const geminiName = names.declare(name, kind);
  if (geminiName === undefined) throw wrongValue(`${path}.name`, 'another tool has this name already.');
  const description = readString(source, 'description', `${path}.description`);
  // Gemini demands a description.
  return { name: geminiName, description: description === undefined || description === '' ? name : description };
}
