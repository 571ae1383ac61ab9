/** Probes: which keys are asked, when, and how many at once. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock } from '../../shared/clock.ts';
import { KeyPool } from './key-pool.ts';
import { KeyProbes } from './key-probes.ts';
import type { ModelsResult } from './models-jobs.ts';

const refused: ModelsResult = {
  error: { code: 'no_available_keys' },
  outcome: { kind: 'disable', reason: 'invalid_key' },
};
const offered: ModelsResult = { models: [] };

/** A pool whose keys Google has refused; questions stay open until `answer`. */
function stand(count: number) {
  const clock = new FakeClock();
  const pool = new KeyPool(clock);
  for (let i = 0; i < count; i++) pool.add({ id: `k${i}`, key: `AIza-${i}`, source: 'environment' });
  for (let i = 0; i < count; i++) pool.disable(`k${i}`, 'invalid_key', 'google');
  const open: { key: string; answer: (result: ModelsResult) => void }[] = [];
  const asked: string[] = [];
  const jobs = {
    ask: (key: string): Promise<ModelsResult> => {
      asked.push(key);
      return new Promise((answer) => void open.push({ key, answer }));
    },
  };
  const back: string[] = [];
  const probes = new KeyProbes(pool, jobs, clock, (id) => void back.push(id));
  probes.stop();
  return { clock, pool, probes, open, asked, back };
}

describe('probes', () => {
  test('thousands of keys that went out together are asked a few at a time, each once', async () => {
    const { clock, probes, open, asked } = stand(1_000);
    await probes.check();
    assert.equal(asked.length, 0, 'not at once');
    clock.advance(5 * 60_000);
    const checked = probes.check();
    assert.equal(open.length, 20);
    clock.advance(10_000);
    const again = probes.check();
    assert.equal(open.length, 20, 'the next look at them asks no more');
    for (let next = open.shift(); next !== undefined; next = open.shift()) {
      next.answer(refused);
      await new Promise(setImmediate);
      assert.ok(open.length <= 20);
    }
    await Promise.all([checked, again]);
    assert.deepEqual([asked.length, new Set(asked).size], [1_000, 1_000]);
  });

  test('a key that Google takes again is back, one that the operator switched off is not asked', async () => {
    const { clock, pool, probes, open, back } = stand(2);
    pool.disable('k1', 'switched_off', 'operator');
    await probes.check();
    clock.advance(5 * 60_000);
    const checked = probes.check();
    assert.deepEqual(
      open.map(({ key }) => key),
      ['AIza-0'],
    );
    open[0]?.answer(offered);
    await checked;
    assert.deepEqual(back, ['k0']);
    assert.equal(pool.find('k0')?.disabled, null);
  });

  test('one that is still refused is asked again at twice the distance', async () => {
    const { clock, probes, open } = stand(1);
    await probes.check();
    clock.advance(5 * 60_000);
    const checked = probes.check();
    open[0]?.answer(refused);
    await checked;
    clock.advance(10 * 60_000 - 1);
    await probes.check();
    assert.equal(open.length, 1);
    clock.advance(1);
    void probes.check();
    assert.equal(open.length, 2);
  });
});
