/** Starts a simulator as a process of its own and talks to its control endpoints; for tests, the demo and the benches. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { entryUrl } from '../../shared/entry.ts';
import type { LogEntry, Project, Scenario, Stats } from './scenario.ts';

export { keyLabel } from './books.ts';

export interface SimulatorOptions {
  /** A free one when left out. */
  port?: number;
  /** Whether requests are kept for `log()`; true when left out. */
  log?: boolean;
}

export interface Simulator {
  /** Without a slash at its end; what a gateway takes as Gemini's base URL. */
  readonly url: string;
  readonly pid: number;
  readonly process: ChildProcess;
  /** Puts scenarios in force, in place of those before, or after them with `append`. */
  script(scenarios: readonly Scenario[], options?: { append?: boolean }): Promise<void>;
  /** Puts projects with quotas in force, in place of those before. */
  projects(projects: readonly Project[]): Promise<void>;
  /** Forgets scenarios, projects, log and counters, lets go all barriers, and sets the clock right. */
  reset(): Promise<void>;
  /** Requests above number `since`, oldest first. */
  log(since?: number): Promise<LogEntry[]>;
  setLogging(enabled: boolean): Promise<void>;
  stats(): Promise<Stats>;
  /** Opens a barrier; resolves with the number of requests that waited at it. */
  release(name: string): Promise<number>;
  /** Sets how far the clock of quotas and log is ahead. */
  setClockOffset(offsetMs: number): Promise<void>;
  /** Ends the process; safe to call again. */
  stop(): Promise<void>;
}

/** Resolves once the simulator listens; rejects with what it said when it ends before that. */
export async function startSimulator({ port = 0, log = true }: SimulatorOptions = {}): Promise<Simulator> {
  const child = spawnSimulator(port, log);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = `http://127.0.0.1:${await readyPort(child)}`;
  const call = <T>(path: string, body?: unknown): Promise<T> => request<T>(`${url}/__simulator/${path}`, body);
  return {
    url,
    pid: child.pid ?? 0,
    process: child,
    script: async (scenarios, { append = false } = {}) => call('script', { scenarios, append }),
    projects: async (projects) => call('script', { projects }),
    reset: async () => call('reset', {}),
    log: async (since = 0) => (await call<{ entries: LogEntry[] }>(`log?since=${since}`)).entries,
    setLogging: async (enabled) => call('log', { enabled }),
    stats: async () => call('stats'),
    release: async (name) => (await call<{ released: number }>(`release/${encodeURIComponent(name)}`, {})).released,
    setClockOffset: async (offsetMs) => call('clock', { offsetMs }),
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Runs the entry in the form that this code has: under tsx from sources, plainly once bundled. */
function spawnSimulator(port: number, log: boolean): ChildProcess {
  const isSource = import.meta.url.endsWith('.ts');
  const entry = fileURLToPath(entryUrl('bench/simulator/main'));
  const flags = ['--port', String(port), '--log', log ? 'on' : 'off', '--exit-with-parent'];
  return spawn(process.execPath, [...(isSource ? ['--import', import.meta.resolve('tsx')] : []), entry, ...flags], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}

function readyPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the simulator ended with code ${code} before it was ready`)));
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).once('line', (line) => {
      const { port }: { port: number } = JSON.parse(line);
      resolve(port);
    });
  });
}

async function request<T>(url: string, body: unknown): Promise<T> {
  const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  const response = await fetch(url, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`the simulator refused ${url}: ${text}`);
  return JSON.parse(text);
}
