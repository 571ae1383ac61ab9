/**
 * `GET /admin/api/live`: an event stream with a snapshot of the gateway each second and the requests that just ended.
 * One timer serves all who watch, and none runs while nobody does. A stream ends with its session.
 */
import type { LiveRequest, LiveRequests, LiveSnapshot } from '../shared/admin-panel.ts';
import { GatewayError } from '../shared/errors.ts';
import type { UsageRow, UsageTotals } from '../shared/rows.ts';
import type { AdminSessions } from './admin-session.ts';
import type { Call } from './call.ts';
import type { Downstream, Headers } from './downstream.ts';
import type { Gateway } from './gateway.ts';
import { healthOf } from './health.ts';
import { tokensOf } from './live-figures.ts';

const tickMs = 1_000;
/** Panels that may watch at once. */
const watchersMax = 64;
/** Requests that one event shows: more than that in a second nobody reads. */
const requestsPerTickMax = 25;
/** Between two looks at the totals in the database; in between they are counted on from it. */
const totalsMs = 10_000;
const restingMs = 3_000;
const firstRequests = 25;

const headers: Headers = [
  ['content-type', 'text/event-stream; charset=utf-8'],
  ['cache-control', 'no-store'],
  ['x-content-type-options', 'nosniff'],
  ['x-accel-buffering', 'no'],
];

export type LiveFeedParts = Pick<
  Gateway,
  | 'clock'
  | 'pool'
  | 'relay'
  | 'clientKeys'
  | 'reports'
  | 'figures'
  | 'writer'
  | 'dispatch'
  | 'usage'
  | 'overload'
  | 'isDraining'
>;

interface Watcher {
  readonly down: Downstream;
  readonly authorization: string;
  /** The socket has not taken what it was given: snapshots are left out until it has. */
  isBlocked: boolean;
}

export class LiveFeed {
  readonly #parts: LiveFeedParts;
  readonly #sessions: Pick<AdminSessions, 'verify'>;
  readonly #watchers = new Set<Watcher>();
  #timer: NodeJS.Timeout | null = null;
  #ended: UsageRow[] = [];
  #skipped = 0;
  /** As the database said, and what was counted at that time. */
  #totals = { requests: 0, tokens: 0, countedRequests: 0, countedTokens: 0, askedMs: Number.NEGATIVE_INFINITY };
  #isAsking = false;
  /** Keys that rest for some model: as costly to count as there are keys and models, so not each second. */
  #resting = { count: 0, countedMs: Number.NEGATIVE_INFINITY };

  constructor(parts: LiveFeedParts, sessions: Pick<AdminSessions, 'verify'>) {
    this.#parts = parts;
    this.#sessions = sessions;
  }

  /** Answers a call whose session holds; throws `overloaded` when too many watch already. */
  async watch({ down, authorization }: Call): Promise<void> {
    if (this.#watchers.size >= watchersMax)
      throw new GatewayError('overloaded', { message: `There are ${watchersMax} live feeds already; close some.` });
    const watcher: Watcher = { down, authorization, isBlocked: false };
    this.#watchers.add(watcher);
    down.whenGone(() => this.#leave(watcher));
    down.whenUnblocked(() => {
      watcher.isBlocked = false;
    });
    this.#start();
    await this.#refreshTotals();
    this.#send(watcher, this.#snapshotEvent());
    this.#send(watcher, this.#requestsEvent(this.#parts.figures.recentRows().slice(-firstRequests), 0));
  }

  #start(): void {
    if (this.#timer !== null) return;
    this.#timer = setInterval(() => this.#tick(), tickMs);
    this.#parts.figures.onRow = (row) => {
      if (this.#ended.length < requestsPerTickMax) this.#ended.push(row);
      else this.#skipped++;
    };
  }

  #leave(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    if (this.#watchers.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
    this.#parts.figures.onRow = null;
    this.#ended = [];
    this.#skipped = 0;
  }

  #tick(): void {
    for (const watcher of this.#watchers) this.#endIfOver(watcher);
    if (this.#watchers.size === 0) return;
    void this.#refreshTotals();
    let events = this.#snapshotEvent();
    if (this.#ended.length > 0) {
      events += this.#requestsEvent(this.#ended, this.#skipped);
      this.#ended = [];
      this.#skipped = 0;
    }
    for (const watcher of this.#watchers) if (!watcher.isBlocked) this.#send(watcher, events);
  }

  #endIfOver(watcher: Watcher): void {
    try {
      this.#sessions.verify(watcher.authorization);
    } catch {
      this.#leave(watcher);
      watcher.down.end(headers, 'event: session_over\ndata: {}\n\n');
    }
  }

  #send(watcher: Watcher, events: string): void {
    if (!watcher.down.write(headers, events)) watcher.isBlocked = true;
  }

  /** Asks the database for the totals when those in hand are old; what fails is asked again at the next turn. */
  async #refreshTotals(): Promise<void> {
    const { clock, reports, figures } = this.#parts;
    if (this.#isAsking || clock.monotonicMs() - this.#totals.askedMs < totalsMs) return;
    this.#isAsking = true;
    const { totalRequests: countedRequests, totalTokens: countedTokens } = figures;
    try {
      const { totals } = await reports.ask('totals');
      this.#totals = { ...sumOf(totals), countedRequests, countedTokens, askedMs: clock.monotonicMs() };
    } catch {
      // The snapshot goes on from the totals before; the health in it says what is wrong.
    } finally {
      this.#isAsking = false;
    }
  }

  #snapshotEvent(): string {
    const { clock, pool, relay, clientKeys, figures } = this.#parts;
    const now = figures.look();
    const { requests, tokens, countedRequests, countedTokens } = this.#totals;
    const keys = clientKeys.all();
    const { status, reasons } = healthOf(this.#parts);
    const { total, enabled } = pool.counts();
    const snapshot: LiveSnapshot = {
      at: new Date(clock.wallMs()).toISOString(),
      requests_per_second: now.requestsPerSecond,
      tokens_per_second: now.tokensPerSecond,
      in_flight: relay.inFlight,
      streams: relay.streams,
      success_rate: now.successRate,
      latency_ms: now.latencyMs,
      first_token_ms: now.firstTokenMs,
      errors_by_reason: now.errorsByReason,
      totals: {
        total_api_keys: keys.length,
        active_keys: keys.filter(({ isActive }) => isActive).length,
        total_requests: requests + figures.totalRequests - countedRequests,
        total_tokens: tokens + figures.totalTokens - countedTokens,
      },
      health: { status, problems: reasons },
      gemini_keys: { total, enabled, resting: this.#restingKeys() },
    };
    return event('snapshot', snapshot);
  }

  #restingKeys(): number {
    const { clock, pool } = this.#parts;
    if (clock.monotonicMs() - this.#resting.countedMs >= restingMs) {
      const nowMs = clock.monotonicMs();
      let count = 0;
      for (const { rests } of pool.keys()) if ([...rests.values()].some(({ untilMs }) => untilMs > nowMs)) count++;
      this.#resting = { count, countedMs: nowMs };
    }
    return this.#resting.count;
  }

  #requestsEvent(rows: readonly UsageRow[], skipped: number): string {
    return event('requests', {
      requests: rows.map((row) => this.#requestOf(row)),
      skipped,
    } satisfies LiveRequests);
  }

  #requestOf(row: UsageRow): LiveRequest {
    return {
      id: row.id,
      at: new Date(row.atMs).toISOString(),
      client_key_id: row.clientKeyId,
      client_key_name: this.#parts.clientKeys.get(row.clientKeyId)?.name ?? null,
      endpoint: row.endpoint,
      model_asked: row.modelAsked,
      model_served: row.modelServed,
      stream: row.stream,
      status: row.status,
      outcome:
        row.termination === 'complete' ? 'completed' : row.termination === 'client_gone' ? 'client_gone' : 'failed',
      error_code: row.errorCode,
      total_tokens: tokensOf(row),
      first_token_ms: row.firstTokenMs,
      duration_ms: row.durationMs,
      attempts: row.attempts.length,
    };
  }
}

function event(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

function sumOf({ requests, inputTokens, outputTokens }: UsageTotals): { requests: number; tokens: number } {
  return { requests, tokens: inputTokens + outputTokens };
}
