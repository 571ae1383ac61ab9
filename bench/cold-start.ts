/** The case `start`: from the spawn of the gateway to the moment that it says it listens. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CaseResult, type Figures, toSubject } from './figures.ts';
import { roundsOf } from './load-rounds.ts';
import { startGateway } from './running-gateway.ts';
import { benchKeys, type Stand } from './stand.ts';

const startsARound = 4;

export const coldStartAbout = 'from the start of the process to listening, without other load';

export async function runColdStart(stand: Stand): Promise<CaseResult> {
  const rounds = roundsOf(stand);
  const starts = stand.options.isShort ? 1 : startsARound;
  const fresh: Figures[] = [];
  const again: Figures[] = [];
  for (let start = 0; start < rounds * starts; start++) {
    const folder = mkdtempSync(join(tmpdir(), 'gemini-pool-bench-'));
    try {
      fresh.push(await timeStart(folder, stand));
      again.push(await timeStart(folder, stand));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return {
    name: 'start',
    about: coldStartAbout,
    unit: 'start',
    rounds: rounds * starts,
    subjects: [toSubject('new database', fresh), toSubject('database there', again)],
    ratios: {},
  };
}

async function timeStart(folder: string, { options, simulator }: Stand): Promise<Figures> {
  const startedMs = performance.now();
  const gateway = await startGateway({
    bundled: true,
    folder,
    cpus: options.cpus,
    env: {
      GEMINI_API_KEYS: benchKeys.join(','),
      GEMINI_BASE_URL: simulator.url,
      ...(options.threads === null ? {} : { WORKER_THREADS: String(options.threads) }),
    },
  });
  const listening_ms = performance.now() - startedMs;
  await gateway.stop();
  return { listening_ms };
}
