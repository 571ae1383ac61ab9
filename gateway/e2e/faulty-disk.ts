/** A disk that goes wrong when it is told to, under a process that is started with `env`; the calls are in faulty-disk.c. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Numbers of 32 bits each; `seen` counts the calls of the kinds in force, `made` the faults. */
const fields = ['effect', 'kinds', 'countdown', 'times', 'every', 'error', 'seen', 'made'] as const;
const effects = { fail: 1, kill: 2 } as const;
const kindBits = { writes: 1, flushes: 2, truncations: 4 } as const;
const allBits = 7;

export interface DiskFaults {
  /** The call fails, or ends the process with half of it done. */
  effect: keyof typeof effects;
  /** All kinds of calls when left out. */
  kind?: keyof typeof kindBits;
  /** The first call that goes wrong, counted from now on, 1 for the next. */
  at: number;
  /** How many go wrong from then on, 1 when left out; all with 'always'. */
  times?: number | 'always';
  /** From one that goes wrong to the next; 1, the next one, when left out. */
  every?: number;
  error?: 'EIO' | 'ENOSPC';
}

/** The controls of a disk, in this process or in another. */
export class FaultyDisk {
  readonly #file: number;

  constructor(controlPath: string) {
    this.#file = openSync(controlPath, 'r+');
  }

  set({ effect, kind, at, times = 1, every = 1, error = 'EIO' }: DiskFaults): void {
    const bits = kind === undefined ? allBits : kindBits[kind];
    const left = times === 'always' ? -1 : times;
    this.#write([effects[effect], bits, at, left, every, constants.errno[error], 0, 0]);
  }

  /** From now on all works; calls are counted on, and so are the faults that were made. */
  mend(): void {
    const numbers = this.#read();
    numbers[fields.indexOf('times')] = 0;
    this.#write(numbers);
  }

  /** Does something on a disk that works, and goes on as before. */
  without(task: () => void): void {
    const before = this.#read();
    this.mend();
    task();
    this.#write(before);
  }

  /** Faults since the last `set`. */
  get made(): number {
    return this.#read()[fields.indexOf('made')] ?? 0;
  }

  close(): void {
    closeSync(this.#file);
  }

  #read(): number[] {
    const bytes = Buffer.alloc(4 * fields.length);
    readSync(this.#file, bytes, 0, bytes.length, 0);
    return fields.map((_, index) => bytes.readInt32LE(4 * index));
  }

  #write(numbers: readonly number[]): void {
    writeSync(this.#file, Buffer.from(Int32Array.from(numbers).buffer), 0, 4 * fields.length, 0);
  }
}

/** What a process gets in its environment to have its databases on such a disk, and the path of the controls. */
export interface FaultyDiskFiles {
  env: { LD_PRELOAD: string; FAULTY_DISK_CONTROL: string };
  controlPath: string;
  remove(): void;
}

/** Compiles the library into a folder of its own; the compiler is the one that better-sqlite3 needs. */
export function makeFaultyDisk(): FaultyDiskFiles {
  const folder = mkdtempSync(join(tmpdir(), 'gemini-pool-disk-'));
  const [library, controlPath] = [join(folder, 'faulty-disk.so'), join(folder, 'control')];
  const source = fileURLToPath(new URL('./faulty-disk.c', import.meta.url));
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-Wall', '-Werror', '-o', library, source, '-ldl'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  writeFileSync(controlPath, Buffer.alloc(4 * fields.length));
  return {
    env: { LD_PRELOAD: library, FAULTY_DISK_CONTROL: controlPath },
    controlPath,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
