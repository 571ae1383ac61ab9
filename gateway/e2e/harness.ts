/** Real processes for the end-to-end tests: the simulator of Gemini, a gateway in front of it, and the database as witness. */
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import OpenAI from 'openai';
import {
  adminToken,
  type GatewayOptions,
  makeClientKey,
  type RunningGateway,
  startGateway,
} from '../../bench/running-gateway.ts';
import { type Simulator, startSimulator } from '../../bench/simulator/client.ts';

export const testModel = 'gemini-3.8-flash';

/** Gemini keys for a test: any text in Google's form is valid to the simulator unless a script says otherwise. */
export function geminiKeys(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `AIzaTestKey${String(index).padStart(28, '0')}`);
}

export interface Stack {
  simulator: Simulator;
  gateway: RunningGateway;
  clientKey: string;
  clientKeyId: string;
  adminToken: string;
  openai: OpenAI;
  stop(): Promise<void>;
}

export interface StackOptions extends GatewayOptions {
  keys?: string[];
}

/** Starts a simulator and a gateway with `keys`, and makes a client key. The SDK does not retry unless a test asks for it. */
export async function startStack({ keys = geminiKeys(3), env = {}, ...options }: StackOptions = {}): Promise<Stack> {
  const simulator = await startSimulator();
  try {
    const gateway = await startGateway({
      ...options,
      env: {
        GEMINI_API_KEYS: keys.join(','),
        GEMINI_BASE_URL: simulator.url,
        WORKER_THREADS: '2',
        LOG_LEVEL: 'debug',
        ...env,
      },
    });
    const token = await adminToken(gateway.url);
    const { id, key } = await makeClientKey(gateway.url, token, 'tests');
    return {
      simulator,
      gateway,
      clientKey: key,
      clientKeyId: id,
      adminToken: token,
      openai: new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key, maxRetries: 0 }),
      stop: async () => {
        await gateway.stop();
        await simulator.stop();
      },
    };
  } catch (error) {
    await simulator.stop();
    throw error;
  }
}

/** A usage row as it lies in the database. */
export interface StoredRow {
  id: string;
  status: number;
  termination: string;
}

/** Reads from the gateway's database on a connection of its own. */
export function readDatabase<T>(folder: string, read: (database: Database.Database) => T): T {
  const database = new Database(join(folder, 'gemini_pool.db'), { readonly: true });
  try {
    return read(database);
  } finally {
    database.close();
  }
}

/** Sends bytes over a bare socket and resolves with all that comes back until the other side closes or `until` is seen. */
export function rawExchange(port: number, bytes: string | Buffer, until?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port });
    let received = '';
    socket.on('connect', () => socket.write(bytes));
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      if (until !== undefined && received.includes(until)) socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(received));
  });
}

/** Resolves once `check` holds, asking every few milliseconds; rejects with `what` when it does not hold in time. */
export async function eventually(
  what: string,
  check: () => boolean | Promise<boolean>,
  timeoutMs = 10_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The value of a figure of `/metrics`, over all labels unless `labels` names some. */
export async function metric(gateway: RunningGateway, name: string, labels = ''): Promise<number> {
  const text = await (await fetch(`${gateway.url}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter((line) => line.includes(labels))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** The pid of the gateway's writer process. */
export function writerPid(gateway: RunningGateway): number | null {
  const children = readFileSync(`/proc/${gateway.pid}/task/${gateway.pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean);
  return children[0] === undefined ? null : Number(children[0]);
}

/** What a client saw of one answer. */
export interface Seen {
  /** 0 when the connection was cut before there was one. */
  status: number;
  headers: Headers;
  text: string;
  /** The connection ended before the answer did: no client can take it for a whole one. */
  isCut: boolean;
}

/** Posts a completion and reads what comes, to its end or its cut. `body` is completed by model and messages. */
export async function complete(
  gateway: RunningGateway,
  clientKey: string,
  body: Record<string, unknown>,
  signal?: AbortSignal,
): Promise<Seen> {
  const seen: Seen = { status: 0, headers: new Headers(), text: '', isCut: false };
  try {
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${clientKey}` },
      body: JSON.stringify({ model: testModel, messages: [{ role: 'user', content: 'Hello' }], ...body }),
      ...(signal === undefined ? {} : { signal }),
    });
    seen.status = answer.status;
    seen.headers = answer.headers;
    const decoder = new TextDecoder();
    for await (const piece of answer.body ?? []) seen.text += decoder.decode(piece, { stream: true });
  } catch {
    seen.isCut = true;
  }
  return seen;
}

/** Nothing is left of any request: neither in flight, nor a lease, nor a row that waits. */
export async function expectQuiet(gateway: RunningGateway): Promise<void> {
  for (const name of ['gemini_pool_requests_in_flight', 'gemini_pool_leases', 'gemini_pool_rows_waiting'])
    await eventually(`${name} is 0`, async () => (await metric(gateway, name)) === 0);
}

/** File descriptors that a process has open. */
export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
