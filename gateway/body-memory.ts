/**
 * The memory that request bodies take, from their first byte until their request is over: bounded over all requests, so
 * that no number of clients, however slow, can fill it. Large bodies leave a part of it to small ones.
 */
import { limits } from '../shared/limits.ts';

/** What large bodies may take of it. */
const largeShareMax = 7 / 8;

export class BodyMemory {
  readonly #bytesMax: number;
  #bytes = 0;
  #holds = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes held at present. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Requests that are on their way in or in flight. */
  get requests(): number {
    return this.#holds;
  }

  hold(): BodyHold {
    this.#holds++;
    return new BodyHold(
      (bytes, isLarge) => {
        if (this.#bytes + bytes > this.#bytesMax * (isLarge ? largeShareMax : 1)) return false;
        this.#bytes += bytes;
        return true;
      },
      (bytes) => {
        this.#bytes -= bytes;
        this.#holds--;
      },
    );
  }
}

/** The part of one request. */
export class BodyHold {
  readonly #take: (bytes: number, isLarge: boolean) => boolean;
  readonly #giveBack: (bytes: number) => void;
  #bytes = 0;
  #isReleased = false;

  constructor(take: (bytes: number, isLarge: boolean) => boolean, giveBack: (bytes: number) => void) {
    this.#take = take;
    this.#giveBack = giveBack;
  }

  /** Takes more, so that it is `bytes` in all; false when there is no more for it. */
  growTo(bytes: number): boolean {
    if (this.#isReleased) return false;
    if (bytes <= this.#bytes) return true;
    if (!this.#take(bytes - this.#bytes, bytes > limits.bodyStringBytesMax)) return false;
    this.#bytes = bytes;
    return true;
  }

  /** Gives back all; safe to call again. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#giveBack(this.#bytes);
  }
}
