/** What a request asks for, once its body is parsed and found sound; or the refusal when it is not. */
import { checkBatchEmbed, checkEmbed } from './embed-rules.ts';
import { promptTokens, vectorText } from './embeddings.ts';
import type { ErrorReply } from './error-bodies.ts';
import type { EmbedContentRequest, GenerateContentRequest } from './gemini-request.ts';
import type { Model } from './model-catalogue.ts';
import { listModels, readModel } from './model-pages.ts';
import { parseRequest } from './request-parser.ts';
import { checkCountTokens, checkGenerate } from './request-rules.ts';
import type { Target } from './request-target.ts';
import { tokensOfRequest } from './tokens.ts';

/** `tokens` and `requests` are what a quota is charged with. */
export type Work =
  | { kind: 'generate'; request: GenerateContentRequest; tokens: number }
  | { kind: 'embed'; requests: readonly EmbedContentRequest[]; isBatch: boolean; tokens: number }
  | { kind: 'page'; body: string; tokens: 0 };

/** `query` is that of the list of models, `files` are those that the key may read. */
export function workOf(
  target: Target,
  model: Model | null,
  body: string,
  query: string,
  files: readonly string[],
): Work | ErrorReply {
  if (target.method === 'listModels') return page(listModels(query));
  if (model === null) return page('{}');
  switch (target.method) {
    case 'getModel':
      return page(readModel(target.model, model));
    case 'countTokens':
      return countWork(target, model, body);
    case 'embedContent':
    case 'batchEmbedContents':
      return embedWork(target, model, body);
    default:
      return generateWork(target, model, body, files);
  }
}

function page(body: string): Work {
  return { kind: 'page', body, tokens: 0 };
}

function generateWork(
  { method, model: id }: Target,
  model: Model,
  body: string,
  files: readonly string[],
): Work | ErrorReply {
  const parsed = parseRequest(body, 'GenerateContentRequest');
  if ('reply' in parsed) return parsed.reply;
  const { request } = parsed;
  const tokens = tokensOfRequest(request);
  const reply = checkGenerate(request, { model, id, isStream: method === 'streamGenerateContent', files }, tokens);
  return reply ?? { kind: 'generate', request, tokens };
}

function countWork({ model: id }: Target, model: Model, body: string): Work | ErrorReply {
  const parsed = parseRequest(body, 'CountTokensRequest');
  if ('reply' in parsed) return parsed.reply;
  const reply = checkCountTokens(parsed.request, { model, id, isStream: true });
  if (reply !== null) return reply;
  const { generateContentRequest, contents = [] } = parsed.request;
  const totalTokens = tokensOfRequest(generateContentRequest ?? { contents });
  return page(JSON.stringify({ totalTokens, promptTokensDetails: [{ modality: 'TEXT', tokenCount: totalTokens }] }));
}

function embedWork({ method, model: id }: Target, model: Model, body: string): Work | ErrorReply {
  if (method === 'embedContent') {
    const parsed = parseRequest(body, 'EmbedContentRequest');
    if ('reply' in parsed) return parsed.reply;
    const reply = checkEmbed(parsed.request, { model, id, isStream: false });
    const requests = [parsed.request];
    return reply ?? { kind: 'embed', requests, isBatch: false, tokens: promptTokens(requests) };
  }
  const parsed = parseRequest(body, 'BatchEmbedContentsRequest');
  if ('reply' in parsed) return parsed.reply;
  const { requests = [] } = parsed.request;
  return (
    checkBatchEmbed(requests, { model, id, isStream: false }) ?? {
      kind: 'embed',
      requests,
      isBatch: true,
      tokens: promptTokens(requests),
    }
  );
}

/** Only the second generation of embedding models says what it counted. */
export function embeddingsText(
  { requests, isBatch, tokens }: Extract<Work, { kind: 'embed' }>,
  model: Model | null,
): string {
  const vectors = requests.map((request) => `{"values":${vectorText(request)}}`);
  const embedded = isBatch ? `"embeddings":[${vectors.join(',')}]` : `"embedding":${vectors[0] ?? '{}'}`;
  const usage = model?.id.startsWith('gemini-embedding-2') ? `,"usageMetadata":{"promptTokenCount":${tokens}}` : '';
  return `{${embedded}${usage}}`;
}
