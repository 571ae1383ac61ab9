/**
 * The entry of the gateway process: configuration, writer, pool, workers, server, and what happens on signals. Reads as
 * the start-up sequence.
 */
import {
  type Config,
  ConfigError,
  configWarnings,
  parseConfig,
  readEnvironment,
  readSettingSources,
} from '../shared/config.ts';
import { limits } from '../shared/limits.ts';
import { makeLogger } from '../shared/log.ts';
import { adminRoutes } from './admin-routes.ts';
import { AdminSessions } from './admin-session.ts';
import { assemble } from './assemble.ts';
import { clientAddressBehind } from './client-address.ts';
import { Drain } from './drain.ts';
import { FrontServer } from './front-server.ts';
import { openApiRoute } from './openapi/openapi-document.ts';
import { panelRoutes } from './panel-routes.ts';
import { publicRoutes } from './public-routes.ts';

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

async function main(): Promise<void> {
  const config = loadConfig();
  const log = makeLogger('gateway', config.logLevel);
  for (const warning of configWarnings(config, readEnvironment())) log.warn(warning);
  const sources = readSettingSources();
  const gateway = assemble(config, log, refuseStart);
  const sessions = new AdminSessions(config, gateway);
  const routes = [
    ...publicRoutes(gateway),
    ...adminRoutes(gateway, sessions),
    ...panelRoutes(gateway, sessions, sources),
  ];
  const server = new FrontServer({
    routes: [...routes, openApiRoute(routes)],
    corsOrigins: config.corsOrigins,
    clientAddress: clientAddressBehind(config.trustedProxies),
    nextId: gateway.nextId,
    closesConnections: () => gateway.isDraining || gateway.overload.closesConnections,
    log,
  });
  const drain = new Drain(gateway, server);
  process.on('SIGTERM', () => drain.begin('SIGTERM'));
  process.on('SIGINT', () => drain.begin('SIGINT'));

  gateway.writer.start();
  await Promise.all([gateway.writer.ready(), gateway.dispatch.start()]);
  // Told to stop before anything was served.
  if (gateway.isDraining) return;
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
