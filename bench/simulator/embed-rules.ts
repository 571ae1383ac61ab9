/** Requests for embeddings: a text each, a size in range, and the same model throughout a batch. */
import { type ErrorReply, invalidArgumentReply } from './error-bodies.ts';
import type { EmbedContentRequest } from './gemini-request.ts';
import { mediaProblem } from './inline-media.ts';
import { modelMismatch } from './request-rules.ts';
import type { RuleContext } from './rule.ts';
import { tokensOfContents } from './tokens.ts';

const batchMax = 100;
const dimensionsMin = 128;
const dimensionsMax = 3_072;

export function checkEmbed(
  request: EmbedContentRequest,
  context: RuleContext,
  at = 'EmbedContentRequest',
): ErrorReply | null {
  const { content, outputDimensionality, title, taskType } = request;
  const mismatch = modelMismatch(request.model, context.id, at);
  if (mismatch !== null) return mismatch;
  const parts = content?.parts ?? [];
  if (parts.length === 0) return invalidArgumentReply(`* ${at}.content: contents is not specified\n`);
  const empty = parts.findIndex(({ text, inlineData }) => (text ?? inlineData?.data ?? '') === '');
  if (empty >= 0) return invalidArgumentReply(`* ${at}.content.parts[${empty}]: the text content is empty\n`);
  for (const { inlineData } of parts) {
    const problem = inlineData === undefined ? null : mediaProblem(inlineData);
    if (problem !== null) return invalidArgumentReply(problem);
  }
  if (
    outputDimensionality !== undefined &&
    (outputDimensionality < dimensionsMin || outputDimensionality > dimensionsMax)
  )
    return invalidArgumentReply(
      `* ${at}.output_dimensionality: must be in the range [${dimensionsMin}, ${dimensionsMax}]\n`,
    );
  if (title !== undefined && taskType !== 'RETRIEVAL_DOCUMENT')
    return invalidArgumentReply(`* ${at}.title: only allowed for the task type RETRIEVAL_DOCUMENT\n`);
  const { inputTokensMax } = context.model;
  const tokens = content === undefined ? 0 : tokensOfContents([content]);
  return tokens <= inputTokensMax
    ? null
    : invalidArgumentReply(
        `The input token count (${tokens}) exceeds the maximum number of tokens allowed (${inputTokensMax}).`,
      );
}

export function checkBatchEmbed(requests: readonly EmbedContentRequest[], context: RuleContext): ErrorReply | null {
  const place = 'BatchEmbedContentsRequest.requests';
  if (requests.length === 0) return invalidArgumentReply(`* ${place}: requests is not specified\n`);
  if (requests.length > batchMax)
    return invalidArgumentReply(`* ${place}: at most ${batchMax} requests can be in one batch\n`);
  for (const [index, request] of requests.entries()) {
    if (request.model === undefined) return invalidArgumentReply(`* ${place}[${index}].model: model is required\n`);
    const refusal = checkEmbed(request, context, `${place}[${index}]`);
    if (refusal !== null) return refusal;
  }
  return null;
}
