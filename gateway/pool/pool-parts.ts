/** What stands around the pool and lives as long as it: the line of those who wait, probes, and what writes it down. */
import type { Clock } from '../../shared/clock.ts';
import type { Logger } from '../../shared/log.ts';
import type { PoolStateEntry } from '../../shared/pool-state.ts';
import type { Dispatch } from '../dispatch.ts';
import type { KeyPool } from './key-pool.ts';
import { KeyProbes } from './key-probes.ts';
import { LeaseLine } from './lease-line.ts';
import { ModelsJobs } from './models-jobs.ts';
import { PoolSaver } from './pool-saver.ts';

export interface PoolParts {
  readonly line: LeaseLine;
  readonly jobs: ModelsJobs;
  readonly probes: KeyProbes;
  readonly saver: PoolSaver;
}

interface Around {
  clock: Clock;
  log: Logger;
  dispatch: Dispatch;
  /** How long a call may wait for a key. */
  waitMs: number;
  /** Writes entries to the database; rejects when it can't. */
  save: (entries: PoolStateEntry[]) => Promise<unknown>;
}

export function makePoolParts(pool: KeyPool, { clock, log, dispatch, waitMs, save }: Around): PoolParts {
  const jobs = new ModelsJobs(dispatch);
  return {
    line: new LeaseLine(pool, clock, waitMs),
    jobs,
    probes: new KeyProbes(pool, jobs, clock, (keyId) => log.info({ keyId }, 'a Gemini key is back in the pool')),
    saver: new PoolSaver(pool, clock, save),
  };
}
