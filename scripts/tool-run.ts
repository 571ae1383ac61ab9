/** How the operator's tools run: an error is one line that says what to do, and an exit code. */
import type { Clock } from '../shared/clock.ts';
import { scrub } from '../shared/log.ts';

/** Runs a tool to its end. What it throws is printed without what looks like a secret, and the exit code is 1. */
export async function runTool(name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    process.stderr.write(`gemini-pool ${name}: ${scrub(error instanceof Error ? error.message : String(error))}\n`);
    process.exitCode = 1;
  }
}

/** The time in UTC as a part of a file's name: 20261125T105807Z. */
export function fileStamp(clock: Clock): string {
  return new Date(clock.wallMs()).toISOString().replaceAll(/[-:]|\.\d+/g, '');
}
