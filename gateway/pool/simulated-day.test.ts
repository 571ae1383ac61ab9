/**
 * Days of a pool on free keys, simulated: more is asked than Google allows, and a scheduler that knows all limits from
 * the start could answer a certain part of it. The pool finds the limits out by itself, by Google's errors as they are
 * worded, and has to come as near.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Quotas } from '../../bench/simulator/quotas.ts';
import type { Project, Quota } from '../../bench/simulator/scenario.ts';
import { FakeClock } from '../../shared/clock.ts';
import { classifyStatus } from '../../workers/translation/upstream-error.ts';
import { chanceOf } from '../e2e/chance.ts';
import { KeyPool } from './key-pool.ts';
import { pacificDayOf } from './pacific-day.ts';

/** Of the free tier, as users reported them. */
const freeTier: Readonly<Record<string, Required<Quota>>> = {
  'gemini-3.5-flash-lite': { rpm: 15, rpd: 500, tpm: 250_000 },
  'gemini-3.8-flash': { rpm: 5, rpd: 20, tpm: 250_000 },
  'gemini-embedding-001': { rpm: 100, rpd: 1_000, tpm: 30_000 },
};
const models = Object.keys(freeTier);
const keyCount = 20;
const projectCount = 8;
const promptTokens = 200;
const attemptsMax = 10;
const dayMs = 24 * 3_600_000;

interface Day {
  /** Requests that came, were answered, and that Google refused, by model. */
  asked: Map<string, number>;
  answered: Map<string, number>;
  refused: number;
}

/** Runs `days` days from midnight in California; `tagged`: the operator has said which keys share a project. */
function simulate(seed: number, days: number, tagged: boolean): Day[] {
  const random = chanceOf(seed);
  const startMs = pacificDayOf(Date.parse('2026-11-25T20:00:00Z')).endMs;
  const clock = new FakeClock(startMs);
  const google = new Quotas(() => clock.wallMs());
  const pool = new KeyPool(clock);
  const projects = Array.from(
    { length: projectCount },
    (_, n): Project => ({ name: `p${n}`, keys: [], models: freeTier }),
  );
  for (let n = 0; n < keyCount; n++) {
    const key = `AIzaSimulated${String(n).padStart(26, '0')}`;
    const project = projects[n % projectCount];
    project?.keys.push(key);
    pool.add({ id: `k${n}`, key, source: 'environment' });
    if (tagged) pool.setProject(`k${n}`, project?.name ?? null, 'operator');
  }
  google.set(projects, false);
  const perDay = models.map((model) => 1.2 * projectCount * (freeTier[model]?.rpd ?? 0));
  const total = perDay.reduce((sum, rate) => sum + rate, 0);
  const result: Day[] = [];
  let nextMs = startMs;
  for (let number = 0; number < days; number++) {
    const day: Day = { asked: new Map(), answered: new Map(), refused: 0 };
    result.push(day);
    for (;;) {
      // Requests come as a Poisson process, each for a model by its share.
      if (nextMs >= startMs + (number + 1) * dayMs) break;
      clock.advance(nextMs - clock.wallMs());
      const model = pick(random() * total, perDay);
      count(day.asked, model);
      if (serve(pool, google, model, day)) count(day.answered, model);
      nextMs += (-Math.log(1 - random()) * dayMs) / total;
    }
  }
  return result;
}

/** The model whose part of the sum of all rates `at` lies in. */
function pick(at: number, rates: readonly number[]): string {
  let upTo = 0;
  for (const [index, rate] of rates.entries()) {
    upTo += rate;
    if (at < upTo) return models[index] ?? '';
  }
  return models.at(-1) ?? '';
}

/** One request as a worker makes it: another key after each refusal. */
function serve(pool: KeyPool, google: Quotas, model: string, day: Day): boolean {
  const tried = new Set<string>();
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const lease = pool.lease({ model, cost: { requests: 1, tokens: promptTokens }, tried, affinity: null });
    if (!lease.ok) return false;
    tried.add(lease.keyId);
    const refusal = google.charge(lease.key, model, 1, promptTokens);
    if (refusal === null) {
      pool.report(lease.leaseId, { kind: 'ok', promptTokens });
      return true;
    }
    day.refused++;
    pool.report(lease.leaseId, classifyStatus(refusal.status, refusal.body, 'application/json').outcome);
  }
  return false;
}

function count(counts: Map<string, number>, model: string): void {
  counts.set(model, (counts.get(model) ?? 0) + 1);
}

/** What a scheduler that knows all limits could have answered: at this demand the day's quotas are what bounds it. */
function best({ asked }: Day): number {
  let sum = 0;
  for (const [model, requests] of asked) sum += Math.min(requests, projectCount * (freeTier[model]?.rpd ?? 0));
  return sum;
}

function answered(day: Day): number {
  return [...day.answered.values()].reduce((sum, requests) => sum + requests, 0);
}

describe('a simulated day: 20 free keys in 8 projects, asked for a fifth more than they may give', () => {
  for (const seed of [1, 2, 3]) {
    test(`seed ${seed}: at least 98 % of what is possible, and after the first day no refusal`, () => {
      for (const [number, day] of simulate(seed, 4, true).entries()) {
        const share = answered(day) / best(day);
        assert.ok(share >= 0.98, `day ${number}: ${(share * 100).toFixed(2)} % of ${best(day)}`);
        if (number > 0) assert.equal(day.refused, 0, `refusals on day ${number}`);
      }
    });
  }

  test('nothing is lost when nobody has said which keys share a project, but Google has to say no more often', () => {
    for (const [number, day] of simulate(4, 3, false).entries()) {
      const share = answered(day) / best(day);
      assert.ok(share >= 0.98, `day ${number}: ${(share * 100).toFixed(2)} % of ${best(day)}`);
    }
  });
});
