/**
 * Random requests, aborts and kills against a gateway, and then every account compared with every other: what clients
 * saw, the simulator's log, rows, rollups and totals. The same seed asks the same; when who is killed in it is up to the
 * machine.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adminToken, makeClientKey, type RunningGateway, startGateway } from '../../bench/running-gateway.ts';
import { type Simulator, startSimulator } from '../../bench/simulator/client.ts';
import type { Scenario } from '../../bench/simulator/scenario.ts';
import { PriceBook } from '../../shared/pricing.ts';
import { wrongSums } from '../../workers/e2e/usage-rows.ts';
import { chanceOf } from './chance.ts';
import { eventually, geminiKeys, readDatabase, writerPid } from './harness.ts';

const models = {
  plain: 'gemini-3.8-flash',
  slow: 'gemini-3.5-flash-lite',
  cut: 'gemini-3.6-flash',
  failing: 'gemini-3.1-flash-lite',
  withoutUsage: 'gemini-2.5-flash',
  embeddings: 'gemini-embedding-001',
  madeUp: 'gemini-no-such-model',
};

const scenarios: Scenario[] = [
  { match: { model: models.slow }, chunks: 6, intervalMs: 4 },
  { match: { model: models.cut, method: 'streamGenerateContent' }, chunks: 6, cutAfterEvents: 3 },
  { match: { model: models.failing }, error: 'internal' },
  { match: { model: models.withoutUsage }, withoutUsage: true },
];

export interface ConsistencyOptions {
  requests: number;
  kills: number;
  clients: number;
  seed: number;
  onProgress?: (text: string) => void;
}

/** What was compared, for people. */
export interface ConsistencyFigures {
  requests: number;
  seenWhole: number;
  errors: number;
  aborted: number;
  lost: number;
  rows: number;
  gatewayKills: number;
  writerKills: number;
  calls: number;
}

interface Tokens {
  prompt: number;
  output: number;
}

/** One request as its client saw it. */
interface Seen {
  number: number;
  how: 'whole' | 'error' | 'aborted' | 'lost';
  id: string;
  model: string;
  tokens: Tokens | null;
}

interface StoredRow {
  id: string;
  status: number;
  termination: string;
  model: string;
  atMs: number;
  prompt: number;
  cached: number;
  toolPrompt: number;
  thoughts: number;
  output: number;
  estimated: number;
  costNano: number | null;
}

export async function runConsistency(options: ConsistencyOptions): Promise<ConsistencyFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'gemini-pool-consistency-'));
  const simulator = await startSimulator();
  const run = new Run(folder, simulator, options);
  try {
    await simulator.script(scenarios);
    await run.start();
    await run.ask();
    return await run.compare();
  } finally {
    await run.stop();
    await simulator.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

class Run {
  readonly #folder: string;
  readonly #simulator: Simulator;
  readonly #options: ConsistencyOptions;
  readonly #seen: Seen[] = [];
  /** By request's number, the tokens of its calls that the simulator answered to their end. */
  readonly #calls = new Map<number, Tokens[]>();
  #callCount = 0;
  /** The log is read from here on: calls before it have ended. */
  #logRead = 0;
  readonly #ended = new Set<number>();
  #gateway: RunningGateway | null = null;
  #isUp: Promise<void> = Promise.resolve();
  #key = '';
  #next = 0;
  #kills = { gateway: 0, writer: 0 };

  constructor(folder: string, simulator: Simulator, options: ConsistencyOptions) {
    this.#folder = folder;
    this.#simulator = simulator;
    this.#options = options;
  }

  async start(): Promise<void> {
    const gateway = await this.#launch();
    this.#key = (await makeClientKey(gateway.url, await adminToken(gateway.url), 'consistency')).key;
  }

  async stop(): Promise<void> {
    await this.#gateway?.stop();
  }

  async #launch(): Promise<RunningGateway> {
    this.#gateway = await startGateway({
      folder: this.#folder,
      env: {
        GEMINI_API_KEYS: geminiKeys(8).join(','),
        GEMINI_BASE_URL: this.#simulator.url,
        WORKER_THREADS: '1',
        RETENTION_DAYS: '0',
        MINUTE_RETENTION_DAYS: '0',
      },
    });
    return this.#gateway;
  }

  /** All requests, and the kills between them. */
  async ask(): Promise<void> {
    const { clients, requests, kills, seed } = this.#options;
    const killer = this.#killAlong(chanceOf(seed ^ 0x5bd1e995), requests / (kills + 1), kills);
    await Promise.all(Array.from({ length: clients }, () => this.#client()));
    await killer;
  }

  async #client(): Promise<void> {
    const { requests, seed } = this.#options;
    while (this.#next < requests) {
      const number = this.#next++;
      await this.#isUp;
      this.#seen.push(await this.#one(number, chanceOf(seed + number * 7_919)));
      if (number % 2_000 === 1_999) await this.#readLog();
    }
  }

  async #killAlong(chance: () => number, every: number, kills: number): Promise<void> {
    for (let kill = 1; kill <= kills; kill++) {
      await eventually(`requests before kill ${kill}`, () => this.#seen.length >= kill * every, 600_000);
      const gateway = this.#gateway;
      if (gateway === null) return;
      this.#options.onProgress?.(`${this.#seen.length} requests, kill ${kill} of ${kills}`);
      // In CI's few kills both have their turn.
      if (kill % 2 === 0 ? chance() < 0.8 : chance() < 0.2) {
        const pid = writerPid(gateway);
        if (pid !== null) process.kill(pid, 'SIGKILL');
        this.#kills.writer++;
      } else {
        this.#kills.gateway++;
        gateway.process.kill('SIGKILL');
        this.#isUp = gateway.ended.then(() => this.#launch()).then(() => undefined);
        await this.#isUp;
      }
    }
  }

  async #one(number: number, chance: () => number): Promise<Seen> {
    const { path, model, body, stream } = requestOf(number, chance);
    const leaves = chance() < 0.12;
    const abort = new AbortController();
    const timer = leaves ? setTimeout(() => abort.abort(), chance() * 40) : null;
    const seen: Seen = { number, how: 'lost', id: '', model, tokens: null };
    try {
      const answer = await fetch(`${this.#gateway?.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${this.#key}` },
        body: JSON.stringify(body),
        signal: abort.signal,
      });
      const text = await answer.text();
      seen.id = answer.headers.get('x-request-id') ?? '';
      if (answer.status !== 200) seen.how = 'error';
      else if (stream ? text.endsWith('data: [DONE]\n\n') : text.endsWith('}')) {
        seen.how = 'whole';
        seen.tokens = tokensIn(text, stream);
      }
    } catch {
      seen.how = abort.signal.aborted ? 'aborted' : 'lost';
    } finally {
      if (timer !== null) clearTimeout(timer);
    }
    return seen;
  }

  /** The simulator's log is bounded: it is read as it grows. What has not ended yet is read again. */
  async #readLog(): Promise<void> {
    const entries = await this.#simulator.log(this.#logRead);
    this.#logRead = (entries.find(({ outcome }) => outcome === 'open') ?? entries.at(-1))?.seq ?? this.#logRead + 1;
    this.#logRead -= 1;
    for (const { seq, body, status, outcome, usage } of entries) {
      if (outcome === 'open' || this.#ended.has(seq)) continue;
      this.#ended.add(seq);
      this.#callCount++;
      const number = Number(/request (\d+) /.exec(JSON.stringify(body))?.[1] ?? -1);
      if (status !== 200 || outcome !== 'completed' || usage === null || number < 0) continue;
      const tokens = {
        prompt: (usage.promptTokenCount ?? 0) + (usage.toolUsePromptTokenCount ?? 0),
        output: (usage.candidatesTokenCount ?? 0) + (usage.thoughtsTokenCount ?? 0),
      };
      this.#calls.set(number, [...(this.#calls.get(number) ?? []), tokens]);
    }
  }

  async compare(): Promise<ConsistencyFigures> {
    assert.equal(await this.#gateway?.stop(), 0, 'the gateway ends with everything committed');
    await this.#readLog();
    const { rows, wrong, integrity } = readDatabase(this.#folder, (database) => ({
      integrity: database.pragma('integrity_check', { simple: true }),
      wrong: wrongSums(database),
      rows: new Map(
        database
          .prepare<[], StoredRow>(rowsSql)
          .all()
          .map((row) => [row.id, row]),
      ),
    }));
    assert.equal(integrity, 'ok');
    assert.deepEqual(wrong, [], 'rows, rollups and totals disagree');
    const whole = this.#seen.filter(({ how }) => how === 'whole');
    assert.equal(new Set(whole.map(({ id }) => id)).size, whole.length, 'two answers share an id');
    for (const seen of whole) this.#compareOne(seen, rows.get(seen.id));
    const count = (how: Seen['how']): number => this.#seen.filter((seen) => seen.how === how).length;
    return {
      requests: this.#seen.length,
      seenWhole: whole.length,
      errors: count('error'),
      aborted: count('aborted'),
      lost: count('lost'),
      rows: rows.size,
      gatewayKills: this.#kills.gateway,
      writerKills: this.#kills.writer,
      calls: this.#callCount,
    };
  }

  #compareOne({ number, id, model, tokens }: Seen, row: StoredRow | undefined): void {
    const which = `request ${number} (${model}, ${id})`;
    assert.ok(row !== undefined, `${which} was seen whole and has no row`);
    assert.deepEqual([row.status, row.termination, row.model], [200, 'complete', model], which);
    const stored = { prompt: row.prompt + row.toolPrompt, output: row.output + row.thoughts };
    assert.deepEqual(stored, tokens, `${which}: the row differs from what the client was told`);
    const { atMs, prompt, cached, toolPrompt, thoughts, output } = row;
    const usage = { prompt, cached, toolPrompt, thoughts, output, estimated: row.estimated === 1 };
    const cost = book.costOf({ atMs, models: [model], usage, calls: 1 });
    assert.equal(row.costNano, cost, `${which}: the cost`);
    if (row.estimated === 1) return;
    assert.deepEqual(this.#calls.get(number), [stored], `${which}: the row differs from the simulator's log`);
  }
}

const book = new PriceBook();

interface Asked {
  path: string;
  model: string;
  body: object;
  stream: boolean;
}

function requestOf(number: number, chance: () => number): Asked {
  const text = `request ${number} ${'lorem '.repeat(Math.floor(chance() * 30))}`;
  const roll = chance();
  if (roll < 0.1)
    return {
      path: '/v1/embeddings',
      model: models.embeddings,
      body: { model: models.embeddings, input: [text, 'a second text'] },
      stream: false,
    };
  const stream = chance() < 0.5;
  const model = modelOf(roll);
  const messages = roll > 0.97 ? [] : [{ role: 'user', content: text }];
  return {
    path: '/v1/chat/completions',
    model,
    body: { model, messages, stream, ...(stream ? { stream_options: { include_usage: true } } : {}) },
    stream,
  };
}

function modelOf(roll: number): string {
  if (roll < 0.6) return models.plain;
  if (roll < 0.78) return models.slow;
  if (roll < 0.85) return models.cut;
  if (roll < 0.87) return models.failing;
  if (roll < 0.92) return models.withoutUsage;
  return roll < 0.95 ? models.madeUp : models.plain;
}

/** The usage that an answer tells. */
function tokensIn(text: string, stream: boolean): Tokens | null {
  const json = stream
    ? text
        .split('\n')
        .filter((line) => line.startsWith('data: {') && line.includes('"usage":{'))
        .at(-1)
        ?.slice(6)
    : text;
  const { usage }: { usage?: { prompt_tokens: number; completion_tokens?: number } } = JSON.parse(json ?? '{}');
  return usage === undefined ? null : { prompt: usage.prompt_tokens, output: usage.completion_tokens ?? 0 };
}

const rowsSql = `SELECT id, status, termination, model_served AS model, at_ms AS atMs, prompt_tokens AS prompt,
  cached_tokens AS cached, tool_prompt_tokens AS toolPrompt, thoughts_tokens AS thoughts, output_tokens AS output,
  tokens_estimated AS estimated, cost_nano AS costNano FROM requests`;
