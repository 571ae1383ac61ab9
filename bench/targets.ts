/** What can be put under load: nginx, the gateway, other gateways, the simulator itself; and what each costs meanwhile. */
import type { Ask, BenchCase } from './cases.ts';
import { childPids, nodeThreadNames, residentBytes, threadCpuSeconds } from './cpu-time.ts';

export interface Target {
  name: string;
  port: number;
  pid: number;
  /** What the processes are, the first and its children. */
  processes: readonly [first: string, children: string];
  /** The request of a case as this target takes it. */
  request: (benchCase: BenchCase) => Buffer;
  stop(): Promise<unknown>;
}

/** A whole HTTP/1.1 request; header lines without their ends. */
export function postRequest({ path, body }: Ask, headers: readonly string[]): Buffer {
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    'content-type: application/json',
    ...headers,
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** CPU and memory of a target from one moment to another. */
export class TargetMeter {
  readonly #target: Target;
  readonly #isNode: boolean;
  /** By thread id: what it is called. */
  readonly #names = new Map<number, string>();
  #before = new Map<number, number>();
  /** Resident memory when the meter was made. */
  readonly idleBytes: number;
  #peakBytes = 0;
  #watch: NodeJS.Timeout | null = null;

  /** To be made while the target is idle: what its threads do shows in what they wait for. */
  constructor(target: Target, isNode: boolean) {
    this.#target = target;
    this.#isNode = isNode;
    this.idleBytes = this.#residentBytes();
    this.#nameThreads();
  }

  begin(): void {
    this.#before = this.#cpu();
    this.#peakBytes = 0;
    this.#watch = setInterval(() => {
      this.#peakBytes = Math.max(this.#peakBytes, this.#residentBytes());
    }, 250);
  }

  /** CPU seconds by process and thread since `begin`, and the most memory that was seen. */
  end(): { cpuSeconds: Map<string, number>; peakBytes: number } {
    if (this.#watch !== null) clearInterval(this.#watch);
    this.#peakBytes = Math.max(this.#peakBytes, this.#residentBytes());
    this.#nameThreads();
    const cpuSeconds = new Map<string, number>();
    for (const [tid, seconds] of this.#cpu()) {
      const name = this.#names.get(tid) ?? 'other';
      const spent = seconds - (this.#before.get(tid) ?? 0);
      cpuSeconds.set(name, (cpuSeconds.get(name) ?? 0) + spent);
    }
    return { cpuSeconds, peakBytes: this.#peakBytes };
  }

  #pids(): number[] {
    return [this.#target.pid, ...childPids(this.#target.pid)];
  }

  #cpu(): Map<number, number> {
    return new Map(this.#pids().flatMap((pid) => [...threadCpuSeconds(pid)]));
  }

  #residentBytes(): number {
    return this.#pids().reduce((sum, pid) => sum + residentBytes(pid), 0);
  }

  /** Names threads that have none yet. */
  #nameThreads(): void {
    const [first, children] = this.#target.processes;
    const isNew = this.#names.size === 0;
    for (const pid of this.#pids()) {
      const process = pid === this.#target.pid ? first : children;
      const threads = this.#isNode && isNew ? nodeThreadNames(pid) : new Map<number, string>();
      for (const tid of threadCpuSeconds(pid).keys())
        if (!this.#names.has(tid))
          this.#names.set(tid, `${process} ${threads.get(tid) ?? (tid === pid ? 'main' : 'helpers')}`);
    }
  }
}
