/** Tools: declarations are sound, the calling mode fits them, and built-in tools are mixed in only where that works. */
import { invalidArgumentReply } from './error-bodies.ts';
import type { FunctionDeclaration, GenerateContentRequest, Tool } from './gemini-request.ts';
import { jsonSchemaProblem } from './json-schema-rules.ts';
import { isOldGeneration, type Refusal, type Rule, type RuleContext } from './rule.ts';
import { schemaProblem } from './schema-rules.ts';

const place = 'GenerateContentRequest';
const declarationsMax = 512;
const namePattern = /^[A-Za-z_][A-Za-z0-9_.:-]{0,63}$/;
const nameText =
  'Invalid function name. Must start with a letter or an underscore. Must be alphanumeric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 64.';
const builtIns = {
  googleSearch: 'google_search',
  googleSearchRetrieval: 'google_search_retrieval',
  codeExecution: 'code_execution',
  urlContext: 'url_context',
  computerUse: 'computer_use',
  fileSearch: 'file_search',
  googleMaps: 'google_maps',
  mcpServers: 'mcp_servers',
} as const satisfies Partial<Record<keyof Tool, string>>;

function declarationsOf({ tools = [] }: GenerateContentRequest): FunctionDeclaration[] {
  return tools.flatMap(({ functionDeclarations = [] }) => functionDeclarations);
}

/** Proto names of the built-in tools in use. */
function builtInsOf({ tools = [] }: GenerateContentRequest): string[] {
  return Object.entries(builtIns)
    .filter(([name]) => tools.some((tool) => Object.hasOwn(tool, name)))
    .map(([, protoName]) => protoName);
}

const toolsHold: Rule = ({ tools = [] }) => {
  const empty = tools.findIndex((tool) => Object.keys(tool).length === 0 || tool.functionDeclarations?.length === 0);
  return empty < 0
    ? null
    : invalidArgumentReply(
        `* ${place}.tools[${empty}].tool_type: required one_of 'tool_type' must have one initialized field\n`,
      );
};

const toolsEnabled: Rule = (request, { model: { kind }, id }) => {
  const takesNone = kind === 'image' || kind === 'speech' || kind === 'transcription';
  if (takesNone && declarationsOf(request).length > 0)
    return invalidArgumentReply(`Function calling is not enabled for models/${id}`);
  if (kind === 'speech' && builtInsOf(request).length > 0)
    return invalidArgumentReply(`Tool use is not enabled for models/${id}`);
  return builtInsOf(request).includes('google_search_retrieval')
    ? invalidArgumentReply('google_search_retrieval is not supported. Please use google_search tool instead.')
    : null;
};

const declarationsSound: Rule = ({ tools = [] }, context) => {
  const names = new Set<string>();
  let count = 0;
  for (const [toolIndex, { functionDeclarations = [] }] of tools.entries()) {
    for (const [index, declaration] of functionDeclarations.entries()) {
      const at = `${place}.tools[${toolIndex}].function_declarations[${index}]`;
      const { name = '' } = declaration;
      if (!namePattern.test(name)) return invalidArgumentReply(`* ${at}.name: ${nameText}\n`);
      if (names.has(name)) return invalidArgumentReply(`Duplicate function declaration found: ${name}`);
      if (++count > declarationsMax)
        return invalidArgumentReply(
          `* ${place}.tools: at most ${declarationsMax} function declarations can be specified\n`,
        );
      names.add(name);
      const refusal = checkParameters(declaration, at, context);
      if (refusal !== null) return refusal;
    }
  }
  return null;
};

function checkParameters(
  { parameters, parametersJsonSchema }: FunctionDeclaration,
  at: string,
  { model }: RuleContext,
): Refusal {
  if (parameters !== undefined && parametersJsonSchema !== undefined)
    return invalidArgumentReply(`* ${at}: only one of parameters and parameters_json_schema may be set\n`);
  if (parameters !== undefined) {
    const problem = schemaProblem(parameters, `${at}.parameters`, isOldGeneration(model));
    if (problem !== null) return invalidArgumentReply(`* ${problem}\n`);
    return parameters.type === 'OBJECT' ? null : invalidArgumentReply(`* ${at}.parameters.type: should be OBJECT\n`);
  }
  if (parametersJsonSchema === undefined) return null;
  const problem = jsonSchemaProblem(parametersJsonSchema, true);
  return problem === null
    ? null
    : invalidArgumentReply('Request contains an invalid argument.', `${at}.parameters_json_schema: ${problem}`);
}

const callingConfigFits: Rule = (request) => {
  const config = request.toolConfig?.functionCallingConfig;
  if (config === undefined) return null;
  const names = declarationsOf(request).map(({ name }) => name);
  if (names.length === 0) return invalidArgumentReply('Function calling config is set without function_declarations.');
  const { mode = 'AUTO', allowedFunctionNames = [] } = config;
  if (allowedFunctionNames.length === 0) return null;
  const at = `* ${place}.tool_config.function_calling_config.allowed_function_names`;
  if (mode !== 'ANY' && mode !== 'VALIDATED')
    return invalidArgumentReply(`${at}: allowed_function_names should only be set when the mode is ANY or VALIDATED\n`);
  const unknown = allowedFunctionNames.find((name) => !names.includes(name));
  return unknown === undefined
    ? null
    : invalidArgumentReply(`${at}: "${unknown}" is not among the declared functions\n`);
};

const builtInsMix: Rule = (request, { model }) => {
  const used = builtInsOf(request);
  if (used.length === 0 || declarationsOf(request).length === 0) return null;
  if (isOldGeneration(model))
    return invalidArgumentReply(
      `Built-in tools ({${used.join(', ')}}) and Function Calling cannot be combined in the same request.`,
    );
  const { includeServerSideToolInvocations = false, functionCallingConfig } = request.toolConfig ?? {};
  if (!includeServerSideToolInvocations)
    return invalidArgumentReply(
      'Please enable tool_config.include_server_side_tool_invocations to use Built-in tools with Function calling.',
    );
  const { mode = 'AUTO' } = functionCallingConfig ?? {};
  return mode === 'AUTO'
    ? invalidArgumentReply(
        'Function calling mode AUTO is not supported together with built-in tools. Please use VALIDATED.',
      )
    : null;
};

const jsonModeMixes: Rule = (request, { model }) => {
  const { generationConfig, toolConfig } = request;
  const mimeType = generationConfig?.responseMimeType ?? generationConfig?.responseFormat?.text?.mimeType;
  if (mimeType !== 'application/json' || declarationsOf(request).length === 0) return null;
  const { mode = 'AUTO' } = toolConfig?.functionCallingConfig ?? {};
  return isOldGeneration(model) || mode !== 'AUTO'
    ? invalidArgumentReply("Function calling with a response mime type: 'application/json' is unsupported")
    : null;
};

export const toolRules: readonly Rule[] = [
  toolsHold,
  toolsEnabled,
  declarationsSound,
  callingConfigFits,
  builtInsMix,
  jsonModeMixes,
];
