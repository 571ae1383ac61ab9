/** Users of the admin API with real processes: what was ended stays ended over a restart, and the log of changes is kept. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adminToken, type RunningGateway, startGateway } from '../../bench/running-gateway.ts';
import { readDatabase } from './harness.ts';

const secret = 'analytical engine';

interface Answer {
  status: number;
  body: Record<string, unknown>;
}

async function ask(
  gateway: RunningGateway,
  token: string,
  method: string,
  path: string,
  body?: object,
): Promise<Answer> {
  const answer = await fetch(`${gateway.url}/admin/api${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: JSON.parse(await answer.text()) };
}

test('sessions that were ended stay ended after a kill, those that were not go on; users and the audit log are kept', async () => {
  const first = await startGateway();
  const { folder } = first;
  const admin = await adminToken(first.url);
  const made = await ask(first, admin, 'POST', '/users', { username: 'ada', password: secret, role: 'viewer' });
  assert.equal(made.status, 200);
  const [kept, loggedOut] = [await adminToken(first.url, 'ada', secret), await adminToken(first.url, 'ada', secret)];
  assert.equal((await ask(first, loggedOut, 'POST', '/auth/logout', {})).status, 200);
  const other = await ask(first, admin, 'POST', '/users', { username: 'grace', password: secret, role: 'admin' });
  const [everywhere, deleted] = [
    await adminToken(first.url, 'grace', secret),
    await adminToken(first.url, 'grace', secret),
  ];
  assert.equal((await ask(first, everywhere, 'POST', '/auth/logout-everywhere', {})).status, 200);
  const beforeDeletion = await adminToken(first.url, 'grace', secret);
  assert.equal((await ask(first, admin, 'DELETE', `/users/${other.body['id']}`)).status, 200);
  first.process.kill('SIGKILL');
  await first.ended;

  const second = await startGateway({ folder });
  try {
    const verify = async (token: string): Promise<number> => (await ask(second, token, 'GET', '/auth/verify')).status;
    assert.equal(await verify(admin), 200);
    assert.equal(await verify(kept), 200);
    for (const token of [loggedOut, everywhere, deleted, beforeDeletion]) assert.equal(await verify(token), 401);
    assert.equal((await ask(second, kept, 'POST', '/api-keys', { key_name: 'x' })).status, 403);
    const { body } = await ask(second, kept, 'GET', '/audit');
    assert.deepEqual(
      Array.isArray(body['entries']) ? body['entries'].map(({ actor, action }) => `${actor} ${action}`) : null,
      ['admin delete_user', 'grace end_sessions', 'admin create_user', 'admin create_user'],
    );
    const stored = readDatabase(folder, (database) =>
      database.prepare('SELECT password_hash FROM users').pluck().all(),
    );
    assert.equal(stored.length, 1);
    assert.match(String(stored[0]), /^scrypt\$32768\$8\$3\$/);
    assert.ok(![...first.lines, ...second.lines].some((line) => line.includes(secret)), 'no password in the log');
  } finally {
    await second.stop();
  }
});

test('the OpenAPI document is there for everybody, and the gateway starts with users alone', async () => {
  const first = await startGateway();
  const { folder } = first;
  const document = await fetch(`${first.url}/admin/api/openapi.json`);
  assert.equal(document.status, 200);
  assert.equal(JSON.parse(await document.text()).openapi, '3.1.0');
  const admin = await adminToken(first.url);
  await ask(first, admin, 'POST', '/users', { username: 'ada', password: secret, role: 'admin' });
  first.process.kill('SIGTERM');
  await first.ended;
  const second = await startGateway({ folder, env: { ADMIN_PASSWORD: '' } });
  try {
    const token = await adminToken(second.url, 'ada', secret);
    const { body } = await ask(second, token, 'GET', '/users');
    assert.deepEqual(Array.isArray(body['users']) ? body['users'].map(({ username }) => username) : null, ['ada']);
    assert.equal((await ask(second, admin, 'GET', '/auth/verify')).status, 401);
  } finally {
    await second.stop();
  }
});

test('behind a trusted proxy each client has its own address: in the audit log, and when passwords are guessed', async () => {
  const gateway = await startGateway({ env: { TRUSTED_PROXIES: '127.0.0.1' } });
  try {
    const login = async (address: string, username: string, password: string): Promise<Answer> => {
      const answer = await fetch(`${gateway.url}/admin/api/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': `198.51.100.7, ${address}` },
        body: JSON.stringify({ username, password }),
      });
      return { status: answer.status, body: JSON.parse(await answer.text()) };
    };
    const statuses: number[] = [];
    for (let i = 0; i < 8; i++) statuses.push((await login('203.0.113.1', `user${i}`, 'wrong')).status);
    assert.ok(statuses.includes(429), statuses.join());
    assert.equal((await login('203.0.113.2', 'admin', 'wrong')).status, 401);
    const token = await adminToken(gateway.url);
    const made = await fetch(`${gateway.url}/admin/api/api-keys`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'x-forwarded-for': '203.0.113.3',
      },
      body: JSON.stringify({ key_name: 'x' }),
    });
    assert.equal(made.status, 200);
    const { body } = await ask(gateway, token, 'GET', '/audit');
    assert.deepEqual(Array.isArray(body['entries']) ? body['entries'].map(({ address }) => address) : null, [
      '203.0.113.3',
    ]);
  } finally {
    await gateway.stop();
  }
});
