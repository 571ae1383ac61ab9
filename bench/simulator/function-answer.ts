/** When the simulated model calls functions: when it must, or when the user's text names one. */
import type { GenerateContentRequest } from './gemini-request.ts';
import { instanceOf } from './schema-instance.ts';

export interface FunctionCall {
  id: string;
  name: string;
  args: Record<string, unknown>;
}

/** Calls that answer this request; none when the answer is text. */
export function callsFor(
  { contents = [], tools = [], toolConfig }: GenerateContentRequest,
  said: string,
): FunctionCall[] {
  const { mode = 'AUTO', allowedFunctionNames } = toolConfig?.functionCallingConfig ?? {};
  if (mode === 'NONE') return [];
  const declared = tools
    .flatMap(({ functionDeclarations = [] }) => functionDeclarations)
    .filter(({ name = '' }) => allowedFunctionNames === undefined || allowedFunctionNames.includes(name));
  const isResult = contents.at(-1)?.parts?.some(({ functionResponse }) => functionResponse !== undefined) ?? false;
  const named = isResult ? [] : declared.filter(({ name = '' }) => said.includes(name));
  const called = named.length === 0 && mode === 'ANY' ? declared.slice(0, 1) : named;
  const turn = contents.length;
  return called.map(({ name = '', parameters, parametersJsonSchema }, index) => {
    const args = instanceOf(parametersJsonSchema ?? parameters ?? {});
    // The turn is in the id, so that two turns of a conversation never share one.
    return { id: `call${turn}x${index}${name.slice(0, 24)}`, name, args: isArgs(args) ? args : {} };
  });
}

function isArgs(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
