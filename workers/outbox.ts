/**
 * What a worker says to the gateway: everything of one turn of the event loop crosses in one message, and the frames of
 * one stream that became ready in the same turn are joined into one.
 */
import type { MessagePort } from 'node:worker_threads';
import { InFlight } from '../shared/in-flight.ts';
import { limits } from '../shared/limits.ts';
import type { FromWorker } from '../shared/messages.ts';

type Frames = Extract<FromWorker, { t: 'frames' }>;

export class Outbox {
  readonly #port: MessagePort;
  #batch: FromWorker[] = [];
  /** By request, its frames in the batch that is being filled. */
  readonly #frames = new InFlight<Frames>();
  #flushScheduled = false;
  /** Characters of frames that the gateway has not taken over yet. */
  #untakenChars = 0;
  #waiting: (() => void)[] = [];

  constructor(port: MessagePort) {
    this.#port = port;
  }

  post(message: FromWorker): void {
    this.#batch.push(message);
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(() => this.flush());
  }

  /** Posts chunks of a stream, joined to those of the same turn. */
  postFrames(id: number, text: string): void {
    this.#untakenChars += text.length;
    const open = this.#frames.get(id);
    if (open !== null) {
      open.text += text;
      return;
    }
    const frames: Frames = { t: 'frames', id, text };
    this.#frames.put(id, frames);
    this.post(frames);
  }

  /** Takes back a stream's chunks that have not crossed yet, if they are all of the `chars` there were; else gives ''. */
  takeBackFrames(id: number, chars: number): string {
    const open = this.#frames.get(id);
    if (open === null || open.text.length !== chars) return '';
    this.#frames.take(id);
    this.#untakenChars -= chars;
    this.#batch.splice(this.#batch.lastIndexOf(open), 1);
    return open.text;
  }

  /** The gateway is behind: what goes on being read would only lie in memory. */
  get isFull(): boolean {
    return this.#untakenChars > limits.framesUntakenCharsMax;
  }

  /** Calls back once the gateway has taken over enough. */
  whenTaken(callback: () => void): void {
    this.#waiting.push(callback);
  }

  /** The gateway has taken over so many characters. */
  taken(chars: number): void {
    this.#untakenChars -= chars;
    if (this.isFull || this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const callback of waiting) callback();
  }

  flush(): void {
    this.#flushScheduled = false;
    if (this.#batch.length === 0) return;
    this.#port.postMessage(this.#batch);
    if (this.#frames.size > 0)
      for (const message of this.#batch) if (message.t === 'frames') this.#frames.take(message.id);
    this.#batch = [];
  }
}
