/** Gemini keys over HTTP: what is shown of them, and that the environment's keys are left alone. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { AdminStand, environmentKey, type Refusal, refusal } from './e2e/admin-stand.ts';

const admin = new AdminStand();

describe('Gemini keys in the admin API', () => {
  before(() => admin.start());
  after(() => admin.stop());
  beforeEach(() => admin.clear());

  const storedKey = 'AIzaKeyThatIsStored-00.01~_';

  test('a key is added, listed masked with its state, and deleted', async () => {
    const added = await admin.ask('POST', '/admin/api/gemini-keys', { key: storedKey });
    assert.deepEqual(added.body, { id: added.body.id, api_key: 'AIzaK••••01~_' });
    const lease = admin.pool.lease('gemini-x', new Set(['env-1']));
    assert.ok(lease.ok);
    admin.pool.report(lease.leaseId, { kind: 'rest', forMs: 30_000, reason: 'rate_limited' });
    const { body } = await admin.ask('GET', '/admin/api/gemini-keys');
    assert.deepEqual(body.gemini_keys, [
      {
        id: 'env-1',
        api_key: 'AIzaK••••0001',
        source: 'environment',
        state: 'enabled',
        disabled_reason: null,
        in_flight: 0,
        rests: [],
      },
      {
        id: added.body.id,
        api_key: added.body.api_key,
        source: 'stored',
        state: 'enabled',
        disabled_reason: null,
        in_flight: 0,
        rests: [{ model: 'gemini-x', remaining_ms: 30_000, reason: 'rate_limited' }],
      },
    ]);
    const path = `/admin/api/gemini-keys/${added.body.id}`;
    assert.deepEqual((await admin.ask('DELETE', path)).body, { id: added.body.id, deleted: true });
    assert.deepEqual(refusal(await admin.ask('DELETE', path)), [404, 'not_found', null]);
  });

  test('a key that Google refuses is listed with the reason', async () => {
    const { body: added } = await admin.ask('POST', '/admin/api/gemini-keys', { key: storedKey });
    const lease = admin.pool.lease('gemini-x', new Set(['env-1']));
    assert.ok(lease.ok);
    admin.pool.report(lease.leaseId, { kind: 'disable', reason: 'invalid' });
    const { body } = await admin.ask('GET', '/admin/api/gemini-keys');
    assert.equal(body.gemini_keys[1]?.state, 'disabled');
    assert.equal(body.gemini_keys[1]?.disabled_reason, 'invalid');
    await admin.ask('DELETE', `/admin/api/gemini-keys/${added.id}`);
  });

  test('no answer holds a whole key', async () => {
    const added = await admin.ask('POST', '/admin/api/gemini-keys', { key: storedKey });
    const listed = await admin.ask('GET', '/admin/api/gemini-keys');
    const twice = await admin.ask('POST', '/admin/api/gemini-keys', { key: storedKey });
    const text = JSON.stringify([added.body, listed.body, twice.body, admin.changes]);
    assert.ok(!text.includes(storedKey) && !text.includes(environmentKey));
    await admin.ask('DELETE', `/admin/api/gemini-keys/${added.body.id}`);
  });

  const badKeys: [what: string, body: unknown, refused: Refusal][] = [
    ['no key', {}, [400, 'missing_required_parameter', 'key']],
    ['a number', { key: 1 }, [400, 'invalid_type', 'key']],
    ['a short key', { key: 'AIza' }, [400, 'invalid_value', 'key']],
    ['a long key', { key: 'A'.repeat(513) }, [400, 'invalid_value', 'key']],
    ['two keys in one', { key: `${storedKey},${storedKey}` }, [400, 'invalid_value', 'key']],
    ['a header in the key', { key: `${storedKey}\r\nx-evil: 1` }, [400, 'invalid_value', 'key']],
    ["the environment's key", { key: environmentKey }, [409, 'already_exists', 'key']],
  ];
  for (const [what, body, refused] of badKeys)
    test(`add refuses ${what}`, async () => {
      assert.deepEqual(refusal(await admin.ask('POST', '/admin/api/gemini-keys', body)), refused);
      assert.equal(admin.writer.commands.length, 0);
    });

  test('a key of the environment cannot be deleted, and the answer says how to', async () => {
    const answer = await admin.ask('DELETE', '/admin/api/gemini-keys/env-1');
    assert.deepEqual(refusal(answer), [400, 'invalid_value', 'id']);
    assert.match(answer.body.error.message, /GEMINI_API_KEYS/);
    assert.equal(admin.pool.counts().total, 1);
  });
});
