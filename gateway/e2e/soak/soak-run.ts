/**
 * Minutes of everything at once: clients of all kinds, faults of Google's, and processes and threads that are killed. At
 * the end what must hold holds: rows for every answer that was seen whole, once; nothing left of any request; no key
 * blamed; memory and descriptors where they were. The seed draws what is asked and what goes wrong; when, the machine.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { residentBytes } from '../../../bench/cpu-time.ts';
import { adminToken, makeClientKey, type RunningGateway, startGateway } from '../../../bench/running-gateway.ts';
import { type Simulator, startSimulator } from '../../../bench/simulator/client.ts';
import type { GeminiKeyList } from '../../../shared/admin-gemini-keys.ts';
import { wrongSums } from '../../../workers/e2e/usage-rows.ts';
import { type Chance, chanceOf } from '../chance.ts';
import { eventually, expectQuiet, geminiKeys, metric, openDescriptors, readDatabase, writerPid } from '../harness.ts';
import { askOnce, type Seen } from './soak-clients.ts';
import { drawWeather, soakProjects } from './soak-faults.ts';

export interface SoakOptions {
  seconds: number;
  seed: number;
  clients: number;
  onProgress?: (text: string) => void;
}

export interface SoakFigures {
  requests: number;
  /** How they ended, by kind of client. */
  byKind: Record<string, Record<string, number>>;
  rows: number;
  gatewayKills: number;
  writerKills: number;
  /** Ends of the gateway by SIGTERM, under load. */
  gatewayRestarts: number;
  workerRestarts: number;
  residentMb: number;
  descriptors: number;
}

const weatherMs = 1_500;
const killMs = 2_500;
/** What the process may take at the end, whatever went through it. */
const residentBytesMax = 700 * 1024 * 1024;
/** Beside those of a gateway at rest: kept connections to the simulator. */
const descriptorsMore = 80;

export async function runSoak(options: SoakOptions): Promise<SoakFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'gemini-pool-soak-'));
  const simulator = await startSimulator();
  const soak = new Soak(folder, simulator, options);
  try {
    await soak.run();
    return await soak.check();
  } catch (error) {
    const again = `npm run test:soak -- --seed ${options.seed} --clients ${options.clients}`;
    throw new Error(`${error instanceof Error ? error.message : error}\n(${again})`, { cause: error });
  } finally {
    await soak.stop();
    await simulator.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

class Soak {
  readonly #folder: string;
  readonly #simulator: Simulator;
  readonly #options: SoakOptions;
  readonly #keys = geminiKeys(20);
  readonly #seen: Seen[] = [];
  readonly #deadlineMs: number;
  #gateway: RunningGateway | null = null;
  #isUp: Promise<unknown> = Promise.resolve();
  /** Lines of logs that only a bug writes. */
  readonly #bugs: string[] = [];
  #clientKey = '';
  #restDescriptors = 0;
  #workerRestarts = 0;
  #kills = { gateway: 0, writer: 0, restarts: 0 };

  constructor(folder: string, simulator: Simulator, options: SoakOptions) {
    this.#folder = folder;
    this.#simulator = simulator;
    this.#options = options;
    this.#deadlineMs = performance.now() + options.seconds * 1_000;
  }

  async stop(): Promise<void> {
    await this.#gateway?.stop();
  }

  async run(): Promise<void> {
    const { clients, seed } = this.#options;
    await this.#simulator.setLogging(false);
    await this.#simulator.projects(soakProjects(this.#keys));
    const gateway = await this.#launch();
    this.#clientKey = (await makeClientKey(gateway.url, await adminToken(gateway.url), 'soak')).key;
    await Promise.all([
      ...Array.from({ length: clients }, (_, n) => this.#client(chanceOf(seed + n * 7_919))),
      this.#weather(chanceOf(seed ^ 0x2545f491)),
      this.#killer(chanceOf(seed ^ 0x5bd1e995)),
    ]);
  }

  async #launch(): Promise<RunningGateway> {
    const gateway = await startGateway({
      folder: this.#folder,
      preload: new URL('../thread-killer.mjs', import.meta.url).href,
      onLine: (line) => {
        if (/unexpected error|unhandled|uncaught/i.test(line)) this.#bugs.push(line);
      },
      env: {
        GEMINI_API_KEYS: this.#keys.join(','),
        GEMINI_BASE_URL: this.#simulator.url,
        WORKER_THREADS: '2',
        UPSTREAM_IDLE_TIMEOUT_MS: '1500',
        RETENTION_DAYS: '0',
        DRAIN_TIMEOUT_MS: '2000',
      },
    });
    this.#gateway = gateway;
    this.#restDescriptors = openDescriptors(gateway.pid);
    return gateway;
  }

  get #isOver(): boolean {
    return performance.now() >= this.#deadlineMs;
  }

  async #client(chance: Chance): Promise<void> {
    while (!this.#isOver) {
      await this.#isUp;
      const gateway = this.#gateway;
      if (gateway !== null) this.#seen.push(await askOnce({ gateway, clientKey: this.#clientKey, chance }));
    }
  }

  async #weather(chance: Chance): Promise<void> {
    while (!this.#isOver) {
      const { name, scenarios } = drawWeather(this.#keys, chance);
      this.#options.onProgress?.(`${this.#seen.length} requests, weather: ${name}`);
      await this.#simulator.script(scenarios);
      await this.#pause(weatherMs);
    }
    await this.#simulator.script([]);
  }

  async #killer(chance: Chance): Promise<void> {
    for (;;) {
      await this.#pause(killMs * (0.5 + chance()));
      if (this.#isOver || this.#gateway === null) return;
      const roll = chance();
      const writer = writerPid(this.#gateway);
      if (roll < 0.3) await this.#endGateway(this.#gateway, 'SIGKILL');
      else if (roll < 0.4) await this.#endGateway(this.#gateway, 'SIGTERM');
      else if (writer !== null && roll < 0.8) {
        process.kill(writer, 'SIGKILL');
        this.#kills.writer++;
      } else if (writer !== null) await this.#freeze(writer);
    }
  }

  /** Ends the gateway and starts it again; told to end, it must do so with everything committed. */
  async #endGateway(gateway: RunningGateway, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    this.#kills[signal === 'SIGKILL' ? 'gateway' : 'restarts']++;
    this.#workerRestarts += await metric(gateway, 'gemini_pool_worker_restarts_total');
    gateway.process.kill(signal);
    this.#isUp = gateway.ended.then((how) => {
      assert.equal(how, signal === 'SIGKILL' ? signal : 0);
      return this.#launch();
    });
    await this.#isUp;
  }

  async #freeze(pid: number): Promise<void> {
    process.kill(pid, 'SIGSTOP');
    await this.#pause(800);
    try {
      process.kill(pid, 'SIGCONT');
    } catch {
      // The gateway was killed meanwhile, and its writer with it.
    }
  }

  #pause(ms: number): Promise<void> {
    const leftMs = Math.max(0, this.#deadlineMs - performance.now());
    return new Promise((resolve) => setTimeout(resolve, Math.min(ms, leftMs)));
  }

  /** What must hold once everybody has gone. */
  async check(): Promise<SoakFigures> {
    await this.#isUp;
    const gateway = this.#gateway;
    assert.ok(gateway !== null);
    await expectQuiet(gateway);
    for (const name of ['gemini_pool_waiting_for_keys', 'gemini_pool_body_bytes'])
      await eventually(`${name} is 0`, async () => (await metric(gateway, name)) === 0);
    await eventually('Gemini has no stream open', async () => (await this.#simulator.stats()).openStreams === 0);
    await this.#checkKeys(gateway);
    const residentMb = Math.round(residentBytes(gateway.pid) / 1024 / 1024);
    const descriptors = openDescriptors(gateway.pid);
    assert.ok(residentBytes(gateway.pid) < residentBytesMax, `the gateway takes ${residentMb} MB`);
    assert.ok(
      descriptors <= this.#restDescriptors + descriptorsMore,
      `${descriptors} descriptors are open, ${this.#restDescriptors} at rest`,
    );
    this.#workerRestarts += await metric(gateway, 'gemini_pool_worker_restarts_total');
    assert.equal(await gateway.stop(), 0, 'the gateway ends with everything committed');
    return { ...this.#checkRows(), residentMb, descriptors };
  }

  /** Nothing that clients did, and no trouble of Google's, costs a key its place. */
  async #checkKeys(gateway: RunningGateway): Promise<void> {
    const answer = await fetch(`${gateway.url}/admin/api/gemini-keys`, {
      headers: { authorization: `Bearer ${await adminToken(gateway.url)}` },
    });
    const { gemini_keys: keys }: GeminiKeyList = JSON.parse(await answer.text());
    assert.deepEqual(
      keys.filter(({ state }) => state !== 'enabled').map(({ disabled_reason: reason }) => reason),
      [],
    );
  }

  #checkRows(): Omit<SoakFigures, 'residentMb' | 'descriptors'> {
    assert.deepEqual(this.#bugs, []);
    assert.deepEqual(
      this.#seen.filter(({ wrong }) => wrong !== null),
      [],
      'what no client should ever see',
    );
    const whole = this.#seen.filter(({ how }) => how === 'whole');
    const { integrity, wrong, complete, rows } = readDatabase(this.#folder, (database) => ({
      integrity: database.pragma('integrity_check', { simple: true }),
      wrong: wrongSums(database),
      complete: new Set(
        database.prepare<[], string>("SELECT id FROM requests WHERE termination = 'complete'").pluck().all(),
      ),
      rows: database.prepare<[], number>('SELECT count(*) FROM requests').pluck().get() ?? 0,
    }));
    assert.equal(integrity, 'ok');
    assert.deepEqual(wrong, [], 'rows, rollups and totals disagree');
    assert.equal(new Set(whole.map(({ id }) => id)).size, whole.length, 'two answers share an id');
    const missing = whole.filter(({ id }) => !complete.has(id));
    assert.deepEqual(missing, [], 'answers that were seen whole have no row');
    const byKind: SoakFigures['byKind'] = {};
    for (const { kind, how } of this.#seen) {
      const counts = byKind[kind] ?? {};
      byKind[kind] = counts;
      counts[how] = (counts[how] ?? 0) + 1;
    }
    const { gateway: gatewayKills, writer: writerKills, restarts: gatewayRestarts } = this.#kills;
    const { length: requests } = this.#seen;
    return { requests, byKind, rows, gatewayKills, writerKills, gatewayRestarts, workerRestarts: this.#workerRestarts };
  }
}
