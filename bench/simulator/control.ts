/** The control endpoints, below `/__simulator/`: what tests set and read. */
import type { Barriers } from './barriers.ts';
import type { Books } from './books.ts';
import { isRecord } from './gemini-request.ts';
import type { Quotas } from './quotas.ts';
import type { Script } from './scenario.ts';
import { readScript } from './script-fields.ts';
import type { ScriptStore } from './script-store.ts';

export interface ControlTools {
  books: Books;
  barriers: Barriers;
  script: ScriptStore;
  quotas: Quotas;
  /** Sets how far the simulator's clock is ahead of the process's. */
  setClockOffset: (offsetMs: number) => void;
}

export interface ControlReply {
  status: number;
  body: unknown;
}

export const controlPrefix = '/__simulator/';

/** Puts a script in force. */
export function applyScript({ scenarios, projects, append = false }: Script, { script, quotas }: ControlTools): void {
  if (scenarios !== undefined) script.set(scenarios, append);
  if (projects !== undefined) quotas.set(projects, append);
}

/** Answers a control request; what is wrong with one comes back as a 400 with a sentence. */
export function control(
  httpMethod: string,
  path: string,
  query: string,
  body: string,
  tools: ControlTools,
): ControlReply {
  const name = path.slice(controlPrefix.length);
  try {
    const value: unknown = body === '' ? {} : JSON.parse(body);
    return httpMethod === 'post' ? post(name, value, tools) : get(name, query, tools);
  } catch (error) {
    return { status: 400, body: { error: error instanceof Error ? error.message : String(error) } };
  }
}

function post(name: string, value: unknown, tools: ControlTools): ControlReply {
  const { books, barriers, script, quotas, setClockOffset } = tools;
  if (name.startsWith('release/')) return ok({ released: barriers.release(decodeURIComponent(name.slice(8))) });
  switch (name) {
    case 'script':
      applyScript(readScript(value), tools);
      return ok({});
    case 'reset':
      script.reset();
      quotas.reset();
      barriers.reset();
      books.reset();
      setClockOffset(0);
      return ok({});
    case 'log':
      if (!isRecord(value) || typeof value['enabled'] !== 'boolean') throw new Error('enabled must be true or false');
      books.isLogging = value['enabled'];
      return ok({});
    case 'clock':
      if (!isRecord(value) || typeof value['offsetMs'] !== 'number') throw new Error('offsetMs must be a number');
      setClockOffset(value['offsetMs']);
      return ok({});
    default:
      return unknownEndpoint;
  }
}

function get(name: string, query: string, { books, barriers }: ControlTools): ControlReply {
  switch (name) {
    case 'log':
      return ok({ entries: books.logSince(Number(new URLSearchParams(query).get('since') ?? '0')) });
    case 'stats':
      return ok(books.stats(barriers.held()));
    default:
      return unknownEndpoint;
  }
}

const unknownEndpoint: ControlReply = { status: 404, body: { error: 'The simulator has no such control endpoint.' } };

function ok(body: unknown): ControlReply {
  return { status: 200, body };
}
