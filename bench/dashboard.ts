/** The case `dashboard`: what the panel asks of the admin API, over a database of ten million requests. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../shared/clock.ts';
import { type CaseResult, type Figures, toSubject } from './figures.ts';
import { clientKeyId, fillDatabase, filledDays } from './filled-database.ts';

import { adminToken, startGateway } from './running-gateway.ts';
import { quantile } from './samples.ts';
import type { Stand } from './stand.ts';

const rows = 10_000_000;
/** Of a short run. */
const fewRows = 1_000_000;
const asksEach = 50;
const dayMs = 86_400_000;

export const dashboardAbout = 'the reports of the panel over ten million requests of three months, by HTTP';

export async function runDashboard(stand: Stand): Promise<CaseResult> {
  const folder = mkdtempSync(join(tmpdir(), 'gemini-pool-bench-'));
  const path = join(folder, 'gemini_pool.db');
  const count = stand.options.isShort ? fewRows : rows;
  try {
    const nowMs = systemClock.wallMs();
    const startedMs = performance.now();
    await fillDatabase(path, count, nowMs, () => undefined);
    const filled = {
      rows: count,
      fill_rows_per_second: count / ((performance.now() - startedMs) / 1000),
      database_mb: statSync(path).size / 1e6,
    };
    const answers = await askAll(folder, stand, nowMs);
    return {
      name: 'dashboard',
      about: dashboardAbout,
      unit: 'answer',
      rounds: 1,
      subjects: [toSubject('database', [filled]), ...answers.map(({ name, figures }) => toSubject(name, [figures]))],
      ratios: {},
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function askAll(
  folder: string,
  { simulator }: Stand,
  nowMs: number,
): Promise<{ name: string; figures: Figures }[]> {
  const startedMs = performance.now();
  const gateway = await startGateway({
    bundled: true,
    folder,
    env: { GEMINI_BASE_URL: simulator.url, RETENTION_DAYS: '0', MINUTE_RETENTION_DAYS: '0', HOUR_RETENTION_DAYS: '0' },
  });
  const start = { name: 'start on it', figures: { listening_ms: performance.now() - startedMs } };
  try {
    const token = await adminToken(gateway.url);
    const answers = [];
    for (const [name, query] of questions(nowMs)) {
      const times: number[] = [];
      for (let ask = 0; ask < asksEach; ask++) {
        const askedMs = performance.now();
        const answer = await fetch(`${gateway.url}/admin/api${query}`, {
          headers: { authorization: `Bearer ${token}` },
        });
        await answer.arrayBuffer();
        if (answer.status !== 200) throw new Error(`${query} answered ${answer.status}`);
        times.push(performance.now() - askedMs);
      }
      const first_ms = times[0] ?? 0;
      const sorted = Float64Array.from(times).sort();
      answers.push({ name, figures: { p50_ms: quantile(sorted, 0.5), p99_ms: quantile(sorted, 0.99), first_ms } });
    }
    return [start, ...answers];
  } finally {
    await gateway.stop();
  }
}

function questions(nowMs: number): [name: string, query: string][] {
  const back = (days: number): string => `from=${nowMs - days * dayMs}&to=${nowMs}`;
  const rareKey = clientKeyId(19);
  return [
    ['dashboard', '/dashboard'],
    ['series, a day by hour', `/usage/series?span=hour&${back(1)}`],
    ['series, a day by minute', `/usage/series?span=minute&${back(1)}`],
    ['series, 90 days', `/usage/series?span=day&${back(filledDays)}`],
    ['series, 30 days in Kolkata', `/usage/series?span=day&time_zone=Asia/Kolkata&${back(30)}`],
    ['series, 30 days by model', `/usage/series?span=day&group_by=model&${back(30)}`],
    [
      'series, 30 days of a key in Berlin',
      `/usage/series?span=day&time_zone=Europe/Berlin&client_key=${rareKey}&${back(30)}`,
    ],
    ['summary, a day', `/usage/summary?${back(1)}`],
    ['summary, 90 days', `/usage/summary?${back(filledDays)}`],
    ['requests, newest', '/requests?limit=50'],
    ['requests, failed', '/requests?limit=50&outcome=failed'],
    ['requests, of a rare key', `/requests?limit=50&client_key=${rareKey}`],
    ['requests, of a day a month ago', `/requests?limit=50&from=${nowMs - 31 * dayMs}&to=${nowMs - 30 * dayMs}`],
    ['requests, a text that is nowhere', '/requests?limit=50&query=nowhere'],
  ];
}
