/** Calls that Gemini makes, as OpenAI's tool calls: names as declared, ids that are unique and carry the signature. */

import { GatewayError } from '../../shared/errors.ts';
import { isRecord, type JsonRecord } from '../../shared/gemini-wire.ts';
import type { ToolCall } from '../../shared/openai-wire.ts';
import { signId, toExtraContent } from './call-signature.ts';
import type { ToolNames } from './tool-names.ts';

/** Makes the calls of one answer. */
export class ToolCallMaker {
  readonly #requestId: string;
  readonly #names: ToolNames | null;
  readonly #ids = new Set<string>();

  constructor(requestId: string, names: ToolNames | null) {
    this.#requestId = requestId;
    this.#names = names;
  }

  /** The call of a part; undefined when it has no name. */
  make(source: JsonRecord, signature: string | undefined): ToolCall | undefined {
    const { id: givenId, name: calledName, args } = source;
    if (typeof calledName !== 'string' || calledName === '') return undefined;
    const { name, kind } = this.#names?.resolve(calledName) ?? { name: calledName, kind: 'function' };
    const id = signId(this.#uniqueId(typeof givenId === 'string' ? givenId : ''), signature);
    const call: ToolCall =
      kind === 'custom'
        ? { id, type: 'custom', custom: { name, input: inputOf(args) } }
        : { id, type: 'function', function: { name, arguments: argumentsOf(args) } };
    if (signature !== undefined) call.extra_content = toExtraContent(signature);
    return call;
  }

  #uniqueId(givenId: string): string {
    const id = givenId === '' || this.#ids.has(givenId) ? `call_${this.#requestId}_${this.#ids.size}` : givenId;
    this.#ids.add(id);
    return id;
  }
}

function argumentsOf(args: unknown): string {
  try {
    return isRecord(args) ? JSON.stringify(args) : '{}';
  } catch (error) {
    // Deeper than the stack: no tool has arguments like that.
    throw new GatewayError('model_output_invalid', {}, error);
  }
}

/** The text of a custom tool, which Gemini knows as a function of one string. */
function inputOf(args: unknown): string {
  const input = isRecord(args) ? args['input'] : undefined;
  return typeof input === 'string' ? input : argumentsOf(args);
}
