/**
 * G-4: the ends of days and months. Budgets and sums end with the day and the month of UTC, Google's quotas with the day in
 * California, which has 23 or 25 hours where the clocks are changed.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { adminToken } from '../../bench/running-gateway.ts';
import type { SeriesAnswer } from '../../shared/admin-usage.ts';
import { complete, eventually, expectQuiet, geminiKeys, type Seen, type Stack, startStack } from './harness.ts';

describe('G-4 the calendar', () => {
  let stack: Stack;

  before(async () => {
    stack = await startStack({
      keys: geminiKeys(1),
      preload: new URL('./clock-shifter.mjs', import.meta.url).href,
      env: { KEY_WAIT_MS: '0' },
    });
  });
  after(() => stack.stop());
  beforeEach(() => stack.simulator.reset());

  /** From now on the gateway's clock goes on from there. */
  const setClock = (iso: string): void =>
    writeFileSync(join(stack.gateway.folder, 'clock-offset'), String(Date.parse(iso) - Date.now()));

  async function admin(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    // Sessions end by the clock as well.
    const token = await adminToken(stack.gateway.url);
    const answer = await fetch(`${stack.gateway.url}/admin/api${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const value: Record<string, unknown> = JSON.parse(await answer.text());
    assert.equal(answer.status, 200, JSON.stringify(value));
    return value;
  }

  async function clientKey(limits: object): Promise<{ id: string; key: string }> {
    const { id, api_key } = await admin('POST', '/api-keys', { key_name: 'limited', limits });
    return { id: String(id), key: String(api_key) };
  }

  const ask = (key: string, model = 'gemini-3.8-flash'): Promise<Seen> => complete(stack.gateway, key, { model });

  /** Refused with `code` until that moment. */
  function assertRefusedUntil({ status, text, headers }: Seen, code: string, end: string, now: string): void {
    assert.equal(status, 429, text);
    assert.ok(text.includes(`"code":"${code}"`), text);
    const seconds = (Date.parse(end) - Date.parse(now)) / 1_000;
    const after = Number(headers.get('retry-after'));
    assert.ok(after <= seconds && after > seconds - 60, `retry after ${after} s, not ${seconds} s`);
  }

  test('G-4 budgets of a day end at midnight UTC, those of a month with the month', async () => {
    const [lastDays, lastDay, newMonth] = ['2027-01-30T23:00:00Z', '2027-01-31T23:00:00Z', '2027-02-01T00:00:01Z'];
    setClock(lastDays);
    const byDay = await clientKey({ tokens_per_day: 100 });
    const byMonth = await clientKey({ tokens_per_month: 100 });
    for (const { key } of [byDay, byMonth])
      await eventually('the budget is used up', async () => (await ask(key)).status === 429);
    assertRefusedUntil(await ask(byDay.key), 'insufficient_quota', '2027-01-31T00:00:00Z', lastDays);
    assertRefusedUntil(await ask(byMonth.key), 'insufficient_quota', '2027-02-01T00:00:00Z', lastDays);
    setClock(lastDay);
    assert.equal((await ask(byDay.key)).status, 200);
    assertRefusedUntil(await ask(byMonth.key), 'insufficient_quota', '2027-02-01T00:00:00Z', lastDay);
    setClock(newMonth);
    assert.equal((await ask(byMonth.key)).status, 200);
    await expectQuiet(stack.gateway);
  });

  test('G-4 each request is in the sums of its day, as UTC and as California count days', async () => {
    const { id, key } = await clientKey({});
    // Two on each side of midnight UTC and of midnight in California, over the end of a month.
    for (const iso of [
      '2027-02-28T23:59:30Z',
      '2027-03-01T00:00:10Z',
      '2027-03-01T07:59:30Z',
      '2027-03-01T08:00:10Z',
    ]) {
      setClock(iso);
      for (let i = 0; i < 2; i++) assert.equal((await ask(key)).status, 200);
    }
    await expectQuiet(stack.gateway);
    const days = async (zone: string): Promise<string[]> => {
      const range = 'from=2027-02-27T12:00:00Z&to=2027-03-02T12:00:00Z';
      const answer = await admin('GET', `/usage/series?span=day&client_key=${id}&time_zone=${zone}&${range}`);
      const { series }: SeriesAnswer = JSON.parse(JSON.stringify(answer));
      return series.flatMap(({ points }) =>
        points
          .filter(({ requests }) => requests > 0)
          .map(({ start, requests }) => `${new Date(start).toISOString()} ${requests}`),
      );
    };
    assert.deepEqual(await days('UTC'), ['2027-02-28T00:00:00.000Z 2', '2027-03-01T00:00:00.000Z 6']);
    assert.deepEqual(await days('America/Los_Angeles'), ['2027-02-28T08:00:00.000Z 6', '2027-03-01T08:00:00.000Z 2']);
  });

  for (const [what, model, now, end] of [
    ['a day of 24 hours', 'gemini-3.8-flash', '2027-01-31T23:30:00Z', '2027-02-01T08:00:00Z'],
    ['the day that loses an hour', 'gemini-3.6-flash', '2027-03-14T09:30:00Z', '2027-03-15T07:00:00Z'],
    ['the day that gains an hour', 'gemini-3.5-flash-lite', '2027-11-07T08:30:00Z', '2027-11-08T08:00:00Z'],
  ] as const)
    test(`G-4 a day quota of Google that is used up rests until midnight in California: ${what}`, async () => {
      setClock(now);
      const { key } = await clientKey({});
      await stack.simulator.script([{ match: { model }, error: { preset: 'rate_limit_day', retryDelay: '0.5s' } }]);
      const calls = async (): Promise<number> => (await stack.simulator.log()).length;
      // The stated delay is believed once; when the quota is used up after it as well, it is the day's.
      assert.equal((await ask(key, model)).status, 429);
      assert.equal(await calls(), 1);
      await eventually('Google was asked again', async () => {
        assert.equal((await ask(key, model)).status, 429);
        return (await calls()) === 2;
      });
      assertRefusedUntil(await ask(key, model), 'rate_limit_exceeded', end, now);
      assert.equal(await calls(), 2, 'Google is not asked any more');
    });
});
