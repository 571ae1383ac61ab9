/** What the side of the answer has to know of the request that it answers. */
import type { ToolNames } from './tool-names.ts';

export interface AnswerContext {
  /** Echoed as `model`, whatever served. */
  readonly modelAsked: string;
  /** A stream ends with a chunk of usage. */
  readonly includeUsage: boolean;
  /** Thoughts were asked for and go out as `reasoning_content`. */
  readonly showThoughts: boolean;
  /** The declared tools by the names that Gemini knows; null without tools. */
  readonly tools: ToolNames | null;
  /** The request used `functions`: the answer has `function_call`. */
  readonly legacyFunctions: boolean;
  /** `parallel_tool_calls` was false: calls after the first are not passed on. */
  readonly firstCallOnly: boolean;
  /** Google Search may have grounded the answer: its text is kept, to place the citations. */
  readonly mayCite: boolean;
  /** What to do with an answer that ends regularly and is empty. `retry`: an error at first, and then a `stop`. */
  readonly emptyAnswer: 'retry' | 'stop' | 'error';
  /** A stream that is cut is asked for again from where it stopped, so its text is kept. */
  readonly resumes: boolean;
  /** Tokens of the prompt, roughly, for answers that come without figures. */
  readonly promptTokensGuess: number;
}

/** What an answer is called and dated. */
export interface AnswerIds {
  readonly requestId: string;
  readonly createdSeconds: number;
}
