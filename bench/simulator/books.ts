/** What the simulator got and gave: counters, and a bounded log of requests. Keys appear only as labels. */
import { createHash } from 'node:crypto';
import type { LogEntry, Outcome, Stats, Usage } from './scenario.ts';

const entriesMax = 20_000;
const bodyCharsMax = 64 * 1024 * 1024;

/** A request on its way; also its line in the log. */
export interface RequestRecord {
  seq: number;
  at: number;
  key: string;
  method: string;
  model: string;
  path: string;
  body: string;
  status: number;
  error: string | null;
  outcome: Outcome;
  events: number;
  usage: Usage | null;
  isStream: boolean;
  isPaused: boolean;
}

const labels = new Map<string, string>();

/** A key as the log and the counters show it: its last six characters and a fingerprint. */
export function keyLabel(key: string): string {
  const known = labels.get(key);
  if (known !== undefined) return known;
  const fingerprint = createHash('sha256').update(key).digest('hex').slice(0, 12);
  const label = key === '' ? '(none)' : `…${key.slice(-6)}#${fingerprint}`;
  if (labels.size > 10_000) labels.clear();
  labels.set(key, label);
  return label;
}

export class Books {
  isLogging = true;
  readonly #clock: () => number;
  readonly #answers = new Map<string, Map<string, Map<number, number>>>();
  #log: RequestRecord[] = [];
  #logBodyChars = 0;
  #requests = 0;
  #open = 0;
  #openStreams = 0;
  #openStreamsPeak = 0;
  #paused = 0;
  #pausedEver = 0;
  #aborted = 0;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  open(key: string, method: string, model: string, path: string, body: string): RequestRecord {
    const record: RequestRecord = {
      seq: ++this.#requests,
      at: this.#clock(),
      key,
      method,
      model,
      path,
      body,
      status: 0,
      error: null,
      outcome: 'open',
      events: 0,
      usage: null,
      isStream: false,
      isPaused: false,
    };
    this.#open++;
    if (this.isLogging) this.#keep(record);
    return record;
  }

  /** A stream's headers go out. */
  streaming(record: RequestRecord): void {
    record.isStream = true;
    this.#openStreams++;
    if (this.#openStreams > this.#openStreamsPeak) this.#openStreamsPeak = this.#openStreams;
  }

  paused(record: RequestRecord, isPaused: boolean): void {
    if (record.isPaused === isPaused) return;
    record.isPaused = isPaused;
    this.#paused += isPaused ? 1 : -1;
    if (isPaused) this.#pausedEver++;
  }

  close(record: RequestRecord, outcome: Exclude<Outcome, 'open'>): void {
    if (record.outcome !== 'open') return;
    record.outcome = outcome;
    this.#open--;
    if (record.isStream) this.#openStreams--;
    this.paused(record, false);
    if (outcome === 'aborted') this.#aborted++;
    this.#count(record);
  }

  /** Log lines whose number is above `since`. */
  logSince(since: number): LogEntry[] {
    return this.#log
      .filter(({ seq }) => seq > since)
      .map(({ seq, at, key, method, model, path, body, status, error, outcome, events, usage }) => ({
        seq,
        at,
        key: keyLabel(key),
        method,
        model,
        path,
        body: parsed(body),
        status,
        ...(error === null ? {} : { error }),
        outcome,
        events,
        usage,
      }));
  }

  stats(held: Record<string, number>): Stats {
    const answers = [...this.#answers].flatMap(([key, byModel]) =>
      [...byModel].flatMap(([model, byStatus]) =>
        [...byStatus].map(([status, count]) => ({ key: keyLabel(key), model, status, count })),
      ),
    );
    return {
      requests: this.#requests,
      open: this.#open,
      openStreams: this.#openStreams,
      openStreamsPeak: this.#openStreamsPeak,
      paused: this.#paused,
      pausedEver: this.#pausedEver,
      aborted: this.#aborted,
      held,
      answers,
    };
  }

  /** Forgets the past; requests that are open stay counted as such. Numbers of requests go on. */
  reset(): void {
    this.#log = [];
    this.#logBodyChars = 0;
    this.#answers.clear();
    this.#openStreamsPeak = this.#openStreams;
    this.#pausedEver = this.#paused;
    this.#aborted = 0;
  }

  #keep(record: RequestRecord): void {
    this.#log.push(record);
    this.#logBodyChars += record.body.length;
    if (this.#log.length <= entriesMax && this.#logBodyChars <= bodyCharsMax) return;
    // Half at a time: dropping one by one would move the whole array for each request.
    const dropped = this.#log.splice(0, Math.ceil(this.#log.length / 2));
    for (const { body } of dropped) this.#logBodyChars -= body.length;
  }

  #count({ key, model, status }: RequestRecord): void {
    const byModel = this.#answers.get(key) ?? new Map<string, Map<number, number>>();
    this.#answers.set(key, byModel);
    const byStatus = byModel.get(model) ?? new Map<number, number>();
    byModel.set(model, byStatus);
    byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
  }
}

function parsed(body: string): unknown {
  if (body === '') return null;
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
