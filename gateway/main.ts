/**
 * The entry of the gateway process: configuration, writer, pool, workers, server, and what happens on signals. Reads as
 * the start-up sequence.
 */
import { systemClock } from '../shared/clock.ts';
import { type Config, ConfigError, configWarnings, parseConfig, readEnvironment } from '../shared/config.ts';
import { fingerprint, makeIdSource } from '../shared/ids.ts';
import { limits } from '../shared/limits.ts';
import { type Logger, makeLogger } from '../shared/log.ts';
import type { FromWorker } from '../shared/messages.ts';
import type { WorkerOptions } from '../shared/worker-options.ts';
import { adminRoutes } from './admin-routes.ts';
import { AdminSessions } from './admin-session.ts';
import { ClientKeys } from './client-keys.ts';
import { Dispatch } from './dispatch.ts';
import { Drain } from './drain.ts';
import { FrontServer } from './front-server.ts';
import type { Gateway } from './gateway.ts';
import { applyToPool, loadIntoPool } from './gemini-keys.ts';
import { KeyPool } from './key-pool.ts';
import { Metrics } from './metrics.ts';
import { ModelList } from './models.ts';
import { publicRoutes } from './public-routes.ts';
import { Relay } from './relay.ts';
import { Reports } from './reports.ts';
import { logRequest } from './request-log.ts';
import { UsageQueue } from './usage-queue.ts';
import { WriterLink } from './writer-link.ts';

/** Says in one line why the program can't run, and ends it. */
function refuseStart(message: string): never {
  process.stderr.write(`gemini-pool cannot start: ${message}\n`);
  process.exit(1);
}

function loadConfig(): Config {
  try {
    return parseConfig(readEnvironment());
  } catch (error) {
    if (error instanceof ConfigError) refuseStart(error.message);
    throw error;
  }
}

/** What the threads get of the configuration: none of its secrets. */
function workerOptions(config: Config): WorkerOptions {
  const { geminiBaseUrl, connectTimeoutMs, firstByteTimeoutMs, idleTimeoutMs, logLevel } = config;
  const { modelAliases, modelFallbacks, strictParameters, emptyAnswers, remoteMedia, googleMayStore } = config;
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
  };
}

/** Makes the parts and ties them to each other; nothing runs yet but the relay's sweep. */
function assemble(config: Config, log: Logger): Gateway {
  const clock = systemClock;
  const clientKeys = new ClientKeys();
  const pool = new KeyPool(clock);
  for (const key of config.geminiApiKeys)
    pool.add({ id: `env-${fingerprint(key).slice(0, 16)}`, key, source: 'environment' });

  const usage = new UsageQueue(clock, (seq, rows) => writer.sendRows(seq, rows));
  const storeOptions = {
    databasePath: config.databasePath,
    synchronous: config.sqliteSynchronous,
    encryptionKey: config.encryptionKey,
  };
  const writer = new WriterLink(storeOptions, log, {
    onReady: (state) => {
      clientKeys.load(state.clientKeys);
      loadIntoPool(state.geminiKeys, pool);
      usage.connect();
    },
    onGone: () => usage.disconnect(),
    onAck: (seq) => usage.ack(seq),
    onApplied: (command) => {
      clientKeys.apply(command);
      applyToPool(command, pool, models);
    },
    onFatal: refuseStart,
  });

  const dispatch = new Dispatch(config.workerThreads, workerOptions(config), log, {
    onMessage: (_slot, message) => receive(message, relay, models),
    onLost: (slot) => {
      relay.threadLost(slot);
      models.threadLost();
    },
  });
  const relay: Relay = new Relay(
    { clock, pool, dispatch, usage },
    {
      requestTimeoutMs: config.requestTimeoutMs,
      pingAfterMs: limits.pingAfterMs,
      onRow: (row) => {
        metrics.observe(row);
        logRequest(log, row);
      },
    },
  );
  const models = new ModelList(clock, pool, dispatch);
  const metrics = new Metrics({
    inFlight: () => relay.inFlight,
    keys: () => pool.counts(),
    rowsWaiting: () => usage.waiting,
    rowsCommitted: () => usage.committed,
    releasedUncommitted: () => usage.releasedUncommitted,
    writerRestarts: () => writer.restarts,
    workerRestarts: () => dispatch.restarts,
  });
  const reports = new Reports(config.databasePath, log);
  const nextId = makeIdSource(clock);
  return {
    config,
    log,
    clock,
    nextId,
    clientKeys,
    pool,
    dispatch,
    relay,
    models,
    usage,
    writer,
    reports,
    metrics,
    isDraining: false,
  };
}

function receive(message: FromWorker, relay: Relay, models: ModelList): void {
  if (message.t === 'ready') return;
  if (message.t === 'models') models.receive(message.id, { models: message.models });
  else if (message.t !== 'failed' || !models.receive(message.id, { error: message.error })) relay.receive(message);
}

async function main(): Promise<void> {
  const config = loadConfig();
  const log = makeLogger('gateway', config.logLevel);
  for (const warning of configWarnings(config)) log.warn(warning);
  const gateway = assemble(config, log);
  const sessions = new AdminSessions(config, gateway.clock, log);
  const server = new FrontServer({
    routes: [...publicRoutes(gateway), ...adminRoutes(gateway, sessions)],
    corsOrigins: config.corsOrigins,
    nextId: gateway.nextId,
    closesConnections: () => gateway.isDraining,
    log,
  });
  const drain = new Drain(gateway, server);
  process.on('SIGTERM', () => drain.begin('SIGTERM'));
  process.on('SIGINT', () => drain.begin('SIGINT'));

  gateway.writer.start();
  await Promise.all([gateway.writer.ready(), gateway.dispatch.start()]);
  const port = await server.listen(config.listen.host, config.listen.port).catch(async (error: Error) => {
    await gateway.writer.stop(limits.writerStopMsMax);
    return refuseStart(error.message);
  });
  if (gateway.pool.counts().total === 0)
    log.warn('there is no Gemini key: completions answer 503 until GEMINI_API_KEYS is set or keys are added');
  log.info(
    { host: config.listen.host, port, workers: config.workerThreads, keys: gateway.pool.counts().total },
    'listening',
  );
}

await main();
