/**
 * The entry of a worker thread: one serve task for the thread's whole life. Batches of messages come in over its port,
 * jobs run, and what they say goes out once a turn of the event loop.
 */
import type { MessagePort } from 'node:worker_threads';
import { GatewayError } from '../shared/errors.ts';
import { InFlight } from '../shared/in-flight.ts';
import { makeLogger } from '../shared/log.ts';
import type { Job, ToWorker } from '../shared/messages.ts';
import type { WorkerOptions } from '../shared/worker-options.ts';
import type { ChatOptions } from './chat-job.ts';
import { type MediaSource, startChat } from './chat-start.ts';
import { startEmbeddingsJob } from './embeddings-job.ts';
import { GeminiClient } from './gemini-client.ts';
import type { JobContext } from './job-context.ts';
import { runModelsJob } from './models-job.ts';
import { Outbox } from './outbox.ts';
import { RemoteMedia } from './remote-media.ts';
import type { ModelAliases } from './translation/model-name.ts';
import { ToolLists } from './translation/tool-lists.ts';
import { UpstreamFault } from './translation/upstream-error.ts';
import type { WorkerJob } from './worker-job.ts';

/** Serves until the gateway says `stop`. Rejects, and so ends the thread, only by a bug. */
export default function serve({ port, options }: { port: MessagePort; options: WorkerOptions }): Promise<void> {
  return new Promise((resolve) => {
    const worker = new TranslateWorker(port, options, resolve);
    port.on('message', (batch: ToWorker[]) => {
      for (const message of batch) worker.receive(message);
    });
  });
}

class TranslateWorker {
  readonly #port: MessagePort;
  readonly #onStopped: () => void;
  readonly #jobs = new InFlight<WorkerJob>();
  readonly #aliases: ModelAliases;
  readonly #chat: ChatOptions;
  readonly #media: MediaSource;
  readonly #context: JobContext;

  constructor(port: MessagePort, options: WorkerOptions, onStopped: () => void) {
    this.#port = port;
    this.#onStopped = onStopped;
    this.#aliases = options.modelAliases;
    this.#chat = {
      translate: {
        strict: options.strictParameters,
        emptyAnswer: options.emptyAnswers === 'pass' ? 'stop' : options.emptyAnswers,
        aliases: this.#aliases,
        optOutOfStore: !options.googleMayStore,
        resumeStreams: options.resumeStreams,
        affinity: options.keyAffinity,
      },
      fallbacks: options.modelFallbacks,
      toolLists: new ToolLists(),
    };
    this.#media =
      options.remoteMedia === 'fetch'
        ? new RemoteMedia({ allowPrivate: false, connectTimeoutMs: options.connectTimeoutMs })
        : options.remoteMedia === 'refuse'
          ? 'refuse'
          : null;
    const log = makeLogger('worker', options.logLevel);
    this.#context = {
      client: new GeminiClient(options),
      outbox: new Outbox(port),
      onOver: (id) => this.#jobs.take(id),
      reportBug: (error, requestId) => {
        if (error instanceof GatewayError || error instanceof UpstreamFault) return;
        log.error({ err: error, requestId }, 'unexpected error in a job');
      },
    };
    this.#context.outbox.post({ t: 'ready' });
  }

  receive(message: ToWorker): void {
    switch (message.t) {
      case 'job':
        this.#begin(message.id, message.job);
        return;
      case 'lease':
        this.#jobs.get(message.id)?.lease(message.call, message.leaseId, message.key);
        return;
      case 'no_lease':
        this.#jobs.get(message.id)?.noLease(message.call, message.error);
        return;
      case 'pause':
        this.#jobs.get(message.id)?.pause();
        return;
      case 'resume':
        this.#jobs.get(message.id)?.resume();
        return;
      case 'cancel':
        this.#jobs.get(message.id)?.cancel();
        return;
      case 'taken':
        this.#context.outbox.taken(message.chars);
        return;
      case 'ping':
        this.#context.outbox.post({ t: 'pong' });
        return;
      case 'stop':
        void this.#stop();
        return;
      default:
        message satisfies never;
    }
  }

  #begin(id: number, job: Job): void {
    switch (job.kind) {
      case 'chat': {
        const chat = startChat(id, job, this.#chat, this.#media, this.#context);
        if (chat !== null) this.#jobs.put(id, chat);
        return;
      }
      case 'embeddings': {
        const embeddings = startEmbeddingsJob(id, job, this.#aliases, this.#context);
        if (embeddings !== null) this.#jobs.put(id, embeddings);
        return;
      }
      case 'models':
        void runModelsJob(id, job.key, this.#context);
        return;
      default:
        job satisfies never;
    }
  }

  async #stop(): Promise<void> {
    if (this.#media instanceof RemoteMedia) await this.#media.close();
    await this.#context.client.close();
    this.#context.outbox.flush();
    this.#port.close();
    this.#onStopped();
  }
}
