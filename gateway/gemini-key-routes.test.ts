/** Gemini keys over HTTP: what is shown of them, and that the environment's keys are left alone. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { KeyOutcome } from '../shared/key-outcome.ts';
import { AdminStand, environmentKey, type Refusal, refusal } from './e2e/admin-stand.ts';

const admin = new AdminStand();

describe('Gemini keys in the admin API', () => {
  before(() => admin.start());
  after(() => admin.stop());
  beforeEach(() => admin.clear());

  /** One use of a key for gemini-x. */
  function use(id: string, outcome: KeyOutcome): void {
    const others = new Set(Array.from(admin.pool.keys(), (key) => key.id).filter((other) => other !== id));
    const cost = { requests: 1, tokens: 1 };
    const lease = admin.pool.lease({ model: 'gemini-x', cost, tried: others, affinity: null });
    assert.ok(lease.ok);
    admin.pool.report(lease.leaseId, outcome);
  }

  const storedKey = 'AIzaKeyThatIsStored-00.01~_';

  test('a key is added, listed masked with its state, and deleted', async () => {
    const added = await admin.ask('POST', '/admin/api/gemini-keys', { key: storedKey });
    assert.deepEqual(added.body, { id: added.body.id, api_key: 'AIzaK••••01~_' });
    use(added.body.id, {
      kind: 'rest',
      forMs: 30_000,
      reason: 'quota_minute',
      refusal: {
        status: 429,
        message: 'You exceeded your current quota.',
        project: null,
        limits: [{ of: 'requests_per_minute', limit: 5 }],
        chargedModel: null,
      },
    });
    const [environment, stored] = (await admin.ask('GET', '/admin/api/gemini-keys')).body.gemini_keys;
    assert.deepEqual(environment, {
      id: 'env-1',
      api_key: 'AIzaK••••0001',
      source: 'environment',
      state: 'enabled',
      disabled_reason: null,
      disabled_by: null,
      project: null,
      project_source: null,
      version: 1,
      in_flight: 0,
      requests: 0,
      succeeded: 0,
      last_error: null,
      models: [],
      rests: [],
    });
    assert.deepEqual(stored?.rests, [{ model: 'gemini-x', remaining_ms: 30_000, reason: 'quota_minute' }]);
    assert.deepEqual(stored?.last_error, {
      at: '2026-11-25T08:00:00.000Z',
      model: 'gemini-x',
      status: 429,
      reason: 'quota_minute',
      message: 'You exceeded your current quota.',
    });
    const [model] = stored?.models ?? [];
    assert.deepEqual([model?.requests, model?.succeeded, model?.failed, model?.available], [1, 0, 1, false]);
    assert.equal(model?.quota?.requests_per_minute.limit, 5);
    const path = `/admin/api/gemini-keys/${added.body.id}`;
    assert.deepEqual((await admin.ask('DELETE', path)).body, { id: added.body.id, deleted: true });
    assert.deepEqual(refusal(await admin.ask('DELETE', path)), [404, 'not_found', null]);
  });

  test('a key that Google refuses is listed with the reason', async () => {
    const { body: added } = await admin.ask('POST', '/admin/api/gemini-keys', { key: storedKey });
    use(added.id, { kind: 'disable', reason: 'invalid' });
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

  test('a key is tagged and switched off and on, and two who do so at once are told', async () => {
    const path = '/admin/api/gemini-keys/env-1';
    const tagged = await admin.ask('PUT', path, { project: 'work', version: 1 });
    assert.deepEqual([tagged.body.project, tagged.body.project_source, tagged.body.version], ['work', 'operator', 2]);
    const late = await admin.ask('PUT', path, { is_active: false, version: 1 });
    assert.deepEqual(refusal(late), [409, 'entity_changed', null]);
    assert.equal(late.body.current.version, 2);
    const off = await admin.ask('PUT', path, { is_active: false, version: 2 });
    assert.deepEqual(
      [off.body.state, off.body.disabled_by, off.body.disabled_reason],
      ['disabled', 'operator', 'switched_off'],
    );
    const on = await admin.ask('PUT', path, { is_active: true, project: null });
    assert.deepEqual([on.body.state, on.body.project, on.body.version], ['enabled', null, 4]);
  });

  test('a change that cannot be written is none', async () => {
    admin.writer.isDown = true;
    const failed = await admin.ask('PUT', '/admin/api/gemini-keys/env-1', { project: 'x', is_active: false });
    admin.writer.isDown = false;
    assert.equal(failed.status, 503);
    const { body } = await admin.ask('GET', '/admin/api/gemini-keys/env-1');
    assert.deepEqual([body.project, body.state, body.version], [null, 'enabled', 4]);
  });

  test('pasted text: what is a key is added, what is there already or is none is named by its line', async () => {
    const usual = (n: number): string => `AIzaSyPasted000000000000000000000000${String(n).padStart(3, '0')}`;
    const text = `# my keys\r\nfirst,${usual(1)};\t${usual(2)}\nnothing here\n\nexport KEY="${usual(3)}"\n${usual(1)}\n${environmentKey}`;
    const { body } = await admin.ask('POST', '/admin/api/gemini-keys/bulk', { text, project: 'pasted' });
    assert.equal(body.added.length, 3);
    assert.deepEqual(
      body.duplicates.map(({ line }) => line),
      [6, 7],
    );
    assert.deepEqual(
      body.malformed.map(({ line }) => line),
      [3],
    );
    assert.ok(!JSON.stringify(body).includes(usual(1)));
    const exported = await fetch(`${admin.base}/admin/api/gemini-keys/export`, {
      headers: { authorization: `Bearer ${admin.token}` },
    });
    assert.equal(await exported.text(), [1, 2, 3].map((n) => `${usual(n)}\n`).join(''));
    for (const { id } of body.added) await admin.ask('DELETE', `/admin/api/gemini-keys/${id}`);
  });

  test('ten thousand pasted keys are taken at once', async () => {
    const keys = Array.from({ length: 10_000 }, (_, n) => `AIzaSyMany${String(n).padStart(29, '0')}`);
    const { body } = await admin.ask('POST', '/admin/api/gemini-keys/bulk', { text: keys.join(' ') });
    assert.equal(body.added.length, 10_000);
    for (const { id } of body.added) admin.pool.remove(id);
  });

  test('a test of a key says what Google said', async () => {
    admin.probed = () => ({
      error: { code: 'no_available_keys' },
      outcome: {
        kind: 'disable',
        reason: 'invalid_key',
        refusal: { status: 400, message: 'API key not valid.', project: null, limits: [], chargedModel: null },
      },
    });
    const bad = await admin.ask('POST', '/admin/api/gemini-keys/env-1/test');
    assert.deepEqual(bad.body, { ok: false, status: 400, message: 'API key not valid.', models: 0 });
    admin.probed = () => ({
      error: { code: 'upstream_unreachable' },
      outcome: { kind: 'neutral', reason: 'ENOTFOUND' },
    });
    const none = await admin.ask('POST', '/admin/api/gemini-keys/env-1/test');
    assert.deepEqual([none.body.ok, none.body.status], [false, null]);
    assert.deepEqual(refusal(await admin.ask('POST', '/admin/api/gemini-keys/nobody/test')), [404, 'not_found', null]);
  });
});
