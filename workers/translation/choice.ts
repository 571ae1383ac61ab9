/** What the streamed and the whole form of a choice have in common. */
import type { GeminiResponse } from '../../shared/gemini-wire.ts';
import type { TokenUsage } from '../../shared/usage.ts';

/** The end of an answer: what the client may see once its row is committed, and what the row says. */
export interface ChatEnding {
  tail: string;
  usage: TokenUsage;
  finishReason: string;
  modelServed: string | null;
}

/** Takes Gemini's responses for one choice. */
export interface ChoiceCollector {
  /** Reads a response; gives the chunks that may go out now, '' for none. */
  step(response: GeminiResponse): string;
  /** True once `step` gave something. */
  readonly started: boolean;
  /** What is known so far, for answers that end early. */
  readonly usage: TokenUsage | null;
  /** Of the call at hand, as Google told them; null where it did not. */
  readonly promptTokens: number | null;
  /** The token with which the request goes on, when Gemini stopped at the cap of one call with tokens left. */
  takeContinuation(): string | null;
}

/** What the ids of a choice's tool calls are made from, so that they differ within the answer. */
export function choiceId(requestId: string, choice: number): string {
  return choice === 0 ? requestId : `${requestId}${choice}`;
}
