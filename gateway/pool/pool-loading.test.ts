import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock } from '../../shared/clock.ts';
import { KeyPool } from './key-pool.ts';
import { applyToPool } from './pool-loading.ts';

describe('the pool follows the database', () => {
  const clock = new FakeClock();

  test('keys join and leave with their commands, and the model list is fetched anew', () => {
    const pool = new KeyPool(clock);
    let forgotten = 0;
    const models = { forget: () => void forgotten++ };
    const geminiKey = { id: 'a', key: 'AIzaKeyOfTheTest00000000', source: 'stored' } as const;

    applyToPool({ op: 'add_gemini_key', geminiKey, createdAtMs: 0 }, pool, models);
    assert.deepEqual(
      pool.enabledKeys().map(({ key }) => key),
      [geminiKey.key],
    );
    assert.equal(forgotten, 1);

    applyToPool({ op: 'delete_gemini_key', id: 'a' }, pool, models);
    assert.equal(pool.counts().total, 0);
    assert.equal(forgotten, 2);
  });

  test('commands about client keys change nothing', () => {
    const pool = new KeyPool(clock);
    pool.add({ id: 'a', key: 'AIzaKeyOfTheTest00000000', source: 'stored' });
    applyToPool({ op: 'delete_client_key', id: 'a' }, pool, { forget: () => assert.fail('forgot') });
    assert.equal(pool.counts().total, 1);
  });
});
