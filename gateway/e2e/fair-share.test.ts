/** O-8: one client floods; another, with a few requests, is served as if it were alone. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  complete,
  eventually,
  expectQuiet,
  metric,
  readDatabase,
  type Stack,
  startStack,
  testModel,
} from './harness.ts';

const flood = 300;
const few = 20;
const lightModel = 'gemini-3.6-flash';

describe('O-8 a flood of one client', () => {
  let stack: Stack;
  let lightRows = 0;

  before(async () => {
    stack = await startStack();
  });
  after(() => stack.stop());

  async function newClient(limits: object): Promise<{ id: string; key: string }> {
    const answer = await fetch(`${stack.gateway.url}/admin/api/api-keys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ key_name: 'heavy', limits }),
    });
    const { id, api_key: key }: { id: string; api_key: string } = JSON.parse(await answer.text());
    return { id, key };
  }

  const rowsOf = (clientKeyId: string): unknown[] =>
    readDatabase(stack.gateway.folder, (database) =>
      database
        .prepare('SELECT status, count(*) AS rows FROM requests WHERE client_key_id = ? GROUP BY status')
        .all(clientKeyId),
    );

  for (const [what, limits, served] of [
    ['as many at once as it likes', {}, flood],
    ['a limit of requests at once', { concurrent_streams: 50 }, 50],
  ] as const)
    test(`O-8 ${what}: each request of the light one is answered while the flood is on, none of them by a wait for it`, async () => {
      const { gateway, simulator, clientKey, clientKeyId } = stack;
      await simulator.reset();
      await simulator.script([{ match: { model: testModel }, text: 'Served.', holdUntilReleased: 'flood' }]);
      const heavy = await newClient(limits);
      const answers = Array.from({ length: flood }, (_, i) => complete(gateway, heavy.key, { stream: i % 2 === 0 }));
      await eventually('the flood is with Gemini', async () => (await simulator.stats()).held['flood'] === served);
      assert.equal(await metric(gateway, 'gemini_pool_requests_in_flight'), served);
      for (let i = 0; i < few; i++) {
        const seen = await complete(gateway, clientKey, { model: lightModel, stream: i % 2 === 0 });
        assert.equal(seen.status, 200);
        assert.ok(!seen.isCut);
      }
      assert.equal((await simulator.stats()).held['flood'], served, 'the flood was on all the time');
      await simulator.release('flood');
      const statuses = (await Promise.all(answers)).map(({ status }) => status);
      assert.equal(statuses.filter((status) => status === 200).length, served);
      assert.equal(
        statuses.filter((status) => status === 429).length,
        flood - served,
        'what is above the limit is refused',
      );
      await expectQuiet(gateway);
      assert.deepEqual(rowsOf(heavy.id), [{ status: 200, rows: served }]);
      lightRows += few;
      assert.deepEqual(rowsOf(clientKeyId), [{ status: 200, rows: lightRows }]);
    });
});
