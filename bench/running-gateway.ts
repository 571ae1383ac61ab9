/** A gateway of its own for a bench, a test or the demo: started as users start it, on a free port, with a client key. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { entryUrl } from '../shared/entry.ts';
import { pinnedTo } from './pinning.ts';

export interface GatewayOptions {
  /** Environment of the gateway, on top of what this file sets. */
  env?: Record<string, string>;
  /** Where the database lies; a new temporary folder, removed at the end, when left out. */
  folder?: string;
  /** Run the bundle in `dist/`, or in the folder named, instead of the sources. */
  bundled?: boolean | string;
  /** URL of a module that is loaded ahead of the gateway's own code, in all of its threads. */
  preload?: string;
  /** Further arguments for node. */
  nodeArguments?: readonly string[];
  /** The CPUs that it may run on, as `taskset` takes them; all when left out. */
  cpus?: string | undefined;
  /** Gets every line of the gateway's log. */
  onLine?: (line: string) => void;
  /** Once it listens, its log is read and thrown away: a line a request would cost the load generator time. */
  forgetsLog?: boolean;
}

export interface RunningGateway {
  readonly pid: number;
  readonly port: number;
  /** Without a slash at its end. */
  readonly url: string;
  readonly folder: string;
  readonly process: ChildProcess;
  /** Resolves with the exit code, or the signal's name, once the process has ended. */
  readonly ended: Promise<number | string>;
  /** All lines logged so far. */
  readonly lines: readonly string[];
  /** SIGTERM, then waits for the end. */
  stop(): Promise<number | string>;
}

export const adminPassword = 'a long password for machines';
/** Flags of node with which `npm start`, the image and the service start the gateway; see `workerYoungMbMax` in dispatch.ts. */
export const startFlags: readonly string[] = ['--max-semi-space-size=16'];
/** A gateway that has not said by then that it listens never will: it hangs, or its log level hides the line. */
const startMsMax = 60_000;

/** Starts a gateway and resolves once it listens; rejects with what it said when it ends before that. */
export async function startGateway(options: GatewayOptions = {}): Promise<RunningGateway> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'gemini-pool-'));
  const pinned = pinnedTo(options.cpus, [process.execPath, ...gatewayArguments(options)]);
  const child = spawn(pinned.command, pinned.commandArguments, {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      LISTEN_ADDR: '127.0.0.1:0',
      DATABASE_URL: `sqlite:${join(folder, 'gemini_pool.db')}`,
      ADMIN_PASSWORD: adminPassword,
      JWT_SECRET: 'only-for-tests-only-for-tests-only-for-tests',
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const ended = new Promise<number | string>((resolve) =>
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown')),
  );
  const log = createInterface({ input: child.stdout });
  const port = await new Promise<number>((resolve, reject) => {
    const late = setTimeout(() => child.kill('SIGKILL'), startMsMax);
    const take = (line: string): void => {
      lines.push(line);
      options.onLine?.(line);
      const listening = line.includes('"listening"') ? /"port":(\d+)/.exec(line)?.[1] : undefined;
      if (listening === undefined) return;
      clearTimeout(late);
      resolve(Number(listening));
    };
    log.on('line', take);
    createInterface({ input: child.stderr }).on('line', take);
    void ended.then((code) => {
      clearTimeout(late);
      reject(new Error(`the gateway ended with ${code} before it said that it listens:\n${lines.join('\n')}`));
    });
  });
  if (options.forgetsLog) {
    log.close();
    child.stdout.resume();
  }
  return {
    pid: child.pid ?? 0,
    port,
    url: `http://127.0.0.1:${port}`,
    folder,
    process: child,
    ended,
    lines,
    stop: async () => {
      child.kill('SIGTERM');
      const how = await ended;
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
      return how;
    },
  };
}

function gatewayArguments({ bundled = false, preload, nodeArguments = [] }: GatewayOptions): string[] {
  const before = [...startFlags, ...nodeArguments, ...(preload === undefined ? [] : ['--import', preload])];
  const source = fileURLToPath(entryUrl('gateway/main'));
  if (source.endsWith('.js')) return [...before, source];
  if (!bundled) return ['--import', import.meta.resolve('tsx'), ...before, source];
  const dist = bundled === true ? fileURLToPath(new URL('../dist', import.meta.url)) : bundled;
  const bundle = join(dist, 'gateway', 'main.js');
  if (!existsSync(bundle)) throw new Error(`${dist} has no bundle: run npm run build first`);
  return [...before, bundle];
}

/** Logs in as the administrator that `startGateway` configured. */
export async function adminToken(url: string, username = 'admin', password = adminPassword): Promise<string> {
  const answer = await fetch(`${url}/admin/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password }),
  });
  return readString(await answer.json(), 'token');
}

/** Makes a client key through the admin API. */
export async function makeClientKey(url: string, token: string, name: string): Promise<{ id: string; key: string }> {
  const answer = await fetch(`${url}/admin/api/api-keys`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ key_name: name }),
  });
  const body: unknown = await answer.json();
  return { id: readString(body, 'id'), key: readString(body, 'api_key') };
}

function readString(value: unknown, field: string): string {
  if (typeof value === 'object' && value !== null && field in value) {
    const found: unknown = Reflect.get(value, field);
    if (typeof found === 'string') return found;
  }
  throw new Error(`no ${field} in the answer: ${JSON.stringify(value)}`);
}
