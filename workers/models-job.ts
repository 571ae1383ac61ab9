/** The models that one key offers, page after page. */
import { GatewayError } from '../shared/errors.ts';
import { isRecord, listOf } from '../shared/gemini-wire.ts';
import { limits } from '../shared/limits.ts';
import type { ListedModel } from '../shared/messages.ts';
import type { GeminiClient } from './gemini-client.ts';
import type { JobContext } from './job-context.ts';
import { parseUpstreamObject } from './translation/json-text.ts';
import { classifyFailure, classifyStatus } from './translation/upstream-error.ts';
import type { UpstreamVerdict } from './translation/upstream-verdict.ts';

/** Pages of one list: Google has some dozens of models, so this many thousands are a fault. */
const pagesMax = 20;

/** Fetches the list with `key` and posts it, or the error that the first failing page met and what it says of the key. */
export async function runModelsJob(id: number, key: string, { client, outbox, onOver }: JobContext): Promise<void> {
  try {
    const models: ListedModel[] = [];
    let pageToken = '';
    for (let page = 0; page < pagesMax; page++) {
      const query = pageToken === '' ? '' : `&pageToken=${encodeURIComponent(pageToken)}`;
      const body = await fetchText(client, `/models?pageSize=1000${query}`, key);
      pageToken = readPage(body, models);
      if (pageToken === '') break;
    }
    outbox.post({ t: 'models', id, models });
  } catch (error) {
    const verdict = error instanceof ListRefused ? error.verdict : classifyFailure(error);
    outbox.post({ t: 'models_failed', id, error: verdict.error.toPlain(), outcome: verdict.outcome });
  } finally {
    onOver(id);
  }
}

/** An answer of another status than 200. */
class ListRefused extends Error {
  readonly verdict: UpstreamVerdict;

  constructor(verdict: UpstreamVerdict) {
    super('the list of models was refused');
    this.verdict = verdict;
  }
}

/** A whole answer of status 200 as text; rejects with a ListRefused, or with what broke the call. */
function fetchText(client: GeminiClient, path: string, key: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let status = 0;
    let contentType = '';
    const call = client.call(
      { method: 'GET', path, key, body: null },
      {
        onHead: (headStatus, headContentType) => {
          status = headStatus;
          contentType = headContentType;
        },
        onData: (chunk) => {
          bytes += chunk.length;
          if (bytes <= limits.upstreamErrorBytesMax) {
            chunks.push(chunk);
            return;
          }
          call.abort();
          reject(new GatewayError('upstream_protocol'));
        },
        onEnd: () => {
          const text = Buffer.concat(chunks).toString('utf8');
          if (status === 200) resolve(text);
          else reject(new ListRefused(classifyStatus(status, text, contentType)));
        },
        onFault: reject,
      },
    );
  });
}

/** Reads one page into `models`; gives the token of the next, or ''. */
function readPage(text: string, models: ListedModel[]): string {
  const { models: listed = [], nextPageToken } = parseUpstreamObject(text);
  if (!Array.isArray(listed)) throw new GatewayError('upstream_protocol');
  for (const entry of listed) {
    const model = readModel(entry);
    if (model !== null) models.push(model);
  }
  return typeof nextPageToken === 'string' ? nextPageToken : '';
}

function readModel(entry: unknown): ListedModel | null {
  if (!isRecord(entry)) return null;
  const { name, supportedGenerationMethods, inputTokenLimit, outputTokenLimit } = entry;
  if (typeof name !== 'string') return null;
  const limit = (value: unknown): number | null => (typeof value === 'number' ? value : null);
  return {
    id: name.replace(/^models\//, ''),
    methods: listOf(supportedGenerationMethods).filter((method) => typeof method === 'string'),
    inputTokenLimit: limit(inputTokenLimit),
    outputTokenLimit: limit(outputTokenLimit),
  };
}
