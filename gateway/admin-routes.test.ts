/** The admin API over HTTP: nothing but its own session opens it, and no other origin reads it (S-5, S-9). */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { AdminStand, type Answer, refusal } from './e2e/admin-stand.ts';

const admin = new AdminStand();

describe('admin API', () => {
  before(() => admin.start());
  after(() => admin.stop());
  beforeEach(() => admin.clear());

  describe('session', () => {
    test('login gives a token, verify says that it is valid', async () => {
      const login = (await admin.login('correct horse')).body;
      assert.deepEqual(Object.keys(login), ['token', 'username', 'role', 'expires_at']);
      assert.deepEqual((await admin.ask('GET', '/admin/api/auth/verify')).body, {
        status: 'valid',
        username: 'admin',
        role: 'admin',
        source: 'environment',
        expires_at: login.expires_at,
      });
    });

    test('every route but the login refuses who has no session, a client key included', async () => {
      const { api_key } = await admin.create();
      let checked = 0;
      for (const { path, methods } of admin.routes)
        for (const method of Object.keys(methods)) {
          if (path === '/admin/api/auth/login') continue;
          for (const authorization of ['', `Bearer ${api_key}`, 'Bearer x.y.z']) {
            const answer = await admin.ask(method, path.replace('{id}', 'env-1'), undefined, { authorization });
            assert.deepEqual(refusal(answer), [401, 'session_invalid', null], `${method} ${path}`);
          }
          checked++;
        }
      assert.ok(checked > 20, `${checked} checked`);
    });

    test("an admin's token opens nothing under /v1, a client key does", async () => {
      const { api_key } = await admin.create();
      assert.deepEqual(refusal(await admin.ask('GET', '/v1/models')), [401, 'invalid_api_key', null]);
      assert.equal(
        (await admin.ask('GET', '/v1/models', undefined, { authorization: `Bearer ${api_key}` })).status,
        200,
      );
    });

    test('wrong logins are refused, then made to wait with Retry-After', async () => {
      const login = (): Promise<Answer> => admin.login('no');
      for (let i = 0; i < 6; i++) assert.deepEqual(refusal(await login()), [401, 'login_failed', null]);
      const throttled = await login();
      assert.deepEqual(refusal(throttled), [429, 'login_throttled', null]);
      assert.equal(throttled.headers.get('retry-after'), '1');
      admin.clock.advance(1_000);
      const right = await admin.login('correct horse');
      assert.equal(right.status, 200);
    });

    test('a login body over its small bound is refused', async () => {
      const body = { username: 'x'.repeat(20_000), password: 'x' };
      assert.equal((await admin.ask('POST', '/admin/api/auth/login', body)).status, 413);
    });
  });

  test('the dashboard counts', async () => {
    const { id } = await admin.create();
    await admin.create();
    await admin.ask('PUT', `/admin/api/api-keys/${id}`, { is_active: false });
    assert.deepEqual((await admin.ask('GET', '/admin/api/dashboard')).body, {
      total_api_keys: 2,
      active_keys: 1,
      total_requests: 7,
      total_tokens: 123,
      total_input_tokens: 100,
      total_output_tokens: 23,
      total_cost: 0,
      unpriced_requests: 0,
      requests_today: 0,
      cost_today: 0,
      cost_this_month: 0,
      requests_in_flight: 3,
      gemini_keys: { total: 1, enabled: 1, leases: 0 },
    });
  });

  describe('other origins', () => {
    const origin = 'https://elsewhere.example';

    test('answers are kept by no cache and read by no other origin', async () => {
      const { headers } = await admin.ask('GET', '/admin/api/dashboard', undefined, { origin });
      assert.equal(headers.get('cache-control'), 'no-store');
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.equal(headers.get('access-control-allow-origin'), null);
    });

    test('a preflight allows nothing outside /v1, and everything that is asked for within', async () => {
      const preflight = { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'x-a' };
      const closed = await admin.ask('OPTIONS', '/admin/api/api-keys', undefined, preflight);
      assert.equal(closed.status, 204);
      assert.deepEqual(
        [...closed.headers.keys()].filter((name) => name.startsWith('access-control')),
        [],
      );
      const v1 = await admin.ask('OPTIONS', '/v1/models', undefined, preflight);
      assert.equal(v1.headers.get('access-control-allow-origin'), '*');
      assert.equal(v1.headers.get('access-control-allow-headers'), 'x-a');
      assert.equal(
        (await admin.ask('OPTIONS', '/v1x', undefined, preflight)).headers.get('access-control-allow-origin'),
        null,
      );
    });

    test('bodies that a page elsewhere could send without asking are refused', async () => {
      const body = JSON.stringify({ username: 'admin', password: 'correct horse' });
      const types = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', ''];
      for (const type of types) {
        const answer = await fetch(`${admin.base}/admin/api/auth/login`, {
          method: 'POST',
          headers: type === '' ? {} : { 'content-type': type },
          body: new Blob([body]),
        });
        assert.equal(answer.status, 415, type);
      }
    });
  });
});
