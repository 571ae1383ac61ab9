/**
 * How a chat begins in a worker: its body is parsed, media that it names by URL are downloaded where the configuration
 * says so, and then it is planned and runs.
 */
import { GatewayError, type PlainError } from '../shared/errors.ts';
import { limits } from '../shared/limits.ts';
import type { Job } from '../shared/messages.ts';
import { ChatJob, type ChatOptions, type ChatParts } from './chat-job.ts';
import { liftedBody } from './job-body.ts';
import { failToStart, type JobContext } from './job-context.ts';
import type { RemoteMedia } from './remote-media.ts';
import { findRemoteParts, type RemotePart } from './remote-parts.ts';
import { type ChatBody, readChatBody } from './translation/chat-request.ts';
import type { WorkerJob } from './worker-job.ts';

type ChatJobSpec = Extract<Job, { kind: 'chat' }>;

/** Who downloads media: Google (`null`), this gateway, or nobody. */
export type MediaSource = RemoteMedia | 'refuse' | null;

/** Starts a chat. Null when it could not be planned: its error was posted, and nothing more will come. */
export function startChat(
  id: number,
  job: ChatJobSpec,
  options: ChatOptions,
  media: MediaSource,
  context: JobContext,
): WorkerJob | null {
  const translate = job.isStrict ? { ...options.translate, strict: true } : options.translate;
  const { requestId, createdSeconds } = job;
  const parts: ChatParts = { id, ids: { requestId, createdSeconds }, options: { ...options, translate }, context };
  try {
    const body = readChatBody(liftedBody(job.body), options.toolLists);
    const remote = media === null ? [] : findRemoteParts(body.value);
    if (media === null || remote.length === 0) return startNow(body, parts);
    if (media === 'refuse') throw refusal(remote);
    if (remote.length > limits.remoteMediaMax)
      throw new GatewayError('invalid_value', {
        message: `At most ${limits.remoteMediaMax} media are downloaded for one request.`,
        param: 'messages',
      });
    return new DownloadingChat(body, parts, remote, media);
  } catch (error) {
    failToStart(error, id, requestId, context);
    return null;
  }
}

function startNow(body: ChatBody, parts: ChatParts): ChatJob {
  const chat = new ChatJob(body, parts);
  chat.start();
  return chat;
}

function refusal([first]: readonly RemotePart[]): GatewayError {
  return new GatewayError('invalid_value', {
    message: 'This gateway downloads no media. Send them as data: URIs.',
    ...(first === undefined ? {} : { param: first.param }),
  });
}

/** A chat whose media are on their way; once they are there it is the chat itself. */
class DownloadingChat implements WorkerJob {
  readonly #parts: ChatParts;
  readonly #abort = new AbortController();
  #chat: ChatJob | null = null;

  constructor(body: ChatBody, parts: ChatParts, remote: readonly RemotePart[], media: RemoteMedia) {
    this.#parts = parts;
    void this.#download(body, remote, media);
  }

  lease(call: number, leaseId: number, key: string): void {
    this.#chat?.lease(call, leaseId, key);
  }

  noLease(call: number, error: PlainError): void {
    this.#chat?.noLease(call, error);
  }

  pause(): void {
    this.#chat?.pause();
  }

  resume(): void {
    this.#chat?.resume();
  }

  cancel(): void {
    if (this.#chat !== null) {
      this.#chat.cancel();
      return;
    }
    this.#abort.abort();
    const { id, context } = this.#parts;
    context.outbox.post({ t: 'cancelled', id, usage: null });
    context.onOver(id);
  }

  async #download(body: ChatBody, remote: readonly RemotePart[], media: RemoteMedia): Promise<void> {
    const { signal } = this.#abort;
    try {
      await Promise.all(
        remote.map(async ({ url, param, replace }) => {
          const { mimeType, base64 } = await media.fetch(url, param, signal);
          replace(`data:${mimeType};base64,${base64}`);
        }),
      );
      if (!signal.aborted) this.#chat = startNow(body, this.#parts);
    } catch (error) {
      if (signal.aborted) return;
      // One that failed is enough: the others are not waited for.
      this.#abort.abort();
      const { id, ids, context } = this.#parts;
      failToStart(error, id, ids.requestId, context);
      context.onOver(id);
    }
  }
}
