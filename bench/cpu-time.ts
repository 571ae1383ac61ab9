/** CPU time and memory of processes and their threads, as the kernel accounts them in /proc (Linux). */
import { readdirSync, readFileSync } from 'node:fs';

/** Kernel ticks a second, on every Linux that matters here. */
const ticksPerSecond = 100;
/** V8's own threads start with the process; the threads of the program come later than this. */
const helpersStartTicks = 8;

/** CPU seconds by thread id. */
export function threadCpuSeconds(pid: number): Map<number, number> {
  const byThread = new Map<number, number>();
  for (const tid of readdirSync(`/proc/${pid}/task`)) {
    try {
      byThread.set(Number(tid), cpuSeconds(`/proc/${pid}/task/${tid}`));
    } catch {
      // A thread that has ended meanwhile.
    }
  }
  return byThread;
}

/** CPU seconds of a process, all of its threads together. */
export function processCpuSeconds(pid: number): number {
  let sum = 0;
  for (const seconds of threadCpuSeconds(pid).values()) sum += seconds;
  return sum;
}

/** In nanoseconds where the kernel keeps them, in ticks elsewhere. */
function cpuSeconds(task: string): number {
  try {
    return Number(readFileSync(`${task}/schedstat`, 'utf8').split(' ', 1)[0]) / 1e9;
  } catch {
    const fields = statFields(task);
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  }
}

/** Fields of `stat` behind the name, which may hold anything. */
function statFields(task: string): string[] {
  const stat = readFileSync(`${task}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** The children of a process. */
export function childPids(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes ?? 0) * 1024;
}

/**
 * What the threads of an idle Node process are for: `main`, `worker 1`…, the rest `helpers` (garbage collection,
 * compilation, file system). Threads that begin later count as helpers too. Worker threads are told by what they wait for.
 */
export function nodeThreadNames(pid: number): Map<number, string> {
  const names = new Map<number, string>();
  const startTicks = Number(statFields(`/proc/${pid}`)[19]);
  let workers = 0;
  for (const tid of readdirSync(`/proc/${pid}/task`).map(Number)) {
    const task = `/proc/${pid}/task/${tid}`;
    const isLate = Number(statFields(task)[19]) - startTicks > helpersStartTicks;
    const waitsInLoop = isLate && readFileSync(`${task}/wchan`, 'utf8').includes('epoll');
    names.set(tid, tid === pid ? 'main' : waitsInLoop ? `worker ${++workers}` : 'helpers');
  }
  return names;
}
