/** The live feed: connected while somebody is logged in, again after each loss, with what it said last in signals. */
import { computed, effect, signal } from '@preact/signals';
import type { LiveRequest, LiveRequests, LiveSnapshot } from '../../shared/admin-panel.ts';
import { isReachable, request } from './api.ts';
import { readEvents } from './event-stream.ts';
import { end, session } from './session.ts';

const historyMax = 120;
const requestsMax = 50;
const retryMs = [1_000, 2_000, 4_000, 8_000, 15_000];
/** Two snapshots come in this time; a feed that is silent for longer is dead, whatever the socket says. */
const silenceMsMax = 8_000;

export const snapshot = signal<LiveSnapshot | null>(null);
/** The snapshots of the last minutes, oldest first. */
export const history = signal<readonly LiveSnapshot[]>([]);
/** Requests that ended last, newest first. */
export const recentRequests = signal<readonly LiveRequest[]>([]);
/** When the next try to connect begins, in performance.now() milliseconds; null while connected or trying. */
export const nextTryMs = signal<number | null>(null);
export const isLive = signal(false);

let connection: AbortController | null = null;
let timer = 0;
let failures = 0;

/** Tries at once instead of waiting. */
export function retryNow(): void {
  clearTimeout(timer);
  if (session.value !== null) void connect();
}

// By the token: what else is learnt about a session is no reason to connect anew.
const token = computed(() => session.value?.token ?? null);

effect(() => {
  const hasSession = token.value !== null;
  connection?.abort();
  clearTimeout(timer);
  failures = 0;
  if (hasSession) {
    void connect();
  } else {
    snapshot.value = null;
    history.value = [];
    recentRequests.value = [];
  }
});
addEventListener('online', retryNow);

async function connect(): Promise<void> {
  connection?.abort();
  const own = new AbortController();
  connection = own;
  nextTryMs.value = null;
  let silence = 0;
  const listen = (): void => {
    clearTimeout(silence);
    silence = window.setTimeout(() => own.abort(), silenceMsMax);
  };
  try {
    listen();
    const answer = await request('GET', '/live', undefined, own.signal);
    if (answer.ok)
      await readEvents(answer, ({ event, data }) => {
        listen();
        receive(event, data);
      });
  } catch {
    // However it broke, it is tried again below.
  }
  clearTimeout(silence);
  if (connection !== own) return;
  isLive.value = false;
  if (session.value === null) return;
  isReachable.value = false;
  const delay = retryMs[Math.min(failures++, retryMs.length - 1)] ?? 1_000;
  nextTryMs.value = performance.now() + delay;
  timer = window.setTimeout(() => void connect(), delay);
}

function receive(event: string | undefined, data: string): void {
  if (event === 'session_over') {
    end('expired');
  } else if (event === 'snapshot') {
    const next: LiveSnapshot = JSON.parse(data);
    failures = 0;
    isLive.value = true;
    isReachable.value = true;
    snapshot.value = next;
    history.value = [...history.value.slice(1 - historyMax), next];
  } else if (event === 'requests') {
    const { requests }: LiveRequests = JSON.parse(data);
    const known = new Set(recentRequests.value.map(({ id }) => id));
    const fresh = requests.filter(({ id }) => !known.has(id)).reverse();
    recentRequests.value = [...fresh, ...recentRequests.value].slice(0, requestsMax);
  }
}
