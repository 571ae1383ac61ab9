/** Which CPUs a process runs on, by `taskset` (util-linux), so that more cores or fewer can be measured. */
import { spawnSync } from 'node:child_process';

/** A command that runs on some CPUs only; as it is when there is nothing to pin. The process id stays the command's. */
export function pinnedTo(
  cpus: string | undefined,
  [command, ...commandArguments]: readonly [string, ...string[]],
): { command: string; commandArguments: string[] } {
  if (cpus === undefined) return { command, commandArguments };
  return { command: 'taskset', commandArguments: ['-c', cpus, command, ...commandArguments] };
}

/** Moves a running process, all of its threads, to some CPUs. Throws what taskset says when it can't. */
export function pinProcess(pid: number, cpus: string | undefined): void {
  if (cpus === undefined) return;
  const { status, stderr } = spawnSync('taskset', ['-a', '-c', '-p', cpus, String(pid)], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`taskset could not pin to CPUs ${cpus}: ${stderr ?? 'it is not installed'}`);
}
