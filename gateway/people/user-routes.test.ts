/** Users over HTTP: what a role may do on every route, what ends a session, and what the audit log says of it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { UserEntry } from '../../shared/admin-people.ts';
import { AdminStand, type Answer, type Refusal, refusal } from '../e2e/admin-stand.ts';

const admin = new AdminStand();
const password = 'analytical engine';

async function makeUser(username = 'ada', role: UserEntry['role'] = 'viewer'): Promise<UserEntry> {
  const { status, body } = await admin.ask('POST', '/admin/api/users', { username, password, role });
  assert.equal(status, 200, JSON.stringify(body));
  const { id, created_at, version, source, last_login_at } = body;
  return { id, username: body.username, role: body.role, source, created_at, last_login_at, version };
}

async function logIn(username = 'ada', secret = password): Promise<{ authorization: string }> {
  const { status, body } = await admin.ask('POST', '/admin/api/auth/login', { username, password: secret });
  assert.equal(status, 200, JSON.stringify(body));
  return { authorization: `Bearer ${body.token}` };
}

const verify = (session: { authorization: string }): Promise<Answer> =>
  admin.ask('GET', '/admin/api/auth/verify', undefined, session);

const over: Refusal = [401, 'session_invalid', null];

describe('users in the admin API', () => {
  before(() => admin.start());
  after(() => admin.stop());
  beforeEach(async () => {
    await admin.clear();
    // Logins that fail here on purpose slow down those of other tests else.
    admin.clock.advance(3_600_000);
    admin.token = (await admin.login('correct horse')).body.token;
  });

  test('a user is made, listed beside the administrator of the environment, changed and deleted', async () => {
    const made = await makeUser();
    const entry = {
      id: made.id,
      username: 'ada',
      role: 'viewer',
      source: 'stored',
      created_at: new Date(admin.clock.wallMs()).toISOString(),
      last_login_at: null,
      version: 1,
    };
    assert.deepEqual(made, entry);
    const { users } = (await admin.ask('GET', '/admin/api/users')).body;
    assert.deepEqual(users, [
      {
        id: 'environment',
        username: 'admin',
        role: 'admin',
        source: 'environment',
        created_at: null,
        last_login_at: new Date(admin.clock.wallMs()).toISOString(),
        version: 1,
      },
      entry,
    ]);
    const path = `/admin/api/users/${made.id}`;
    assert.deepEqual((await admin.ask('PUT', path, { role: 'admin', version: 1 })).body, {
      ...entry,
      role: 'admin',
      version: 2,
    });
    assert.deepEqual((await admin.ask('DELETE', path)).body, { id: made.id, deleted: true });
    assert.equal((await admin.ask('GET', '/admin/api/users')).body.users.length, 1);
    for (const method of ['PUT', 'DELETE'])
      assert.deepEqual(refusal(await admin.ask(method, path, { role: 'viewer' })), [404, 'not_found', null]);
  });

  const strong = 'a strong secret';
  const refusedUsers: [what: string, body: object, refused: Refusal][] = [
    ['no name', { password: strong, role: 'admin' }, [400, 'missing_required_parameter', 'username']],
    ['an empty name', { username: '', password: strong, role: 'admin' }, [400, 'invalid_value', 'username']],
    ['a name with a space', { username: 'a b', password: strong, role: 'admin' }, [400, 'invalid_value', 'username']],
    [
      'a name that looks like another',
      { username: 'аdmin', password: strong, role: 'admin' },
      [400, 'invalid_value', 'username'],
    ],
    ['a name with markup', { username: '<b>', password: strong, role: 'admin' }, [400, 'invalid_value', 'username']],
    ['a long name', { username: 'x'.repeat(65), password: strong, role: 'admin' }, [400, 'invalid_value', 'username']],
    [
      'the name of the administrator',
      { username: 'ADMIN', password: strong, role: 'admin' },
      [409, 'already_exists', 'username'],
    ],
    [
      'a name that is taken',
      { username: 'Grace', password: strong, role: 'admin' },
      [409, 'already_exists', 'username'],
    ],
    ['an unknown role', { username: 'ada', password: strong, role: 'root' }, [400, 'invalid_value', 'role']],
    ['no role', { username: 'ada', password: strong }, [400, 'missing_required_parameter', 'role']],
    ['a short password', { username: 'ada', password: 'short', role: 'admin' }, [400, 'invalid_value', 'password']],
    [
      'a long password',
      { username: 'ada', password: 'ab12'.repeat(65), role: 'admin' },
      [400, 'invalid_value', 'password'],
    ],
    ['one letter', { username: 'ada', password: 'a'.repeat(20), role: 'admin' }, [400, 'invalid_value', 'password']],
    ['what all try', { username: 'ada', password: 'password12345', role: 'admin' }, [400, 'invalid_value', 'password']],
    [
      'the name',
      { username: 'lovelace', password: 'Lovelacelovelace1', role: 'admin' },
      [400, 'invalid_value', 'password'],
    ],
  ];
  for (const [what, body, refused] of refusedUsers)
    test(`create refuses ${what}`, async () => {
      await makeUser('grace');
      assert.deepEqual(refusal(await admin.ask('POST', '/admin/api/users', body)), refused);
      assert.equal(admin.users.all().length, 1);
    });

  test('the administrator of the environment cannot be changed here', async () => {
    for (const [method, body] of [
      ['PUT', { role: 'viewer' }],
      ['PUT', { password: strong }],
      ['DELETE', undefined],
    ] as const)
      assert.deepEqual(refusal(await admin.ask(method, '/admin/api/users/environment', body)), [
        400,
        'invalid_value',
        'id',
      ]);
    const own = { current_password: 'correct horse', new_password: strong };
    assert.deepEqual(refusal(await admin.ask('POST', '/admin/api/auth/password', own)), [
      400,
      'invalid_value',
      'new_password',
    ]);
  });

  test('nobody takes the role of administrator from himself, and nobody deletes himself', async () => {
    const { id } = await makeUser('ada', 'admin');
    const session = await logIn();
    assert.deepEqual(refusal(await admin.ask('PUT', `/admin/api/users/${id}`, { role: 'viewer' }, session)), [
      400,
      'invalid_value',
      'role',
    ]);
    assert.deepEqual(refusal(await admin.ask('DELETE', `/admin/api/users/${id}`, undefined, session)), [
      400,
      'invalid_value',
      'id',
    ]);
    assert.equal((await verify(session)).status, 200);
  });

  test('two administrators at once: the second change is refused with the state after the first', async () => {
    const { id } = await makeUser();
    const path = `/admin/api/users/${id}`;
    const [first, second] = await Promise.all([
      admin.ask('PUT', path, { role: 'admin', version: 1 }),
      admin.ask('PUT', path, { role: 'viewer', version: 1 }),
    ]);
    assert.equal(first.status, 200);
    assert.deepEqual(refusal(second), [409, 'entity_changed', null]);
    assert.deepEqual(second.body.current, first.body);
  });

  test('a viewer looks at everything but the whole keys, and changes nothing: on every route', async () => {
    await makeUser();
    const session = await logIn();
    let refused = 0;
    for (const { path, methods, viewers } of admin.routes)
      for (const method of Object.keys(methods)) {
        // Exports are streams of their own, and probes call Google: what they say of the role is the same.
        if (viewers === 'all' || path === '/admin/api/auth/login' || path.endsWith('/openapi.json')) continue;
        if (method === 'GET' && viewers !== 'none') continue;
        const { authorization } = session;
        const answer = await admin.ask(method, path.replace('{id}', 'x'), method === 'GET' ? undefined : {}, {
          authorization,
        });
        assert.deepEqual(refusal(answer), [403, 'not_permitted', null], `${method} ${path}`);
        refused++;
      }
    assert.ok(refused >= 10, `${refused} refused`);
    assert.equal(admin.writer.commands.filter(({ op }) => op !== 'create_user').length, 0);
    for (const path of [
      '/admin/api/api-keys',
      '/admin/api/gemini-keys',
      '/admin/api/users',
      '/admin/api/audit',
      '/admin/api/dashboard',
    ])
      assert.equal((await admin.ask('GET', path, undefined, session)).status, 200, path);
  });

  test('routes that give out whole Gemini keys are closed to viewers', () => {
    const exporting = admin.routes.filter(({ path }) => /gemini-keys\/export$/.test(path));
    assert.deepEqual(
      exporting.filter(({ viewers }) => viewers !== 'none'),
      [],
    );
  });

  test('logout ends this session, logout everywhere all of this user, and nobody else is logged out', async () => {
    await makeUser();
    const [first, second] = [await logIn(), await logIn()];
    assert.deepEqual((await admin.ask('POST', '/admin/api/auth/logout', {}, first)).body, { status: 'logged_out' });
    assert.deepEqual(refusal(await verify(first)), over);
    assert.equal((await verify(second)).status, 200);
    const third = await logIn();
    await admin.ask('POST', '/admin/api/auth/logout-everywhere', {}, second);
    for (const session of [second, third]) assert.deepEqual(refusal(await verify(session)), over);
    assert.equal((await admin.ask('GET', '/admin/api/auth/verify')).status, 200);
    assert.equal((await verify(await logIn())).status, 200);
  });

  test('an administrator ends the sessions of another; a new password, a new role and a deletion do, too', async () => {
    const { id } = await makeUser();
    const path = `/admin/api/users/${id}`;
    let secret = password;
    const endings: [string, string, object][] = [
      ['POST', `${path}/logout`, {}],
      ['PUT', path, { password: 'difference engine' }],
      ['PUT', path, { role: 'admin' }],
      ['DELETE', path, {}],
    ];
    for (const [method, where, body] of endings) {
      const session = await logIn('ada', secret);
      assert.equal((await admin.ask(method, where, body)).status, 200);
      assert.deepEqual(refusal(await verify(session)), over, `${method} ${where}`);
      if ('password' in body) secret = 'difference engine';
    }
    const gone = await admin.ask('POST', '/admin/api/auth/login', { username: 'ada', password: secret });
    assert.deepEqual(refusal(gone), [401, 'login_failed', null]);
  });

  const afterHead: [what: string, end: (id: string) => Promise<Answer>, answer: string][] = [
    ['was deleted', (id) => admin.ask('DELETE', `/admin/api/users/${id}`), '401'],
    ['was logged out', (id) => admin.ask('POST', `/admin/api/users/${id}/logout`), '401'],
    ['became a viewer', (id) => admin.ask('PUT', `/admin/api/users/${id}`, { role: 'viewer' }), '401'],
  ];
  for (const [what, end, answer] of afterHead)
    test(`an administrator who ${what} while the body of his request was to come changes nothing`, async () => {
      const { id } = await makeUser('ada', 'admin');
      const { authorization } = await logIn();
      const body = JSON.stringify({ username: 'eve', password, role: 'admin' });
      const socket = connect(Number(new URL(admin.base).port), '127.0.0.1');
      const head = ['POST /admin/api/users HTTP/1.1', 'host: x', `authorization: ${authorization}`];
      head.push('content-type: application/json', `content-length: ${body.length}`, '', body.slice(0, 10));
      await new Promise((sent) => socket.write(head.join('\r\n'), sent));
      // Answered later than the head was read: both run in this process.
      await verify({ authorization });
      assert.equal((await end(id)).status, 200);
      socket.write(body.slice(10));
      const [answered] = await once(socket, 'data');
      assert.equal(String(answered).split(' ')[1], answer);
      socket.destroy();
      assert.ok(admin.users.all().every(({ username }) => username !== 'eve'));
    });

  test('a password that another sets while the own one is being changed stays', async () => {
    const { id } = await makeUser();
    const session = await logIn();
    const body = { current_password: password, new_password: 'a passphrase of his own' };
    const changing = admin.ask('POST', '/admin/api/auth/password', body, session);
    // In the same turn as the change is asked for at the writer: after the session was looked at for the last time.
    const { command } = admin.writer;
    admin.writer.command = async (asked) => {
      admin.writer.command = command;
      const passwordHash = await admin.sessions.passwords.hash('a passphrase of the admin');
      await admin.writer.apply({ op: 'update_user', id, changes: { passwordHash }, expectedVersion: null });
      return admin.writer.apply(asked);
    };
    assert.deepEqual(refusal(await changing), over);
    await logIn('ada', 'a passphrase of the admin');
  });

  test('a user changes his own password, knowing the present one, and logs in anew', async () => {
    await makeUser();
    const session = await logIn();
    const change = (current_password: string, new_password: string) =>
      admin.ask('POST', '/admin/api/auth/password', { current_password, new_password }, session);
    assert.deepEqual(refusal(await change('wrong', 'difference engine')), [400, 'invalid_value', 'current_password']);
    assert.deepEqual(refusal(await change(password, 'short')), [400, 'invalid_value', 'new_password']);
    assert.deepEqual((await change(password, 'difference engine')).body, { status: 'changed' });
    assert.deepEqual(refusal(await verify(session)), over);
    assert.equal((await verify(await logIn('ada', 'difference engine'))).status, 200);
  });

  test('guessing the present password is as slow as guessing a login', async () => {
    await makeUser();
    const session = await logIn();
    const guess = () =>
      admin.ask(
        'POST',
        '/admin/api/auth/password',
        { current_password: 'x', new_password: 'difference engine' },
        session,
      );
    for (let i = 0; i < 6; i++) assert.equal((await guess()).status, 400);
    assert.deepEqual(refusal(await guess()), [429, 'login_throttled', null]);
  });

  describe('audit log', () => {
    test('tells who changed what, from what, to what, and from where; secrets are in no entry', async () => {
      const { id } = await makeUser();
      await admin.ask('PUT', `/admin/api/users/${id}`, { password: 'difference engine', role: 'admin' });
      const ada = await logIn('ada', 'difference engine');
      const key = (
        await admin.ask('POST', '/admin/api/api-keys', { key_name: 'a key', limits: { cost_per_day: 2.5 } }, ada)
      ).body;
      await admin.ask(
        'PUT',
        `/admin/api/api-keys/${key.id}`,
        { note: 'n', allowed_models: ['m'], limits: { cost_per_day: null } },
        ada,
      );
      await admin.ask('DELETE', `/admin/api/users/${id}`);
      const { entries } = (await admin.ask('GET', '/admin/api/audit?limit=5')).body;
      assert.deepEqual(
        entries.map(({ actor, action, subject, subject_id }) => [actor, action, subject, subject_id]),
        [
          ['admin', 'delete_user', 'user', id],
          ['ada', 'update_client_key', 'client_key', key.id],
          ['ada', 'create_client_key', 'client_key', key.id],
          ['admin', 'update_user', 'user', id],
          ['admin', 'create_user', 'user', id],
        ],
      );
      assert.deepEqual(entries[1]?.changes, [
        { field: 'note', from: '', to: 'n' },
        { field: 'limits.cost_per_day', from: 2.5, to: null },
        { field: 'allowed_models', from: null, to: ['m'] },
      ]);
      assert.deepEqual(entries[3]?.changes, [
        { field: 'role', from: 'viewer', to: 'admin' },
        { field: 'password', from: '••••', to: '••••' },
      ]);
      assert.ok(entries.every(({ address, at }) => /127\.0\.0\.1|0001$/.test(address) && at.endsWith('Z')));
      const text = JSON.stringify(entries);
      for (const secret of ['engine', 'scrypt', key.api_key]) assert.ok(!text.includes(secret), secret);
    });

    test('is read page by page, by user, action and time', async () => {
      await admin.create('before');
      admin.clock.advance(60_000);
      const from = admin.clock.wallMs();
      for (let i = 0; i < 7; i++) await admin.create(`key ${i}`);
      const names: unknown[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const page: Answer = await admin.ask(
          'GET',
          `/admin/api/audit?limit=3&action=create_client_key&actor=admin&from=${from}&cursor=${cursor}`,
        );
        names.push(...page.body.entries.map(({ changes }) => changes.find(({ field }) => field === 'key_name')?.to));
        cursor = page.body.next_cursor;
      }
      assert.deepEqual(names, ['key 6', 'key 5', 'key 4', 'key 3', 'key 2', 'key 1', 'key 0']);
      const until = new Date(from).toISOString();
      const { entries } = (await admin.ask('GET', `/admin/api/audit?limit=1&to=${until}`)).body;
      assert.equal(entries[0]?.changes[0]?.to, 'before');
      assert.equal((await admin.ask('GET', '/admin/api/audit?actor=nobody')).body.entries.length, 0);
    });

    test('a change that was not made leaves no entry', async () => {
      const { id } = await makeUser();
      const count = async () => (await admin.ask('GET', '/admin/api/audit?limit=500')).body.entries.length;
      const before = await count();
      await admin.ask('PUT', `/admin/api/users/${id}`, { role: 'admin', version: 7 });
      await admin.ask('POST', '/admin/api/users', { username: 'ADA', password, role: 'admin' });
      await admin.ask('DELETE', '/admin/api/users/none');
      await admin.ask('DELETE', '/admin/api/api-keys/none');
      assert.equal(await count(), before);
    });

    const badQueries: [query: string, param: string][] = [
      ['limit=0', 'limit'],
      ['limit=501', 'limit'],
      ['limit=x', 'limit'],
      ['cursor=x', 'cursor'],
      ['from=yesterday', 'from'],
      ['to=2026-02-30T00:00:00Z', 'to'],
    ];
    for (const [query, param] of badQueries)
      test(`refuses ${query}`, async () => {
        const { status, body } = await admin.ask('GET', `/admin/api/audit?${query}`);
        assert.deepEqual([status, body.error.param], [400, param]);
      });
  });
});
