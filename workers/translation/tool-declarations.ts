/** The tools of a request as Gemini's declarations, with the choice among them. */
import type { FunctionCallingConfig, JsonRecord, ToolConfig } from '../../shared/gemini-wire.ts';
import { readList, readRecord, unsupportedValue, wrongValue } from './field-readers.ts';
import { addFunctions, addTools, noTools } from './listed-tools.ts';
import type { ModelFamily } from './model-family.ts';
import { readToolChoice } from './tool-choice.ts';
import type { KnownTools, ToolList } from './tool-lists.ts';
import type { ToolNames } from './tool-names.ts';

/** Gemini takes no more. */
const declarationsMax = 512;

export interface ToolSetup {
  /** The list of tools for Gemini as JSON; empty without tools. */
  json: string;
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

/**
 * Reads `tools` or `functions`, the choice among them, and `web_search_options`. `list`: the text of `tools`, where it was
 * cut out of the body.
 */
export function readTools(
  body: JsonRecord,
  list: ToolList | null,
  google: JsonRecord,
  family: ModelFamily,
  wantsJson: boolean,
  warnings: string[],
): ToolSetup {
  const googlePath = 'extra_body.google.tools';
  const googleTools = readList(google, 'tools', googlePath);
  const functions = readList(body, 'functions');
  let isLegacy = false;
  let known: KnownTools;
  if (list !== null && googleTools === undefined) known = list.read(family);
  else {
    const tools = list === null ? readList(body, 'tools') : list.parse();
    isLegacy = functions !== undefined && tools === undefined;
    const listed = noTools(family);
    addTools(tools, 'tools', listed);
    if (isLegacy) addFunctions(functions, listed);
    addTools(googleTools, googlePath, listed);
    known = { listed, declarations: JSON.stringify(listed.declarations) };
  }
  const { listed } = known;
  if (listed.declarations.length > declarationsMax)
    throw wrongValue('tools', `array too long. Expected at most ${declarationsMax} functions.`);
  for (const warning of listed.warnings) warnings.push(warning);
  return assemble(body, isLegacy, wantsJson, family, known);
}

function assemble(
  body: JsonRecord,
  isLegacy: boolean,
  wantsJson: boolean,
  family: ModelFamily,
  { listed, declarations }: KnownTools,
): ToolSetup {
  const { names, isStrict } = listed;
  // What is known is shared between requests.
  const builtIns = new Map(listed.builtIns);
  if (readRecord(body, 'web_search_options') !== undefined) builtIns.set('googleSearch', 'web_search_options');
  const hasFunctions = listed.declarations.length > 0;
  const choice = readToolChoice(body, isLegacy, hasFunctions ? names : null);
  if (choice?.mode === 'NONE') builtIns.clear();
  const isMixed = hasFunctions && builtIns.size > 0;
  if (isMixed && !family.mixesTools)
    throw unsupportedValue(
      [...builtIns.values()][0] ?? 'tools',
      "this model cannot use Gemini's own tools and functions in one request.",
    );
  const tools = hasFunctions ? [`{"functionDeclarations":${declarations}}`] : [];
  for (const builtIn of builtIns.keys()) tools.push(`{"${builtIn}":{}}`);
  // AUTO doesn't go with built-in tools, and nothing but AUTO with JSON output.
  const validates = isMixed || (isStrict && !wantsJson && family.takesJsonSchema);
  const calling: FunctionCallingConfig | undefined = choice ?? (validates ? { mode: 'VALIDATED' } : undefined);
  let config: ToolConfig | undefined;
  if (hasFunctions && calling !== undefined) config = { functionCallingConfig: calling };
  if (isMixed) config = { ...config, includeServerSideToolInvocations: true };
  return {
    json: tools.length > 0 ? `[${tools.join(',')}]` : '',
    config,
    names: hasFunctions ? names : null,
    isLegacy,
    hasFunctions,
    mustCall: calling?.mode === 'ANY',
    hasSearch: builtIns.has('googleSearch'),
  };
}
