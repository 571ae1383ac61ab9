/** G-3: the wall clock jumps by a day, forth and back: what counts time goes on, what names a moment follows the clock. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  complete,
  eventually,
  expectQuiet,
  geminiKeys,
  readDatabase,
  type Stack,
  startStack,
  testModel,
} from './harness.ts';

const dayMs = 24 * 3_600_000;
const keys = geminiKeys(3);
const [first = ''] = keys;

describe('the wall clock jumps', () => {
  let stack: Stack;

  before(async () => {
    stack = await startStack({ keys, preload: new URL('./clock-shifter.mjs', import.meta.url).href });
  });
  after(() => stack.stop());

  const setClock = (offsetMs: number): void =>
    writeFileSync(join(stack.gateway.folder, 'clock-offset'), String(offsetMs));

  const verify = async (token: string): Promise<number> =>
    (await fetch(`${stack.gateway.url}/admin/api/auth/verify`, { headers: { authorization: `Bearer ${token}` } }))
      .status;

  for (const [what, offsetMs] of [
    ['forth', dayMs],
    ['back', -dayMs],
  ] as const)
    test(`G-3 a day ${what}: a stream goes on, a rest of a minute stands, times of rows follow the clock`, async () => {
      setClock(0);
      await stack.simulator.reset();
      const model = offsetMs > 0 ? 'gemini-3.6-flash' : 'gemini-3.5-flash-lite';
      await stack.simulator.script([
        { match: { model: testModel }, chunks: 4, chunkSize: 8, holdUntilReleased: 'jumped', holdAfterEvents: 2 },
        { match: { key: first }, error: { preset: 'rate_limit_minute', retryDelay: '40s' } },
      ]);
      // One of them meets the limited key and goes on to another.
      for (let i = 0; i < keys.length; i++) await complete(stack.gateway, stack.clientKey, { model });
      await stack.simulator.script([
        { match: { model: testModel }, chunks: 4, chunkSize: 8, holdUntilReleased: 'jumped', holdAfterEvents: 2 },
      ]);
      const stream = complete(stack.gateway, stack.clientKey, { stream: true });
      await eventually('the stream flows', async () => (await stack.simulator.stats()).held['jumped'] === 1);
      setClock(offsetMs);
      await stack.simulator.release('jumped');
      const seen = await stream;
      assert.ok(seen.text.endsWith('data: [DONE]\n\n'), 'the stream is whole');

      const restedCalls = async (): Promise<number> =>
        (await stack.simulator.log()).filter((entry) => entry.model === model && entry.key.includes(first.slice(-6)))
          .length;
      const before = await restedCalls();
      const later = [];
      for (let i = 0; i < 2 * keys.length; i++) later.push(await complete(stack.gateway, stack.clientKey, { model }));
      assert.ok(later.every(({ status }) => status === 200));
      assert.equal(await restedCalls(), before, 'the limited key still rests');
      await expectQuiet(stack.gateway);

      const id = later.at(-1)?.headers.get('x-request-id');
      const row = readDatabase(stack.gateway.folder, (database) =>
        database
          .prepare<[unknown], { at_ms: number; duration_ms: number }>(
            'SELECT at_ms, duration_ms FROM requests WHERE id = ?',
          )
          .get(id),
      );
      assert.ok(
        Math.abs((row?.at_ms ?? 0) - Date.now() - offsetMs) < 60_000,
        'the row is of the moment that the clock said',
      );
      assert.ok((row?.duration_ms ?? -1) >= 0 && (row?.duration_ms ?? 0) < 30_000, 'durations know no jump');
      const ids = readDatabase(stack.gateway.folder, (database) =>
        database.prepare('SELECT id FROM requests').pluck().all(),
      );
      assert.equal(new Set(ids).size, ids.length);
      assert.equal((await fetch(`${stack.gateway.url}/ready`)).status, 200);
    });

  test('G-3 a session ends by the clock: twelve hours after its login', async () => {
    setClock(0);
    assert.equal(await verify(stack.adminToken), 200);
    setClock(dayMs);
    assert.equal(await verify(stack.adminToken), 401);
    setClock(0);
    assert.equal(await verify(stack.adminToken), 200);
  });
});
