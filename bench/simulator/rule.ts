/** What a rule of a request is: it looks at a whole request and says what Google would refuse it for. */
import type { ErrorReply } from './error-bodies.ts';
import type { GenerateContentRequest } from './gemini-request.ts';
import type { Model } from './model-catalogue.ts';

export interface RuleContext {
  model: Model;
  /** The id as requested. */
  id: string;
  isStream: boolean;
  /** Names of the files that the key may read. */
  files?: readonly string[];
}

/** A refusal; null when the rule is kept. */
export type Refusal = ErrorReply | null;

export type Rule = (request: GenerateContentRequest, context: RuleContext) => Refusal;

/** Models up to 2.5, and Gemma, which shares their limits. */
export function isOldGeneration({ generation }: Model): boolean {
  return generation < 3;
}
