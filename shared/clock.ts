/**
 * Time, behind an interface: durations and deadlines use the monotonic clock, so that a jump of the wall clock
 * changes nothing; wall time is only for what a person or Google reads. Tests pass a clock that they move themselves.
 */
export interface Clock {
  /** Milliseconds since an arbitrary start, never going back. */
  monotonicMs(): number;
  /** Milliseconds since the Unix epoch. */
  wallMs(): number;
}

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
};

/** A clock for tests: stands still until it is moved. */
export class FakeClock implements Clock {
  #monotonicMs = 0;
  #wallMs: number;

  constructor(wallMs = 1_700_000_000_000) {
    this.#wallMs = wallMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  wallMs(): number {
    return this.#wallMs;
  }

  /** Moves both clocks on by `ms`. */
  advance(ms: number): void {
    this.#monotonicMs += ms;
    this.#wallMs += ms;
  }
}
