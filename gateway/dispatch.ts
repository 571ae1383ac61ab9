/**
 * The worker threads as the gateway sees them: one slot a thread, each with a port of its own. Whatever is posted within
 * one turn of the event loop crosses in one message. A thread that dies is replaced in its slot, and its requests are
 * told.
 */
import { MessageChannel, type MessagePort, type Transferable } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { entryUrl } from '../shared/entry.ts';
import type { Logger } from '../shared/log.ts';
import type { FromWorker, ToWorker } from '../shared/messages.ts';
import type { WorkerOptions } from '../shared/worker-options.ts';

/** Heap of one worker thread: enough for many large prompts at once, little enough that a runaway ends as a lost thread. */
const workerHeapMbMax = 2_048;
/** Pause before a slot whose thread died before it was ready is filled again, so that a broken start does not spin. */
const refillMs = 500;

/** A place for one worker thread. The object stays when its thread is replaced. */
export interface WorkerSlot {
  readonly index: number;
  /** Requests at this worker. */
  inFlight: number;
  isReady: boolean;
  port: MessagePort;
  outbox: ToWorker[];
}

interface DispatchEvents {
  onMessage: (slot: WorkerSlot, message: FromWorker) => void;
  /** The slot's thread is gone, with all that it was working on. The slot takes new jobs at once. */
  onLost: (slot: WorkerSlot) => void;
}

export class Dispatch {
  readonly #pool: Piscina<{ port: MessagePort; options: WorkerOptions }, void>;
  readonly #options: WorkerOptions;
  readonly #log: Logger;
  readonly #events: DispatchEvents;
  readonly #slots: WorkerSlot[] = [];
  #flushScheduled = false;
  #isStopping = false;
  #onAllReady: (() => void) | null = null;
  /** Threads that died and were replaced. */
  restarts = 0;

  constructor(threads: number, options: WorkerOptions, log: Logger, events: DispatchEvents) {
    this.#options = options;
    this.#log = log;
    this.#events = events;
    this.#pool = new Piscina({
      filename: entryUrl('workers/translate-worker').href,
      minThreads: threads,
      maxThreads: threads,
      concurrentTasksPerWorker: 1,
      // With atomics an idle thread parks and neither its sockets nor its timers run.
      atomics: 'disabled',
      recordTiming: false,
      resourceLimits: { maxOldGenerationSizeMb: workerHeapMbMax },
      env: {},
    });
    // A thread that died outside of its task, at its start; piscina starts another by itself.
    this.#pool.on('error', (error) => log.error({ err: error }, 'a worker thread could not start'));
    for (let index = 0; index < threads; index++) {
      this.#slots.push({ index, inFlight: 0, isReady: false, port: new MessageChannel().port1, outbox: [] });
    }
  }

  /** Starts all threads; resolves when each serves. */
  start(): Promise<void> {
    for (const slot of this.#slots) this.#fill(slot);
    return new Promise((resolve) => {
      this.#onAllReady = resolve;
    });
  }

  get isReady(): boolean {
    return this.#slots.every((slot) => slot.isReady);
  }

  /** The worker with the fewest requests. */
  leastLoaded(): WorkerSlot {
    const [first, ...others] = this.#slots;
    if (first === undefined) throw new Error('there is no worker slot');
    let least = first;
    for (const slot of others) if (slot.inFlight < least.inFlight) least = slot;
    return least;
  }

  post(slot: WorkerSlot, message: ToWorker): void {
    slot.outbox.push(message);
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(() => this.#flush());
  }

  /** Tells every worker to end its serve task, and waits for the threads to leave. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const slot of this.#slots) this.post(slot, { t: 'stop' });
    this.#flush();
    await this.#pool.close({ force: false });
    for (const slot of this.#slots) slot.port.close();
  }

  #flush(): void {
    this.#flushScheduled = false;
    for (const slot of this.#slots) {
      if (slot.outbox.length === 0) continue;
      slot.port.postMessage(slot.outbox);
      slot.outbox = [];
    }
  }

  #fill(slot: WorkerSlot): void {
    const { port1, port2 } = new MessageChannel();
    slot.port = port1;
    port1.on('message', (batch: FromWorker[]) => {
      for (const message of batch) {
        if (message.t === 'ready') this.#ready(slot);
        else this.#events.onMessage(slot, message);
      }
    });
    const transferList: Transferable[] = [port2];
    this.#pool.run({ port: port2, options: this.#options }, { transferList }).then(
      () => this.#ended(slot, port1, null),
      (error: unknown) => this.#ended(slot, port1, error),
    );
  }

  #ready(slot: WorkerSlot): void {
    slot.isReady = true;
    if (this.isReady) this.#onAllReady?.();
  }

  #ended(slot: WorkerSlot, port: MessagePort, error: unknown): void {
    port.close();
    if (this.#isStopping) return;
    this.restarts++;
    this.#log.error({ err: error, worker: slot.index }, 'a worker thread is gone and is replaced');
    const wasReady = slot.isReady;
    slot.isReady = false;
    slot.inFlight = 0;
    slot.outbox = [];
    if (wasReady) this.#fill(slot);
    else setTimeout(() => !this.#isStopping && this.#fill(slot), refillMs);
    this.#events.onLost(slot);
  }
}
