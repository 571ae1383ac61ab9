/** The figures of `/metrics`, in Prometheus' text format. Other processes and threads report theirs over their ports. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { UsageRow } from '../shared/rows.ts';

/** Read when somebody scrapes, so that they cost nothing in between. */
export interface MetricSources {
  inFlight: () => number;
  keys: () => { total: number; enabled: number; leases: number };
  quotas: () => Iterable<{ owner: string; model: string; kind: string; limit: number; left: number }>;
  waitingForKeys: () => number;
  retriesRefused: () => number;
  bodyBytes: () => number;
  shed: () => Readonly<Record<string, number>>;
  limited: () => Readonly<Record<string, number>>;
  rowsWaiting: () => number;
  rowsCommitted: () => number;
  releasedUncommitted: () => number;
  writerRestarts: () => number;
  workerRestarts: () => number;
}

const secondsBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<'endpoint' | 'status' | 'termination'>;
  readonly #attempts: Counter<'outcome'>;
  readonly #tokens: Counter<'kind'>;
  readonly #duration: Histogram<'endpoint'>;
  readonly #firstToken: Histogram<'endpoint'>;

  constructor(sources: MetricSources) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#requests = new Counter({
      name: 'gemini_pool_requests_total',
      help: 'Client requests that reached a worker, by HTTP status and how they ended.',
      labelNames: ['endpoint', 'status', 'termination'],
      registers,
    });
    this.#attempts = new Counter({
      name: 'gemini_pool_attempts_total',
      help: 'Calls to Gemini, by what they said about their key.',
      labelNames: ['outcome'],
      registers,
    });
    this.#tokens = new Counter({
      name: 'gemini_pool_tokens_total',
      help: 'Tokens by kind: prompt (cached ones included), cached, tool_prompt, thoughts, output.',
      labelNames: ['kind'],
      registers,
    });
    this.#duration = new Histogram({
      name: 'gemini_pool_request_duration_seconds',
      help: 'From the arrival of a request to its whole answer.',
      labelNames: ['endpoint'],
      buckets: secondsBuckets,
      registers,
    });
    this.#firstToken = new Histogram({
      name: 'gemini_pool_first_token_seconds',
      help: 'From the arrival of a request to the first content of its answer.',
      labelNames: ['endpoint'],
      buckets: secondsBuckets,
      registers,
    });
    this.#readAtScrape(sources);
  }

  /** Counts a request that is over. */
  observe({ endpoint, status, termination, usage, durationMs, firstTokenMs, attempts }: UsageRow): void {
    this.#requests.inc({ endpoint, status, termination });
    this.#duration.observe({ endpoint }, durationMs / 1000);
    if (firstTokenMs !== null) this.#firstToken.observe({ endpoint }, firstTokenMs / 1000);
    for (const { reason } of attempts) this.#attempts.inc({ outcome: reason });
    this.#countTokens('prompt', usage.prompt);
    this.#countTokens('cached', usage.cached);
    this.#countTokens('tool_prompt', usage.toolPrompt);
    this.#countTokens('thoughts', usage.thoughts);
    this.#countTokens('output', usage.output);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** What others count. */
  #readAtScrape(sources: MetricSources): void {
    this.#gauge('gemini_pool_requests_in_flight', 'Requests in flight.', sources.inFlight);
    this.#gauge(
      'gemini_pool_gemini_keys',
      'Gemini keys in the configuration and the database.',
      () => sources.keys().total,
    );
    this.#gauge('gemini_pool_gemini_keys_enabled', 'Gemini keys that are in the pool.', () => sources.keys().enabled);
    this.#gauge('gemini_pool_leases', 'Leases of Gemini keys that are out.', () => sources.keys().leases);
    this.#gauge('gemini_pool_waiting_for_keys', 'Calls that wait for a Gemini key to be back.', sources.waitingForKeys);
    this.#gauge('gemini_pool_body_bytes', 'Bytes of request bodies in memory.', sources.bodyBytes);
    this.#counter(
      'gemini_pool_retries_refused_total',
      "Calls that were not made again, since Gemini's trouble was too common.",
      sources.retriesRefused,
    );
    this.#quotas(sources.quotas);
    this.#refusals(sources);
    this.#gauge('gemini_pool_rows_waiting', 'Usage rows that wait for their commit.', sources.rowsWaiting);
    this.#counter('gemini_pool_rows_committed_total', 'Usage rows committed.', sources.rowsCommitted);
    this.#counter(
      'gemini_pool_released_uncommitted_total',
      'Answers released before their row was committed, since the writer was late.',
      sources.releasedUncommitted,
    );
    this.#counter(
      'gemini_pool_writer_restarts_total',
      'Times the writer process was started again.',
      sources.writerRestarts,
    );
    this.#counter(
      'gemini_pool_worker_restarts_total',
      'Worker threads that died and were replaced.',
      sources.workerRestarts,
    );
  }

  #countTokens(kind: string, count: number): void {
    if (count > 0) this.#tokens.inc({ kind }, count);
  }

  /** The quotas of Google that are known, by project or key. */
  #quotas(read: MetricSources['quotas']): void {
    const labelNames = ['owner', 'model', 'quota'] as const;
    const registers = [this.#registry];
    const left = new Gauge({
      name: 'gemini_pool_quota_left',
      help: "What is left of a quota of Google's.",
      labelNames,
      registers,
    });
    new Gauge({
      name: 'gemini_pool_quota_limit',
      help: "A quota of Google's, as its errors told.",
      labelNames,
      registers,
      collect() {
        this.reset();
        left.reset();
        for (const { owner, model, kind: quota, ...figures } of read()) {
          this.set({ owner, model, quota }, figures.limit);
          left.set({ owner, model, quota }, figures.left);
        }
      },
    });
  }

  #refusals(sources: MetricSources): void {
    this.#byReason(
      'gemini_pool_shed_total',
      'Requests that were refused since the gateway had too much to do, by what was short.',
      sources.shed,
    );
    this.#byReason(
      'gemini_pool_limited_total',
      'Requests that were refused since their client key had reached a limit, by the limit.',
      sources.limited,
    );
  }

  #byReason(name: string, help: string, read: () => Readonly<Record<string, number>>): void {
    new Counter({
      name,
      help,
      labelNames: ['reason'],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [reason, count] of Object.entries(read())) this.inc({ reason }, count);
      },
    });
  }

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.set(read());
      },
    });
  }

  #counter(name: string, help: string, read: () => number): void {
    new Counter({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }
}
