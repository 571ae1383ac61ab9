/**
 * The graceful end: no new connections, what is in flight may finish within a deadline, every row is committed, exit 0.
 * A second signal ends the wait, never the commit.
 */
import { limits } from '../shared/limits.ts';
import type { FrontServer } from './front-server.ts';
import type { Gateway } from './gateway.ts';

/** How often it is looked whether all is done that is waited for. */
const checkMs = 20;

export class Drain {
  readonly #gateway: Gateway;
  readonly #server: FrontServer;
  #hurry: (() => void) | null = null;

  constructor(gateway: Gateway, server: FrontServer) {
    this.#gateway = gateway;
    this.#server = server;
  }

  /** Begins the end, or hurries one that has begun. */
  begin(signal: string): void {
    const { log, relay, config } = this.#gateway;
    if (this.#gateway.isDraining) {
      log.info({ signal }, 'told again: requests in flight are ended now');
      this.#hurry?.();
      return;
    }
    this.#gateway.isDraining = true;
    log.info({ signal, inFlight: relay.inFlight, deadlineMs: config.drainTimeoutMs }, 'shutting down');
    void this.#run();
  }

  async #run(): Promise<void> {
    const { relay, dispatch, bodies, usage, writer, reports, poolParts, overload, log, config } = this.#gateway;
    await this.#server.stopAccepting();
    const deadline = this.#deadline(config.drainTimeoutMs);
    // Requests whose bodies are still coming were admitted too.
    await Promise.race([until(() => bodies.requests === 0), deadline]);
    relay.expireAll('shutting_down', 'drained');
    // The workers still owe the usage of what was cut.
    await Promise.race([relay.idle(), wait(limits.workerStopMsMax)]);
    const lost = await usage.drained(limits.writerStopMsMax);
    if (lost > 0) log.error({ rows: lost }, 'rows could not be committed before the end');
    relay.close();
    // Every client takes the whole of its answer.
    await Promise.race([until(() => this.#server.unsentAnswers === 0), deadline]);
    // Answers that close their connection go out a turn later, and what was just written is given a moment to leave.
    await wait(limits.cutGraceMs);
    this.#server.close();
    await Promise.race([dispatch.stop(), wait(limits.workerStopMsMax)]);
    await reports.stop();
    overload.stop();
    poolParts.probes.stop();
    await poolParts.saver.stop();
    await writer.stop(limits.writerStopMsMax);
    log.info('stopped');
    const exit = (): void => process.exit(lost > 0 ? 1 : 0);
    log.flush(exit);
    // Where the log can't be written, nobody calls back.
    setTimeout(exit, limits.logFlushMsMax);
  }

  #deadline(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await wait(checkMs);
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
