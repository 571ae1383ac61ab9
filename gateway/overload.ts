/**
 * Whether the gateway has more on its hands than it can do, looked at ten times a second so that asking costs nothing:
 * the lateness of its own event loop, the silence of the worker threads, and the memory of the process. What is refused
 * is refused early, and more of it the worse it gets.
 */
import type { Clock } from '../shared/clock.ts';
import { GatewayError } from '../shared/errors.ts';
import { randomFraction } from '../shared/ids.ts';
import { limits } from '../shared/limits.ts';

const tickMs = 100;
/** Ticks over which lateness is summed: one second. */
const ticksKept = 10;
/** Seconds after which a refused client may come again; spread, so that not all come at once. */
const retryMsMin = 1_000;
const retryMsMax = 5_000;

/** Shares of the memory limit from which on connections are closed after their answer, large bodies and all requests refused. */
const memoryTight = 0.85;
const memoryShort = 0.92;
const memoryFull = 0.95;

export interface Load {
  /** Milliseconds by which the event loop was late, summed over the last second. */
  lateMs: number;
  /** How long every worker has been silent. */
  workersSilentMs: number;
  /** Resident memory as a share of its limit. */
  memoryShare: number;
  /** Requests in flight: with a handful, a busy moment is no overload. */
  inFlight: number;
}

export type OverloadReason = 'event_loop' | 'workers' | 'memory';

export interface Overload {
  /** Why requests are refused; null when they are not. */
  refusesAll: OverloadReason | null;
  refusesLargeBodies: boolean;
  closesConnections: boolean;
}

/** What a load calls for. */
export function overloadOf({ lateMs, workersSilentMs, memoryShare, inFlight }: Load): Overload {
  const isBusy = inFlight >= limits.overloadInFlightMin;
  return {
    refusesAll:
      memoryShare > memoryFull
        ? 'memory'
        : isBusy && lateMs > limits.eventLoopLateMsMax
          ? 'event_loop'
          : isBusy && workersSilentMs > limits.workersSilentMsMax
            ? 'workers'
            : null,
    refusesLargeBodies: memoryShare > memoryShort,
    closesConnections: memoryShare > memoryTight,
  };
}

interface OverloadSources {
  clock: Clock;
  memoryBytesMax: number;
  inFlight: () => number;
  /** Milliseconds for which every worker has been silent; also asks them again. */
  workersSilentMs: () => number;
}

export class OverloadWatch {
  readonly #sources: OverloadSources;
  readonly #timer: NodeJS.Timeout;
  readonly #late: number[] = [];
  #expectedMs: number;
  #memoryShare = 0;
  #overload: Overload = { refusesAll: null, refusesLargeBodies: false, closesConnections: false };
  /** Requests that were refused, by reason. */
  readonly shed: Record<OverloadReason | 'large_body', number> = {
    event_loop: 0,
    workers: 0,
    memory: 0,
    large_body: 0,
  };

  constructor(sources: OverloadSources) {
    this.#sources = sources;
    this.#expectedMs = sources.clock.monotonicMs() + tickMs;
    this.#timer = setInterval(() => this.#tick(), tickMs);
    this.#timer.unref();
  }

  get closesConnections(): boolean {
    return this.#overload.closesConnections;
  }

  /** Why requests are refused at present; null when they are not. */
  get reason(): OverloadReason | null {
    return this.#overload.refusesAll;
  }

  /** Throws `overloaded` for a request that can't be taken; `contentLength` is null for a body of unknown size. */
  admit(contentLength: number | null): void {
    const { refusesAll, refusesLargeBodies } = this.#overload;
    if (refusesAll !== null) throw this.#refusal(refusesAll);
    if (refusesLargeBodies && (contentLength === null || contentLength > limits.bodyStringBytesMax))
      throw this.#refusal('large_body');
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #refusal(reason: OverloadReason | 'large_body'): GatewayError {
    this.shed[reason]++;
    const retryAfterMs = retryMsMin + randomFraction() * (retryMsMax - retryMsMin);
    return new GatewayError('overloaded', { retryAfterMs });
  }

  #tick(): void {
    const { clock, inFlight, workersSilentMs } = this.#sources;
    const nowMs = clock.monotonicMs();
    this.#late.push(Math.max(0, nowMs - this.#expectedMs));
    if (this.#late.length > ticksKept) this.#late.shift();
    this.#expectedMs = nowMs + tickMs;
    this.#overload = overloadOf({
      lateMs: this.#late.reduce((sum, late) => sum + late, 0),
      workersSilentMs: workersSilentMs(),
      memoryShare: this.#readMemoryShare(),
      inFlight: inFlight(),
    });
  }

  /** The kernel tells it through a file: when no more can be opened, what was known last is all there is. */
  #readMemoryShare(): number {
    try {
      this.#memoryShare = process.memoryUsage.rss() / this.#sources.memoryBytesMax;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && (error.code === 'EMFILE' || error.code === 'ENFILE')))
        throw error;
    }
    return this.#memoryShare;
  }
}
