/** Makes the parts of the gateway from its configuration and ties them to each other. */
import { totalmem } from 'node:os';
import { systemClock } from '../shared/clock.ts';
import type { Config } from '../shared/config.ts';
import { fingerprint, makeIdSource } from '../shared/ids.ts';
import { limits } from '../shared/limits.ts';
import type { Logger } from '../shared/log.ts';
import type { StoreOptions } from '../shared/messages.ts';
import type { UsageRow } from '../shared/rows.ts';
import type { WorkerOptions } from '../shared/worker-options.ts';
import { BodyMemory } from './body-memory.ts';
import { ClientKeys } from './client-keys.ts';
import { ClientLimits } from './client-limits/client-limits.ts';
import { Dispatch, type JobMessage } from './dispatch.ts';
import type { Gateway } from './gateway.ts';
import { LiveFigures } from './live-figures.ts';
import { type MetricSources, Metrics } from './metrics.ts';
import { ModelList } from './models.ts';
import { OverloadWatch } from './overload.ts';
import { Users } from './people/users.ts';
import { KeyPool } from './pool/key-pool.ts';
import type { ModelsJobs } from './pool/models-jobs.ts';
import { applyToPool, loadIntoPool } from './pool/pool-loading.ts';
import { makePoolParts } from './pool/pool-parts.ts';
import { knownQuotas } from './pool/pool-status.ts';
import { Prices } from './prices.ts';
import { Relay } from './relay.ts';
import { Reports } from './reports.ts';
import { logRequest } from './request-log.ts';
import { RetryBudget } from './retry-budget.ts';
import { UsageQueue } from './usage-queue.ts';
import { WriterLink } from './writer-link.ts';

/** What the threads get of the configuration: none of its secrets. */
function workerOptions(config: Config): WorkerOptions {
  const { geminiBaseUrl, connectTimeoutMs, firstByteTimeoutMs, idleTimeoutMs, logLevel } = config;
  const { modelAliases, modelFallbacks, strictParameters, emptyAnswers, remoteMedia, googleMayStore } = config;
  const { keyAffinity, resumeStreams } = config;
  return {
    geminiBaseUrl,
    connectTimeoutMs,
    firstByteTimeoutMs,
    idleTimeoutMs,
    logLevel,
    modelAliases,
    modelFallbacks,
    strictParameters,
    emptyAnswers,
    remoteMedia,
    googleMayStore,
    keyAffinity,
    resumeStreams,
  };
}

/** What the writer gets of the configuration. */
function storeOptions(config: Config): StoreOptions {
  return {
    databasePath: config.databasePath,
    synchronous: config.sqliteSynchronous,
    encryptionKey: config.encryptionKey,
    retention: {
      requestDays: config.retentionDays,
      minuteDays: config.minuteRetentionDays,
      hourDays: config.hourRetentionDays,
    },
  };
}

type MetricParts = Pick<
  Gateway,
  | 'clientLimits'
  | 'relay'
  | 'pool'
  | 'poolParts'
  | 'retries'
  | 'bodies'
  | 'overload'
  | 'usage'
  | 'writer'
  | 'dispatch'
  | 'clock'
>;

/** What `/metrics` asks when somebody scrapes. */
function metricSources(parts: MetricParts): MetricSources {
  const { clientLimits, relay, pool, poolParts, retries, bodies, overload, usage, writer, dispatch, clock } = parts;
  return {
    inFlight: () => relay.inFlight,
    keys: () => pool.counts(),
    quotas: () => knownQuotas(pool, clock),
    waitingForKeys: () => poolParts.line.length,
    retriesRefused: () => retries.refused,
    bodyBytes: () => bodies.bytes,
    shed: () => overload.shed,
    limited: () => clientLimits.refused,
    rowsWaiting: () => usage.waiting,
    rowsCommitted: () => usage.committed,
    releasedUncommitted: () => usage.releasedUncommitted,
    writerRestarts: () => writer.restarts,
    workerRestarts: () => dispatch.restarts,
  };
}

/** What is in memory as it is in the database. */
type Stored = Pick<Gateway, 'clientKeys' | 'clientLimits' | 'users' | 'pool' | 'prices' | 'usage' | 'clock'>;

function makeWriterLink(
  config: Config,
  log: Logger,
  { clientKeys, clientLimits, users, pool, prices, usage, clock }: Stored,
  models: () => ModelList,
  onFatal: (message: string) => void,
): WriterLink {
  return new WriterLink(storeOptions(config), log, {
    onReady: (state) => {
      clientKeys.load(state.clientKeys);
      clientLimits.restore(state.clientKeyUsage);
      users.load(state);
      loadIntoPool(state, pool, clock);
      prices.load(state.prices);
      usage.connect();
    },
    onGone: () => usage.disconnect(),
    onAck: (seq) => usage.ack(seq),
    onApplied: (command) => {
      clientKeys.apply(command);
      prices.apply(command);
      clientLimits.apply(command);
      users.apply(command);
      applyToPool(command, pool, models());
    },
    onFatal,
  });
}

/** The memory that the process may take: what its container grants, or what the machine has. */
function memoryLimitBytes(): number {
  const granted = process.constrainedMemory?.() ?? 0;
  return granted > 0 ? Math.min(granted, totalmem()) : totalmem();
}

/** Makes all parts; nothing runs yet but their timers. `onFatal`: the database can't be used, for a reason that waiting does not mend. */
export function assemble(config: Config, log: Logger, onFatal: (message: string) => void): Gateway {
  const clock = systemClock;
  const pool = new KeyPool(clock);
  for (const key of config.geminiApiKeys)
    pool.add({ id: `env-${fingerprint(key).slice(0, 16)}`, key, source: 'environment' });
  const usage = new UsageQueue(
    clock,
    (seq, rows) => writer.sendRows(seq, rows),
    (rows) => log.error({ rows }, 'too many usage rows wait for the database; new requests are refused'),
  );
  const stored: Stored = {
    clientKeys: new ClientKeys(clock),
    clientLimits: new ClientLimits(clock),
    users: new Users(),
    prices: new Prices(),
    pool,
    usage,
    clock,
  };
  const writer: WriterLink = makeWriterLink(config, log, stored, () => models, onFatal);
  const dispatch = new Dispatch(config.workerThreads, workerOptions(config), log, {
    onMessage: (_slot, message) => receive(message, relay, poolParts.jobs),
    onLost: (slot) => {
      relay.threadLost(slot);
      poolParts.jobs.threadLost(slot);
    },
  });
  const poolParts = makePoolParts(pool, {
    clock,
    log,
    dispatch,
    waitMs: config.keyWaitMs,
    save: (entries) => writer.command({ op: 'save_pool_state', entries, change: null }),
  });
  const models = new ModelList(clock, pool, poolParts.jobs);
  const retries = new RetryBudget(clock);
  const onRow = (row: UsageRow): void => {
    metrics.observe(row);
    figures.observe(row);
    logRequest(log, row);
  };
  const relay: Relay = new Relay(
    { clock, leases: { pool, line: poolParts.line, retries }, dispatch, usage, prices: stored.prices },
    { requestTimeoutMs: config.requestTimeoutMs, pingAfterMs: limits.pingAfterMs, onRow },
  );
  const memoryBytesMax = memoryLimitBytes();
  const bodies = new BodyMemory(Math.max(4 * config.maxBodyBytes, memoryBytesMax * limits.bodyMemoryShareMax));
  const overload = new OverloadWatch({
    clock,
    memoryBytesMax,
    inFlight: () => relay.inFlight,
    workersSilentMs: () => dispatch.heartbeat(clock.monotonicMs()),
  });
  const figures = new LiveFigures(clock);
  const parts = { ...stored, poolParts, retries, dispatch, relay, bodies, overload, writer };
  const metrics: Metrics = new Metrics(metricSources(parts));
  const reports = new Reports(config.databasePath, log);
  return { config, log, nextId: makeIdSource(clock), ...parts, models, reports, metrics, figures, isDraining: false };
}

function receive(message: JobMessage, relay: Relay, jobs: ModelsJobs): void {
  if (message.t === 'models' || message.t === 'models_failed') jobs.receive(message.id, message);
  else relay.receive(message);
}
