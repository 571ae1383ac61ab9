/** Client keys over HTTP: the shapes of the answers, what is refused, and what a body can't reach (S-7, S-12). */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { fingerprint } from '../shared/ids.ts';
import { AdminStand, type Refusal, refusal } from './e2e/admin-stand.ts';

const admin = new AdminStand();

describe('client keys in the admin API', () => {
  before(() => admin.start());
  after(() => admin.stop());
  beforeEach(() => admin.clear());

  test('a key is created, shown whole once, listed masked, and works', async () => {
    const { status, body } = await admin.ask('POST', '/admin/api/api-keys', { key_name: '  Team A  ' });
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(body), ['id', 'api_key']);
    assert.match(body.api_key, /^gp_[0-9a-f]{48}$/);
    admin.reported.client_keys.byClientKey = {
      [body.id]: { requests: 4, inputTokens: 50, outputTokens: 6, costNano: 0, unpriced: 0 },
    };
    const entry = {
      id: body.id,
      key_name: 'Team A',
      api_key: `${body.api_key.slice(0, 5)}••••${body.api_key.slice(-4)}`,
      is_active: true,
      created_at: new Date(admin.clock.wallMs()).toISOString(),
      total_requests: 4,
      total_input_tokens: 50,
      total_output_tokens: 6,
      version: 1,
      note: '',
      expires_at: null,
      last_used_at: null,
      limits: {
        requests_per_minute: null,
        tokens_per_minute: null,
        tokens_per_day: null,
        tokens_per_month: null,
        cost_per_day: null,
        cost_per_month: null,
        concurrent_streams: null,
      },
      allowed_models: null,
      now: {
        requests_this_minute: 0,
        tokens_this_minute: 0,
        tokens_today: 0,
        tokens_this_month: 0,
        cost_today: 0,
        cost_this_month: 0,
        streams: 0,
      },
    };
    assert.deepEqual((await admin.ask('GET', '/admin/api/api-keys')).body, { api_keys: [entry] });
    assert.deepEqual((await admin.ask('GET', `/admin/api/api-keys/${body.id}`)).body, entry);
  });

  test('the newest stands first', async () => {
    const first = await admin.create('first');
    admin.clock.advance(1_000);
    const second = await admin.create('second');
    const { body } = await admin.ask('GET', '/admin/api/api-keys');
    assert.deepEqual(
      body.api_keys.map(({ id }: { id: string }) => id),
      [second.id, first.id],
    );
  });

  test('a key of the own choice is taken once', async () => {
    const body = { key_name: 'mine', api_key: 'my-own-key-0123456789' };
    assert.equal((await admin.ask('POST', '/admin/api/api-keys', body)).body.api_key, body.api_key);
    assert.deepEqual(refusal(await admin.ask('POST', '/admin/api/api-keys', body)), [409, 'already_exists', 'api_key']);
  });

  test('an update changes what it names, a deactivated key is refused at once', async () => {
    const { id, api_key } = await admin.create('before');
    const path = `/admin/api/api-keys/${id}`;
    const renamed = await admin.ask('PUT', path, { key_name: 'after' });
    assert.equal(renamed.body.key_name, 'after');
    assert.equal(renamed.body.is_active, true);
    const switched = await admin.ask('PUT', path, { is_active: false });
    assert.equal(switched.body.key_name, 'after');
    assert.equal(switched.body.is_active, false);
    const used = await admin.ask('GET', '/v1/models', undefined, { authorization: `Bearer ${api_key}` });
    assert.deepEqual(refusal(used), [401, 'api_key_disabled', null]);
  });

  test('what a body has no business with is ignored', async () => {
    const { id } = await admin.create('plain');
    const before = admin.clientKeys.get(id);
    await admin.ask('PUT', `/admin/api/api-keys/${id}`, {
      is_active: true,
      id: 'other',
      hash: 'x',
      masked: 'x',
      role: 'admin',
      createdAtMs: 0,
      total_requests: 0,
    });
    const { by: _by, ...command } = admin.writer.commands.at(-1) ?? {};
    assert.deepEqual(command, { op: 'update_client_key', id, changes: { isActive: true }, expectedVersion: null });
    assert.deepEqual(admin.clientKeys.get(id), { ...before, version: 2 });
    await admin.ask(
      'POST',
      '/admin/api/api-keys',
      '{"key_name":"p","__proto__":{"api_key":"0123456789abcdef"},"id":"x"}',
    );
    const created = admin.clientKeys.all().find(({ name }) => name === 'p');
    assert.notEqual(created?.id, 'x');
    assert.notEqual(created?.hash, fingerprint('0123456789abcdef'));
  });

  test('a deleted key is gone, and so is one that never was', async () => {
    const { id } = await admin.create();
    const path = `/admin/api/api-keys/${id}`;
    assert.deepEqual((await admin.ask('DELETE', path)).body, { id, deleted: true });
    for (const gone of [path, '/admin/api/api-keys/__proto__', '/admin/api/api-keys/never%20was']) {
      assert.deepEqual(refusal(await admin.ask('GET', gone)), [404, 'not_found', null]);
      assert.deepEqual(refusal(await admin.ask('PUT', gone, { is_active: true })), [404, 'not_found', null]);
      assert.deepEqual(refusal(await admin.ask('DELETE', gone)), [404, 'not_found', null]);
    }
  });

  const badCreates: [what: string, body: unknown, refused: Refusal][] = [
    ['not JSON', '{', [400, 'invalid_json', null]],
    ['empty', '', [400, 'invalid_json', null]],
    ['an array', [], [400, 'invalid_type', null]],
    ['null', 'null', [400, 'invalid_type', null]],
    ['a string', '"x"', [400, 'invalid_type', null]],
    ['no name', {}, [400, 'missing_required_parameter', 'key_name']],
    ['a null name', { key_name: null }, [400, 'missing_required_parameter', 'key_name']],
    ['an inherited name', '{"__proto__":{"key_name":"x"}}', [400, 'missing_required_parameter', 'key_name']],
    ['a number as name', { key_name: 5 }, [400, 'invalid_type', 'key_name']],
    ['an object as name', { key_name: { toString: 'x' } }, [400, 'invalid_type', 'key_name']],
    [
      'deep nesting as name',
      `{"key_name":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
      [400, 'invalid_type', 'key_name'],
    ],
    ['an empty name', { key_name: '' }, [400, 'invalid_value', 'key_name']],
    ['a blank name', { key_name: ' \t ' }, [400, 'invalid_value', 'key_name']],
    ['a long name', { key_name: 'x'.repeat(201) }, [400, 'invalid_value', 'key_name']],
    ['a line break in the name', { key_name: 'a\nb' }, [400, 'invalid_value', 'key_name']],
    ['an escape in the name', { key_name: 'a\u001b[31mb' }, [400, 'invalid_value', 'key_name']],
    ['a NUL in the name', { key_name: 'a\0b' }, [400, 'invalid_value', 'key_name']],
    ['half a surrogate pair in the name', { key_name: 'a\ud800b' }, [400, 'invalid_value', 'key_name']],
    ['a number as key', { key_name: 'x', api_key: 1 }, [400, 'invalid_type', 'api_key']],
    ['a short key', { key_name: 'x', api_key: 'a'.repeat(15) }, [400, 'invalid_value', 'api_key']],
    ['a long key', { key_name: 'x', api_key: 'a'.repeat(257) }, [400, 'invalid_value', 'api_key']],
    ['a space in the key', { key_name: 'x', api_key: 'a b'.repeat(8) }, [400, 'invalid_value', 'api_key']],
    [
      'a line break after the key',
      { key_name: 'x', api_key: `${'a'.repeat(20)}\n` },
      [400, 'invalid_value', 'api_key'],
    ],
    ['another script in the key', { key_name: 'x', api_key: 'ключ'.repeat(5) }, [400, 'invalid_value', 'api_key']],
  ];
  for (const [what, body, refused] of badCreates)
    test(`create refuses ${what}`, async () => {
      assert.deepEqual(refusal(await admin.ask('POST', '/admin/api/api-keys', body)), refused);
      assert.equal(admin.writer.commands.length, 0);
    });

  test('create takes names and keys at their bounds, and null for a key left out', async () => {
    const bodies = [
      { key_name: '🔑'.repeat(200) },
      { key_name: '<script>alert(1)</script>' },
      { key_name: 'x', api_key: '!'.repeat(16) },
      { key_name: 'x', api_key: '~'.repeat(256) },
      { key_name: 'x', api_key: null },
    ];
    for (const body of bodies) assert.equal((await admin.ask('POST', '/admin/api/api-keys', body)).status, 200);
  });

  const badUpdates: [what: string, body: unknown, refused: Refusal][] = [
    ['nothing', {}, [400, 'missing_required_parameter', null]],
    ['nothing known', { name: 'x' }, [400, 'missing_required_parameter', null]],
    ['nulls', { key_name: null, is_active: null }, [400, 'missing_required_parameter', null]],
    ['a string for is_active', { is_active: 'false' }, [400, 'invalid_type', 'is_active']],
    ['a number for is_active', { is_active: 0 }, [400, 'invalid_type', 'is_active']],
    ['a blank name', { key_name: ' ' }, [400, 'invalid_value', 'key_name']],
  ];
  for (const [what, body, refused] of badUpdates)
    test(`update refuses ${what}`, async () => {
      const { id } = await admin.create();
      assert.deepEqual(refusal(await admin.ask('PUT', `/admin/api/api-keys/${id}`, body)), refused);
      assert.equal(admin.writer.commands.length, 1);
    });

  test('while the database cannot be written changes answer 503 and change nothing', async () => {
    const { id } = await admin.create('kept');
    admin.writer.isDown = true;
    const answer = [503, 'store_unavailable', null];
    assert.deepEqual(refusal(await admin.ask('POST', '/admin/api/api-keys', { key_name: 'x' })), answer);
    assert.deepEqual(refusal(await admin.ask('PUT', `/admin/api/api-keys/${id}`, { key_name: 'x' })), answer);
    assert.deepEqual(refusal(await admin.ask('DELETE', `/admin/api/api-keys/${id}`)), answer);
    admin.writer.isDown = false;
    assert.deepEqual(
      admin.clientKeys.all().map(({ name }) => name),
      ['kept'],
    );
  });

  test('changes are logged with who made them; questions are not', async () => {
    const { id } = await admin.create();
    await admin.ask('GET', '/admin/api/api-keys');
    await admin.ask('DELETE', `/admin/api/api-keys/${id}`);
    assert.deepEqual(admin.changes, [
      { username: 'admin', method: 'POST', path: '/admin/api/api-keys' },
      { username: 'admin', method: 'DELETE', path: `/admin/api/api-keys/${id}` },
    ]);
  });
});
