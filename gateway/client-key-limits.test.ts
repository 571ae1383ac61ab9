/** Limits, notes, expiry and models of client keys over HTTP: what is taken, what is refused and how, and two admins at once. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { AdminStand, type Refusal, refusal } from './e2e/admin-stand.ts';

const admin = new AdminStand();

describe('limits of client keys in the admin API', () => {
  before(() => admin.start());
  after(() => admin.stop());
  beforeEach(() => admin.clear());

  const noLimits = {
    requests_per_minute: null,
    tokens_per_minute: null,
    tokens_per_day: null,
    tokens_per_month: null,
    cost_per_day: null,
    cost_per_month: null,
    concurrent_streams: null,
  };

  test('a key is made with limits; an update changes those it names, and null takes one away', async () => {
    const { id } = (
      await admin.ask('POST', '/admin/api/api-keys', {
        key_name: 'a',
        note: 'for the\nteam',
        expires_at: '2027-01-31T12:00:00+02:00',
        limits: { requests_per_minute: 5, cost_per_month: 0.1, tokens_per_day: 1_000_000_000_000 },
        allowed_models: ['gemini-3.8-*', 'gpt-4o'],
      })
    ).body;
    const path = `/admin/api/api-keys/${id}`;
    const made = (await admin.ask('GET', path)).body;
    assert.equal(made.version, 1);
    assert.equal(made.note, 'for the\nteam');
    assert.equal(made.expires_at, '2027-01-31T10:00:00.000Z');
    assert.deepEqual(made.allowed_models, ['gemini-3.8-*', 'gpt-4o']);
    assert.deepEqual(made.limits, {
      ...noLimits,
      requests_per_minute: 5,
      cost_per_month: 0.1,
      tokens_per_day: 1_000_000_000_000,
    });
    const changed = await admin.ask('PUT', path, {
      limits: { requests_per_minute: null, concurrent_streams: 3 },
      expires_at: null,
      allowed_models: null,
      note: '',
    });
    assert.deepEqual(changed.body, {
      ...made,
      version: 2,
      note: '',
      expires_at: null,
      allowed_models: null,
      limits: { ...made.limits, requests_per_minute: null, concurrent_streams: 3 },
    });
    assert.deepEqual((await admin.ask('GET', path)).body, changed.body);
  });

  test('what the Rust program understood still works: names and the switch alone, no version', async () => {
    const { id } = await admin.create('before');
    const { status, body } = await admin.ask('PUT', `/admin/api/api-keys/${id}`, {
      key_name: 'after',
      is_active: false,
    });
    assert.deepEqual([status, body.key_name, body.is_active, body.version], [200, 'after', false, 2]);
  });

  test('two admins at once: the second is refused with 409 and the newer state, and may try again on it', async () => {
    const { id } = await admin.create('start');
    const path = `/admin/api/api-keys/${id}`;
    const answers = await Promise.all(
      ['one', 'two'].map((key_name) => admin.ask('PUT', path, { key_name, version: 1 })),
    );
    const won = answers.find(({ status }) => status === 200);
    const lost = answers.find(({ status }) => status === 409);
    assert.ok(won !== undefined && lost !== undefined);
    assert.deepEqual(refusal(lost), [409, 'entity_changed', null]);
    assert.deepEqual(lost.body.current, won.body);
    assert.equal((await admin.ask('GET', path)).body.key_name, won.body.key_name);
    const again = await admin.ask('PUT', path, { key_name: 'both', version: lost.body.current.version });
    assert.deepEqual([again.status, again.body.key_name, again.body.version], [200, 'both', 3]);
  });

  const refused: [what: string, fields: object, refused: Refusal][] = [
    ['zero', { limits: { requests_per_minute: 0 } }, [400, 'invalid_value', 'limits.requests_per_minute']],
    ['less than nothing', { limits: { tokens_per_day: -1 } }, [400, 'invalid_value', 'limits.tokens_per_day']],
    ['a fraction', { limits: { tokens_per_minute: 1.5 } }, [400, 'invalid_type', 'limits.tokens_per_minute']],
    [
      'an absurd number',
      { limits: { requests_per_minute: 1e15 } },
      [400, 'invalid_value', 'limits.requests_per_minute'],
    ],
    [
      'absurd streams',
      { limits: { concurrent_streams: 2 ** 53 } },
      [400, 'invalid_value', 'limits.concurrent_streams'],
    ],
    ['an absurd cost', { limits: { cost_per_month: 1e300 } }, [400, 'invalid_value', 'limits.cost_per_month']],
    ['a cost of nothing', { limits: { cost_per_day: 0 } }, [400, 'invalid_value', 'limits.cost_per_day']],
    ['a text', { limits: { requests_per_minute: '5' } }, [400, 'invalid_type', 'limits.requests_per_minute']],
    ['truth', { limits: { requests_per_minute: true } }, [400, 'invalid_type', 'limits.requests_per_minute']],
    ['an unknown limit', { limits: { rpm: 5 } }, [400, 'invalid_value', 'limits.rpm']],
    ['a list of limits', { limits: [] }, [400, 'invalid_type', 'limits']],
    ['no models', { allowed_models: [] }, [400, 'invalid_value', 'allowed_models']],
    ['a model twice', { allowed_models: ['a', 'a'] }, [400, 'invalid_value', 'allowed_models']],
    ['a model of another form', { allowed_models: ['ok', 'a b'] }, [400, 'invalid_value', 'allowed_models[1]']],
    ['a star within', { allowed_models: ['a*b'] }, [400, 'invalid_value', 'allowed_models[0]']],
    ['models as a text', { allowed_models: 'gemini' }, [400, 'invalid_type', 'allowed_models']],
    [
      'too many models',
      { allowed_models: Array.from({ length: 201 }, (_, i) => `m${i}`) },
      [400, 'invalid_value', 'allowed_models'],
    ],
    ['a day without time', { expires_at: '2027-01-31' }, [400, 'invalid_value', 'expires_at']],
    ['a time without zone', { expires_at: '2027-01-31T00:00:00' }, [400, 'invalid_value', 'expires_at']],
    ['the 30th of February', { expires_at: '2027-02-30T00:00:00Z' }, [400, 'invalid_value', 'expires_at']],
    ['a number as time', { expires_at: 1_800_000_000_000 }, [400, 'invalid_type', 'expires_at']],
    ['a NUL in the note', { note: 'a\0b' }, [400, 'invalid_value', 'note']],
    ['a long note', { note: 'x'.repeat(2_001) }, [400, 'invalid_value', 'note']],
  ];
  for (const [what, fields, answer] of refused)
    test(`create and update refuse ${what}, and say what is expected`, async () => {
      const { id } = await admin.create();
      const made = await admin.ask('POST', '/admin/api/api-keys', { key_name: 'x', ...fields });
      assert.deepEqual(refusal(made), answer);
      assert.match(made.body.error.message, /: expected (?!something else)/);
      assert.deepEqual(refusal(await admin.ask('PUT', `/admin/api/api-keys/${id}`, fields)), answer);
      assert.equal(admin.clientKeys.all().length, 1);
      assert.equal(admin.clientKeys.get(id)?.version, 1);
    });

  test('a key is not made to be expired, and may be made to expire now', async () => {
    const past = { expires_at: new Date(admin.clock.wallMs()).toISOString() };
    const made = await admin.ask('POST', '/admin/api/api-keys', { key_name: 'x', ...past });
    assert.deepEqual(refusal(made), [400, 'invalid_value', 'expires_at']);
    const { id, api_key } = await admin.create();
    assert.equal((await admin.ask('PUT', `/admin/api/api-keys/${id}`, past)).status, 200);
    const used = await admin.ask('GET', '/v1/models', undefined, { authorization: `Bearer ${api_key}` });
    assert.deepEqual(refusal(used), [401, 'api_key_expired', null]);
  });

  test('a version alone changes nothing', async () => {
    const { id } = await admin.create();
    const answer = await admin.ask('PUT', `/admin/api/api-keys/${id}`, { version: 1 });
    assert.deepEqual(refusal(answer), [400, 'missing_required_parameter', null]);
  });

  describe('the list', () => {
    async function names(query: string): Promise<string[]> {
      return (await admin.ask('GET', `/admin/api/api-keys${query}`)).body.api_keys.map(({ key_name }) => key_name);
    }

    beforeEach(async () => {
      admin.reported.client_keys.byClientKey = {};
      for (const [index, name] of ['beta', 'Alpha', 'gamma'].entries()) {
        const { id } = await admin.create(name);
        admin.clock.advance(1_000);
        const totals = { requests: 10 - index, inputTokens: index, outputTokens: 1, costNano: 0, unpriced: 0 };
        admin.reported.client_keys.byClientKey[id] = totals;
        const soon = new Date(admin.clock.wallMs() + 60_000).toISOString();
        if (name === 'gamma')
          await admin.ask('PUT', `/admin/api/api-keys/${id}`, { is_active: false, note: 'Alphabet' });
        if (name === 'beta') await admin.ask('PUT', `/admin/api/api-keys/${id}`, { expires_at: soon });
      }
    });

    test('is sorted as asked for, the newest first otherwise', async () => {
      assert.deepEqual(await names(''), ['gamma', 'Alpha', 'beta']);
      assert.deepEqual(await names('?sort=created_at'), ['beta', 'Alpha', 'gamma']);
      assert.deepEqual(await names('?sort=key_name'), ['Alpha', 'beta', 'gamma']);
      assert.deepEqual(await names('?sort=-key_name'), ['gamma', 'beta', 'Alpha']);
      assert.deepEqual(await names('?sort=-total_requests'), ['beta', 'Alpha', 'gamma']);
      assert.deepEqual(await names('?sort=-total_tokens'), ['gamma', 'Alpha', 'beta']);
      assert.equal((await names('?sort=expires_at'))[0], 'beta');
      assert.equal((await names('?sort=-expires_at'))[0], 'beta');
    });

    test('is searched by name and note, and by state', async () => {
      assert.deepEqual(await names('?query=ALPHA&sort=key_name'), ['Alpha', 'gamma']);
      assert.deepEqual(await names('?query=%25'), []);
      assert.deepEqual(await names('?state=inactive'), ['gamma']);
      assert.deepEqual(await names('?state=active&sort=key_name'), ['Alpha', 'beta']);
      admin.clock.advance(120_000);
      assert.deepEqual(await names('?state=expired'), ['beta']);
      assert.deepEqual(await names('?state=active'), ['Alpha']);
    });

    for (const [query, param] of [
      ['sort=hash', 'sort'],
      ['state=x', 'state'],
      [`query=${'x'.repeat(201)}`, 'query'],
    ])
      test(`refuses ${param} that is none`, async () => {
        const { status, body } = await admin.ask('GET', `/admin/api/api-keys?${query}`);
        assert.deepEqual([status, body.error.code, body.error.param], [400, 'invalid_value', param]);
      });
  });
});
