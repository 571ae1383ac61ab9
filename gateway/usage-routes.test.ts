/** Usage over the admin API, on a real database: sums in any time zone, pages, filters, and files that stream. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RequestList, SeriesAnswer, SummaryAnswer } from '../shared/admin-usage.ts';
import type { UsageRow } from '../shared/rows.ts';
import { makeRow } from '../workers/e2e/usage-rows.ts';
import { AdminStand, refusal } from './e2e/admin-stand.ts';

const admin = new AdminStand();
const at = (iso: string): number => Date.parse(iso);

/** Ids as the gateway makes them, of the time of the row. */
function row(iso: string, number: number, changes: Partial<UsageRow> = {}): UsageRow {
  const id = at(iso).toString(16).padStart(12, '0') + String(number).padStart(20, '0');
  return makeRow({ id, atMs: at(iso), clientKeyId: 'c1', geminiKeyId: 'env-1', ...changes });
}

async function get<T>(path: string): Promise<T> {
  const answer = await fetch(`${admin.base}/admin/api${path}`, { headers: { authorization: `Bearer ${admin.token}` } });
  assert.equal(answer.status, 200, `${path}: ${await answer.clone().text()}`);
  return (await answer.json()) as T;
}

describe('usage in the admin API', () => {
  let named = '';
  before(async () => {
    await admin.start();
    named = (await admin.create('=HYPERLINK("x")')).id;
    await admin.record([
      row('2026-10-24T21:59:00Z', 1, { costNano: 1_000_000_000 }),
      row('2026-10-24T22:01:00Z', 2, { costNano: null, modelServed: 'unpriced-model' }),
      // In Berlin the 25th of October has 25 hours: 22:00Z to 23:00Z of the next day.
      row('2026-10-25T22:59:59Z', 3, { costNano: 500_000_000, durationMs: 1_000 }),
      row('2026-10-25T23:00:00Z', 4, { costNano: 0 }),
      row('2026-10-26T10:15:30Z', 5, {
        clientKeyId: named,
        termination: 'error',
        status: 429,
        errorCode: 'keys_resting',
        errorMessage: 'All Gemini keys are resting.',
        finishReason: null,
        firstTokenMs: null,
        costNano: 0,
        warnings: 'seed, n',
      }),
      row('2026-10-26T10:16:30Z', 6, {
        clientKeyId: named,
        termination: 'client_gone',
        status: 499,
        finishReason: null,
      }),
    ]);
  });
  after(() => admin.stop());

  test('days are those of the time zone, 25 hours long when clocks go back', async () => {
    const berlin = await get<SeriesAnswer>(
      '/usage/series?span=day&from=2026-10-24T12:00:00Z&to=2026-10-26T12:00:00Z&time_zone=Europe/Berlin',
    );
    assert.deepEqual(
      berlin.series[0]?.points.map(({ start, requests }) => [start, requests]),
      [
        ['2026-10-23T22:00:00.000Z', 1],
        ['2026-10-24T22:00:00.000Z', 2],
        ['2026-10-25T23:00:00.000Z', 3],
      ],
    );
    const utc = await get<SeriesAnswer>('/usage/series?span=day&from=2026-10-24T12:00:00Z&to=2026-10-26T12:00:00Z');
    assert.deepEqual(
      utc.series[0]?.points.map(({ requests }) => requests),
      [2, 2, 2],
    );
    const kolkata = await get<SeriesAnswer>(
      '/usage/series?span=day&from=2026-10-24T00:00:00Z&to=2026-10-26T12:00:00Z&time_zone=Asia/Kolkata',
    );
    assert.deepEqual(
      kolkata.series[0]?.points.map(({ start, requests }) => [start, requests]),
      [
        ['2026-10-23T18:30:00.000Z', 0],
        ['2026-10-24T18:30:00.000Z', 2],
        ['2026-10-25T18:30:00.000Z', 4],
      ],
    );
  });

  test('an unknown price is no price of zero', async () => {
    const { series } = await get<SeriesAnswer>(
      '/usage/series?span=day&group_by=model&from=2026-10-24T00:00:00Z&to=2026-10-27T00:00:00Z',
    );
    const [known, unpriced] = series;
    assert.deepEqual(
      known?.points.map(({ cost }) => cost),
      [1, 0.5, 0.000036825],
    );
    assert.equal(unpriced?.label, 'unpriced-model');
    assert.deepEqual(
      unpriced?.points.map(({ cost, unpriced_requests }) => [cost, unpriced_requests]),
      [
        [null, 1],
        [0, 0],
        [0, 0],
      ],
    );
  });

  test('a summary agrees with itself, to the minute', async () => {
    const all = await get<SummaryAnswer>('/usage/summary?from=2026-10-24T21:59:00Z&to=2026-10-26T10:17:00Z');
    assert.equal(all.totals.requests, 6);
    assert.deepEqual([all.totals.completed, all.totals.failed, all.totals.client_gone], [4, 1, 1]);
    assert.equal(
      all.models.reduce((sum, { requests }) => sum + requests, 0),
      6,
    );
    assert.deepEqual(
      all.client_keys.map(({ id, key_name, requests }) => [id, key_name, requests]),
      [
        ['c1', null, 4],
        [named, '=HYPERLINK("x")', 2],
      ],
    );
    assert.deepEqual(all.errors, [{ error_code: 'keys_resting', status: 429, requests: 1 }]);
    assert.deepEqual(all.finish_reasons, [{ finish_reason: 'stop', requests: 4 }]);
    assert.equal(all.totals.first_token_ms?.p50, 11);
    const part = await get<SummaryAnswer>('/usage/summary?from=2026-10-24T22:00:00Z&to=2026-10-26T10:16:00Z');
    assert.equal(part.totals.requests, 4);
    const one = await get<SummaryAnswer>(
      `/usage/summary?from=2026-10-24T22:00:00Z&to=2026-10-27T00:00:00Z&client_key=${named}`,
    );
    assert.equal(one.totals.requests, 2);
  });

  test('requests come newest first, page by page, each once', async () => {
    const seen: string[] = [];
    let cursor = '';
    do {
      const page: RequestList = await get(`/requests?limit=4${cursor}`);
      seen.push(...page.requests.map(({ at: time }) => time));
      cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`;
    } while (cursor !== '');
    assert.deepEqual(seen, [...new Set(seen)].sort().reverse());
    assert.equal(seen.length, 6);
  });

  test('filters', async () => {
    const found = async (query: string): Promise<number[]> =>
      (await get<RequestList>(`/requests?${query}`)).requests.map(({ id }) => Number(id.slice(-1)));
    const cases: [string, number[]][] = [
      [`client_key=${named}`, [6, 5]],
      ['client_key=c1&to=2026-10-25T23:00:00Z', [3, 2, 1]],
      ['client_key=nobody', []],
      [`client_key=${named}&outcome=failed`, [5]],
      ['outcome=client_gone', [6]],
      ['outcome=completed&from=2026-10-25T22:59:59Z', [4, 3]],
      ['error_code=keys_resting', [5]],
      ['status=429', [5]],
      ['status=200&model=unpriced-model', [2]],
      ['gemini_key=env-2', []],
      ['stream=false', []],
      ['endpoint=chat.completions&stream=true&limit=1', [6]],
      ['query=hyperlink', [6, 5]],
      ['query=ARE resting', [5]],
      ['query=unpriced', [2]],
      ["query=' OR 1=1 --", []],
    ];
    for (const [query, ids] of cases) assert.deepEqual(await found(query), ids, query);
  });

  test('one request, with its attempts and their masked keys', async () => {
    const id = row('2026-10-26T10:15:30Z', 5).id;
    const { body } = await admin.ask('GET', `/admin/api/requests/${id}`);
    const { attempts, warnings, outcome, client_key_name } = body as unknown as RequestList['requests'][number];
    assert.deepEqual([warnings, outcome, client_key_name], [['seed', 'n'], 'failed', '=HYPERLINK("x")']);
    assert.deepEqual(attempts, [
      {
        gemini_key_id: 'env-0123456789abcdef',
        gemini_key: null,
        model: 'gemini-3.8-flash',
        started_ms: 1,
        wait_ms: 1,
        duration_ms: 12,
        status: 200,
        reason: 'ok',
      },
    ]);
    assert.deepEqual(refusal(await admin.ask('GET', '/admin/api/requests/none')), [404, 'not_found', null]);
  });

  test('what a query gets wrong is named', async () => {
    const wrong: [string, string][] = [
      ['/usage/series?from=yesterday', 'from'],
      ['/usage/series?from=2026-02-30T00:00:00Z', 'from'],
      ['/usage/series?from=2026-10-02T00:00:00Z&to=2026-10-01T00:00:00Z', 'from'],
      ['/usage/series?span=week', 'span'],
      ['/usage/series?span=minute&from=2020-01-01T00:00:00Z', 'span'],
      ['/usage/series?time_zone=Mars/Base', 'time_zone'],
      ['/usage/series?group_by=gemini_key&client_key=c1', 'client_key'],
      ['/requests?limit=0', 'limit'],
      ['/requests?limit=1000', 'limit'],
      ['/requests?cursor=x', 'cursor'],
      ['/usage/export?of=everything', 'of'],
    ];
    for (const [path, param] of wrong) {
      const [status, , named] = refusal(await admin.ask('GET', `/admin/api${path}`));
      assert.deepEqual([status, named], [400, param], path);
    }
    assert.deepEqual(refusal(await admin.ask('GET', '/admin/api/usage/export')), [
      400,
      'missing_required_parameter',
      'of',
    ]);
  });

  test('files hold every row once, over many pages, and no formula', async () => {
    const start = at('2026-11-01T00:00:00Z');
    await admin.record(
      Array.from({ length: 2_500 }, (_, i) =>
        row(new Date(start + i * 1_000).toISOString(), i, { clientKeyId: named }),
      ),
    );
    const file = async (query: string): Promise<string> => {
      const answer = await fetch(`${admin.base}/admin/api/usage/export?${query}`, {
        headers: { authorization: `Bearer ${admin.token}` },
      });
      assert.match(answer.headers.get('content-disposition') ?? '', /^attachment; filename="gemini-pool-/);
      return answer.text();
    };
    const csv = (await file('of=requests&from=2026-11-01T00:00:00Z')).split('\r\n');
    assert.equal(csv.length, 2_502);
    assert.equal(new Set(csv).size, 2_502);
    assert.ok(csv[1]?.includes(`,"'=HYPERLINK(""x"")",`), csv[1]);
    const json: unknown = JSON.parse(await file('of=requests&format=json&from=2026-11-01T00:00:00Z'));
    assert.ok(Array.isArray(json) && json.length === 2_500);
    assert.deepEqual(JSON.parse(await file('of=requests&format=json&client_key=nobody')), []);
    const rollups: unknown = JSON.parse(await file('of=rollups&span=minute&format=json&from=2026-11-01T00:00:00Z'));
    assert.ok(Array.isArray(rollups) && rollups.length === 42);
  });
});
