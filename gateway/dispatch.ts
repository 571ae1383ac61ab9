/**
 * The worker threads as the gateway sees them: one slot a thread, each with a port of its own. Whatever is posted within
 * one turn of the event loop crosses in one message. A thread that dies is replaced in its slot, and its requests are
 * told.
 */
import { MessageChannel, type MessagePort, type Transferable } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { entryUrl } from '../shared/entry.ts';
import { limits } from '../shared/limits.ts';
import type { Logger } from '../shared/log.ts';
import type { FromWorker, ToWorker } from '../shared/messages.ts';
import type { WorkerOptions } from '../shared/worker-options.ts';

/** Heap of one worker thread: enough for many large prompts at once, little enough that a runaway ends as a lost thread. */
const workerHeapMbMax = 2_048;
/**
 * Three times a semi-space of 16 MB, Node 20's own bound. Node 24 lets it grow to 64 MB, which is garbage that stays in
 * memory and makes nothing faster. Gateway and writer have it from the command line (`--max-semi-space-size`).
 */
const workerYoungMbMax = 48;
/** A worker is told in steps what was taken of its frames: often enough that it need not stop, seldom enough to cost nothing. */
const takenCharsTold = limits.framesUntakenCharsMax / 16;
/** Pause before a slot whose thread died before it was ready is filled again, so that a broken start does not spin. */
const refillMs = 500;

type SlotPool = Piscina<{ port: MessagePort; options: WorkerOptions }, void>;

/** A place for one worker thread. The object stays when its thread is replaced. */
export interface WorkerSlot {
  readonly index: number;
  /** Requests at this worker. */
  inFlight: number;
  isReady: boolean;
  /** There is a thread, or one is starting, that will read what is posted. */
  isOpen: boolean;
  /** Holds the slot's thread; null while there is none. */
  pool: SlotPool | null;
  /** When the last ping was sent that was not answered yet; null when all were. */
  pingedMs: number | null;
  /** Characters of frames that came, and that the worker was not told of. */
  takenChars: number;
  /** When a look found the thread on its way to being ready for the first time; null before that. */
  startingMs: number | null;
  /** How long the worker has owed an answer. */
  silentMs: number;
  port: MessagePort;
  outbox: ToWorker[];
}

/** What a worker says about its jobs. */
export type JobMessage = Exclude<FromWorker, { t: 'ready' | 'pong' }>;

/** Requests of the worker; beyond any number while it does not come to its messages. */
function burden({ inFlight, isReady, silentMs }: WorkerSlot): number {
  return inFlight + (isReady ? 0 : 2e6) + (silentMs > limits.workersSilentMsMax ? 1e6 : 0);
}

/** A slot as it is before its first thread. */
export function emptySlot(index: number): WorkerSlot {
  return {
    index,
    inFlight: 0,
    isReady: false,
    isOpen: false,
    pool: null,
    pingedMs: null,
    silentMs: 0,
    takenChars: 0,
    startingMs: null,
    port: new MessageChannel().port1,
    outbox: [],
  };
}

interface DispatchEvents {
  onMessage: (slot: WorkerSlot, message: JobMessage) => void;
  /** The slot's thread is gone, with all that it was working on. The slot takes new jobs at once. */
  onLost: (slot: WorkerSlot) => void;
}

export class Dispatch {
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
    for (let index = 0; index < threads; index++) this.#slots.push(emptySlot(index));
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

  /** The worker with the fewest requests, of those that are at work; of the others only when there is no such. */
  leastLoaded(): WorkerSlot {
    let least: WorkerSlot | null = null;
    for (const slot of this.#slots) if (least === null || burden(slot) < burden(least)) least = slot;
    if (least === null) throw new Error('there is no worker slot');
    return least;
  }

  /**
   * Asks every worker whether it comes to its messages. Gives for how many milliseconds the liveliest has been silent. One
   * that is stuck in a loop is ended: it is replaced as if it had died.
   */
  heartbeat(nowMs: number): number {
    let leastMs = Number.POSITIVE_INFINITY;
    for (const slot of this.#slots) {
      if (!slot.isReady) {
        slot.startingMs ??= nowMs;
        if (slot.isOpen && nowMs - slot.startingMs > limits.workerStartMsMax) this.#end(slot);
        continue;
      }
      if (slot.pingedMs === null) {
        slot.pingedMs = nowMs;
        slot.silentMs = 0;
        this.post(slot, { t: 'ping' });
      }
      // What this thread has missed itself counts as one look: the answer may be there already, unread.
      else slot.silentMs += Math.min(nowMs - slot.pingedMs - slot.silentMs, limits.workersSilentMsMax);
      leastMs = Math.min(leastMs, slot.silentMs);
      if (slot.silentMs > limits.workerStuckMsMax) this.#end(slot);
    }
    return Number.isFinite(leastMs) ? leastMs : 0;
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
    await Promise.all(this.#slots.map(({ pool }) => pool?.close({ force: false })));
    for (const slot of this.#slots) slot.port.close();
  }

  #flush(): void {
    this.#flushScheduled = false;
    for (const slot of this.#slots) {
      if (slot.outbox.length === 0 || !slot.isOpen) continue;
      slot.port.postMessage(slot.outbox);
      slot.outbox = [];
    }
  }

  #fill(slot: WorkerSlot): void {
    const { port1, port2 } = new MessageChannel();
    slot.port = port1;
    slot.isOpen = true;
    slot.pingedMs = null;
    slot.silentMs = 0;
    slot.takenChars = 0;
    slot.startingMs = null;
    port1.on('message', (batch: FromWorker[]) => {
      for (const message of batch) {
        if (message.t === 'ready') this.#ready(slot);
        else if (message.t === 'pong') slot.pingedMs = null;
        else {
          if (message.t === 'frames') slot.takenChars += message.text.length;
          this.#events.onMessage(slot, message);
        }
      }
      if (slot.takenChars >= takenCharsTold) {
        this.post(slot, { t: 'taken', chars: slot.takenChars });
        slot.takenChars = 0;
      }
    });
    let isOver = false;
    const over = (error: unknown): void => {
      if (isOver) return;
      isOver = true;
      void slot.pool?.destroy();
      slot.pool = null;
      this.#ended(slot, port1, error);
    };
    try {
      this.#runThread(slot, port2, over);
    } catch (error) {
      // There was not even a thread.
      setImmediate(() => over(error));
    }
  }

  /**
   * A pool for one thread's life: piscina starts no other after one that died at its start, and says nothing of a task
   * that waited for it, so the thread's own end is what counts.
   */
  #runThread(slot: WorkerSlot, port: MessagePort, over: (error: unknown) => void): void {
    const pool: SlotPool = new Piscina({
      filename: entryUrl('workers/translate-worker').href,
      minThreads: 0,
      maxThreads: 1,
      concurrentTasksPerWorker: 1,
      // With atomics an idle thread parks and neither its sockets nor its timers run.
      atomics: 'disabled',
      recordTiming: false,
      resourceLimits: { maxOldGenerationSizeMb: workerHeapMbMax, maxYoungGenerationSizeMb: workerYoungMbMax },
      env: {},
    });
    slot.pool = pool;
    pool.on('error', over);
    const transferList: Transferable[] = [port];
    pool.run({ port, options: this.#options }, { transferList }).then(() => over(null), over);
    pool.threads[0]?.once('exit', (code) => over(new Error(`the thread ended with ${code}`)));
  }

  #ready(slot: WorkerSlot): void {
    slot.isReady = true;
    this.#flush();
    if (this.isReady) this.#onAllReady?.();
  }

  #end(slot: WorkerSlot): void {
    this.#log.error({ worker: slot.index, silentMs: slot.silentMs }, 'a worker thread is stuck and is ended');
    slot.pingedMs = null;
    slot.startingMs = null;
    void slot.pool?.threads[0]?.terminate();
  }

  #ended(slot: WorkerSlot, port: MessagePort, error: unknown): void {
    port.close();
    if (this.#isStopping) return;
    this.restarts++;
    this.#log.error({ err: error, worker: slot.index }, 'a worker thread is gone and is replaced');
    const wasReady = slot.isReady;
    slot.isReady = false;
    slot.isOpen = false;
    slot.inFlight = 0;
    slot.outbox = [];
    if (wasReady) this.#fill(slot);
    else setTimeout(() => !this.#isStopping && this.#fill(slot), refillMs);
    this.#events.onLost(slot);
  }
}
