/** Gemini's finish reasons as OpenAI's five, or as the fault that some of them are. */
import { GatewayError } from '../../shared/errors.ts';
import type { FinishReason } from '../../shared/openai-wire.ts';

/** What had come of the answer when it finished. */
export interface FinishedAnswer {
  hasCalls: boolean;
  hasContent: boolean;
  /** Something of it is with the client already, so it can't be tried again. */
  isStarted: boolean;
  legacyFunctions: boolean;
}

/** What a Gemini reason is: a regular end, the limit of tokens, a filter, a fault of the model, or nobody knows. */
const kinds: ReadonlyMap<string, 'end' | 'length' | 'filter' | 'fault'> = new Map([
  ['STOP', 'end'],
  ['MAX_TOKENS', 'length'],
  ['CONTINUATION', 'length'],
  ['SAFETY', 'filter'],
  ['RECITATION', 'filter'],
  ['LANGUAGE', 'filter'],
  ['BLOCKLIST', 'filter'],
  ['PROHIBITED_CONTENT', 'filter'],
  ['SPII', 'filter'],
  ['IMAGE_SAFETY', 'filter'],
  ['IMAGE_PROHIBITED_CONTENT', 'filter'],
  ['IMAGE_RECITATION', 'filter'],
  ['MALFORMED_FUNCTION_CALL', 'fault'],
  ['UNEXPECTED_TOOL_CALL', 'fault'],
  ['TOO_MANY_TOOL_CALLS', 'fault'],
  ['MALFORMED_RESPONSE', 'fault'],
  ['MISSING_THOUGHT_SIGNATURE', 'fault'],
]);

/** OpenAI's reason. Throws `model_output_invalid` when the answer is none. */
export function toFinishReason(geminiReason: string, answer: FinishedAnswer): FinishReason {
  switch (kinds.get(geminiReason)) {
    case 'end':
      return endOf(answer);
    case 'length':
      return 'length';
    case 'filter':
      return 'content_filter';
    case 'fault':
      if (answer.isStarted) return endOf(answer);
      throw invalidOutput(geminiReason);
    default:
      // OTHER, NO_IMAGE, and whatever is added one day.
      if (answer.isStarted || answer.hasCalls || answer.hasContent) return endOf(answer);
      throw invalidOutput(geminiReason);
  }
}

function endOf({ hasCalls, legacyFunctions }: FinishedAnswer): FinishReason {
  if (!hasCalls) return 'stop';
  return legacyFunctions ? 'function_call' : 'tool_calls';
}

/** The reason is named if it looks like one; Gemini's message isn't passed on, since it may quote the answer. */
function invalidOutput(geminiReason: string): GatewayError {
  const name = /^[A-Z_]{1,40}$/.test(geminiReason) ? ` (${geminiReason})` : '';
  return new GatewayError('model_output_invalid', {
    message: `The model produced no usable answer${name}. Try again.`,
  });
}
