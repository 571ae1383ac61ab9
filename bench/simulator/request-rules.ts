/** All rules of a request beyond its fields, in the order in which they are tried; the first one broken answers. */
import { contentRules } from './content-rules.ts';
import { continuationFits } from './continuation.ts';
import { type ErrorReply, invalidArgumentReply } from './error-bodies.ts';
import type { CountTokensRequest, GenerateContentRequest } from './gemini-request.ts';
import { generationRules } from './generation-rules.ts';
import { outputRules } from './output-rules.ts';
import type { Rule, RuleContext } from './rule.ts';
import { tokensOfContents, tokensOfRequest } from './tokens.ts';
import { toolRules } from './tool-rules.ts';
import { turnRules } from './turn-rules.ts';

const generateRules: readonly Rule[] = [
  ...contentRules,
  ...turnRules,
  ...toolRules,
  ...generationRules,
  ...outputRules,
  continuationFits,
];

/** `tokens` is what the request costs before an answer is begun. */
export function checkGenerate(
  request: GenerateContentRequest,
  context: RuleContext,
  tokens: number,
): ErrorReply | null {
  // The bare id passes too: @portkey-ai/gateway sends it with every request, and is used with Google.
  const isPathModel = request.model === context.id;
  const mismatch = isPathModel ? null : modelMismatch(request.model, context.id, 'GenerateContentRequest');
  if (mismatch !== null) return mismatch;
  for (const rule of generateRules) {
    const refusal = rule(request, context);
    if (refusal !== null) return refusal;
  }
  return tooLong(tokens, context);
}

export function checkCountTokens(request: CountTokensRequest, context: RuleContext): ErrorReply | null {
  const { contents, generateContentRequest } = request;
  if (contents !== undefined && generateContentRequest !== undefined)
    return invalidArgumentReply('Only one of contents and generate_content_request may be set.');
  if (generateContentRequest === undefined) {
    const wrapped = { contents: contents ?? [] };
    for (const rule of contentRules) {
      const refusal = rule(wrapped, context);
      if (refusal !== null) return refusal;
    }
    return tooLong(tokensOfContents(wrapped.contents), context);
  }
  if (generateContentRequest.model === undefined)
    return invalidArgumentReply('* CountTokensRequest.generate_content_request.model: model is required\n');
  return checkGenerate(generateContentRequest, context, tokensOfRequest(generateContentRequest));
}

/** The model inside of a body must be that of the path, where it is given at all. */
export function modelMismatch(given: string | undefined, id: string, message: string): ErrorReply | null {
  if (given === undefined || given === `models/${id}`) return null;
  return invalidArgumentReply(
    `* ${message}.model: unexpected model name format or a model other than that of the path\n`,
  );
}

function tooLong(tokens: number, { model: { inputTokensMax } }: RuleContext): ErrorReply | null {
  if (tokens <= inputTokensMax) return null;
  return invalidArgumentReply(
    `The input token count (${tokens}) exceeds the maximum number of tokens allowed (${inputTokensMax}).`,
  );
}
