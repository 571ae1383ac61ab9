/** What the handlers of requests work with: the parts that `main.ts` makes once and that live as long as the process. */
import type { Clock } from '../shared/clock.ts';
import type { Config } from '../shared/config.ts';
import type { Logger } from '../shared/log.ts';
import type { BodyMemory } from './body-memory.ts';
import type { ClientKeys } from './client-keys.ts';
import type { ClientLimits } from './client-limits/client-limits.ts';
import type { Dispatch } from './dispatch.ts';
import type { LiveFigures } from './live-figures.ts';
import type { Metrics } from './metrics.ts';
import type { ModelList } from './models.ts';
import type { OverloadWatch } from './overload.ts';
import type { Users } from './people/users.ts';
import type { KeyPool } from './pool/key-pool.ts';
import type { PoolParts } from './pool/pool-parts.ts';
import type { Prices } from './prices.ts';
import type { Relay } from './relay.ts';
import type { Reports } from './reports.ts';
import type { RetryBudget } from './retry-budget.ts';
import type { UsageQueue } from './usage-queue.ts';
import type { WriterLink } from './writer-link.ts';

export interface Gateway {
  readonly config: Config;
  readonly log: Logger;
  readonly clock: Clock;
  readonly nextId: () => string;
  readonly clientKeys: ClientKeys;
  readonly clientLimits: ClientLimits;
  readonly users: Users;
  readonly pool: KeyPool;
  readonly poolParts: PoolParts;
  readonly retries: RetryBudget;
  readonly dispatch: Dispatch;
  readonly relay: Relay;
  readonly bodies: BodyMemory;
  readonly overload: OverloadWatch;
  readonly models: ModelList;
  readonly usage: UsageQueue;
  readonly prices: Prices;
  readonly writer: WriterLink;
  readonly reports: Reports;
  readonly metrics: Metrics;
  readonly figures: LiveFigures;
  /** Set once a stop has begun: new requests are refused. */
  isDraining: boolean;
}
