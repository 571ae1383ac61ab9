/**
 * The entry of a worker thread: one serve task for the thread's whole life. Batches of messages come in over its port,
 * jobs run, and what they say goes out once a turn of the event loop.
 */
import type { MessagePort } from 'node:worker_threads';
import { makeLogger } from '../shared/log.ts';
import type { ToWorker } from '../shared/messages.ts';
import type { WorkerOptions } from '../shared/worker-options.ts';
import { ChatJob, type JobContext } from './chat-job.ts';
import { GeminiClient } from './gemini-client.ts';
import { runModelsJob } from './models-job.ts';
import { Outbox } from './outbox.ts';

/** Serves until the gateway says `stop`. Rejects, and so ends the thread, only by a bug. */
export default function serve({ port, options }: { port: MessagePort; options: WorkerOptions }): Promise<void> {
  const client = new GeminiClient(options);
  const outbox = new Outbox(port);
  const chats = new Map<number, ChatJob>();
  const context: JobContext = {
    client,
    outbox,
    translate: { strict: false },
    log: makeLogger('worker', options.logLevel),
    onOver: (id) => chats.delete(id),
  };
  return new Promise((resolve) => {
    port.on('message', (batch: ToWorker[]) => {
      for (const message of batch) {
        if (message.t !== 'stop') receive(message, chats, context);
        else
          void client.close().then(() => {
            outbox.flush();
            port.close();
            resolve();
          });
      }
    });
    outbox.post({ t: 'ready' });
  });
}

function receive(message: Exclude<ToWorker, { t: 'stop' }>, chats: Map<number, ChatJob>, context: JobContext): void {
  switch (message.t) {
    case 'job': {
      const { id, job } = message;
      if (job.kind === 'models') {
        void runModelsJob(id, job.key, context);
        return;
      }
      const chat = new ChatJob(id, job, context);
      chats.set(id, chat);
      chat.start();
      return;
    }
    case 'lease':
      chats.get(message.id)?.lease(message.leaseId, message.key);
      return;
    case 'no_lease':
      chats.get(message.id)?.noLease(message.error);
      return;
    case 'pause':
      chats.get(message.id)?.pause();
      return;
    case 'resume':
      chats.get(message.id)?.resume();
      return;
    case 'cancel':
      chats.get(message.id)?.cancel();
      return;
    default:
      message satisfies never;
  }
}
