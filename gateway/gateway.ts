/** What the handlers of requests work with: the parts that `main.ts` makes once and that live as long as the process. */
import type { Clock } from '../shared/clock.ts';
import type { Config } from '../shared/config.ts';
import type { Logger } from '../shared/log.ts';
import type { ClientKeys } from './client-keys.ts';
import type { Dispatch } from './dispatch.ts';
import type { KeyPool } from './key-pool.ts';
import type { Metrics } from './metrics.ts';
import type { ModelList } from './models.ts';
import type { Relay } from './relay.ts';
import type { Reports } from './reports.ts';
import type { UsageQueue } from './usage-queue.ts';
import type { WriterLink } from './writer-link.ts';

export interface Gateway {
  readonly config: Config;
  readonly log: Logger;
  readonly clock: Clock;
  readonly nextId: () => string;
  readonly clientKeys: ClientKeys;
  readonly pool: KeyPool;
  readonly dispatch: Dispatch;
  readonly relay: Relay;
  readonly models: ModelList;
  readonly usage: UsageQueue;
  readonly writer: WriterLink;
  readonly reports: Reports;
  readonly metrics: Metrics;
  /** Set once a stop has begun: new requests are refused. */
  isDraining: boolean;
}
