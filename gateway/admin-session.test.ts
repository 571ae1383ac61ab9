/** Only tokens that this gateway issued to a present user open the admin API (S-3, S-4), and logins tell nothing. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { FakeClock } from '../shared/clock.ts';
import type { ErrorCode } from '../shared/error-catalogue.ts';
import { GatewayError } from '../shared/errors.ts';
import { limits } from '../shared/limits.ts';
import type { StoreCommand } from '../shared/messages.ts';
import type { User } from '../shared/user.ts';
import { AdminSessions } from './admin-session.ts';
import { Passwords } from './people/passwords.ts';
import { Users } from './people/users.ts';

const secret = 'a secret of the tests that is long enough';
const config = { adminUsername: 'admin', adminPassword: 'correct horse', jwtSecret: secret };
const address = '192.0.2.1';

interface SetUp {
  clock: FakeClock;
  sessions: AdminSessions;
  users: Users;
  logged: string[];
}

/** Quick hashes: how slow they are is tested where they are made. */
const passwords = new Passwords({ N: 2, r: 1, p: 1 });

function setUp(
  changes: Partial<Record<keyof typeof config, string | null>> = {},
  clock = new FakeClock(),
  users = new Users(),
): SetUp {
  const logged: string[] = [];
  const log = { info: keep, warn: keep };
  function keep(fields: object, text: string): void {
    logged.push(`${text} ${JSON.stringify(fields)}`);
  }
  const username = changes.adminUsername ?? config.adminUsername;
  const sessions = new AdminSessions(
    { ...config, ...changes, adminUsername: username },
    { clock, log, users, passwords },
  );
  return { clock, logged, users, sessions };
}

async function tokenOf(sessions: AdminSessions, username = 'admin', password = 'correct horse'): Promise<string> {
  return (await sessions.login(username, password, address)).token;
}

async function codeOf(run: () => unknown): Promise<ErrorCode | 'none'> {
  try {
    await run();
    return 'none';
  } catch (error) {
    assert.ok(error instanceof GatewayError);
    return error.code;
  }
}

function base64(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** A token by hand, signed with `key` by HMAC of `hash`, whatever its header says. */
function forge(header: object, claims: object, key = secret, hash = 'sha256'): string {
  const signed = `${base64(header)}.${base64(claims)}`;
  return `${signed}.${createHmac(hash, key).update(signed).digest('base64url')}`;
}

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
}

const { clock, sessions } = setUp();
const token = await tokenOf(sessions);

describe('admin session', () => {
  test('a login gives a token that verifies until it expires', async () => {
    const { clock, sessions } = setUp();
    const { token: issued, session } = await sessions.login('admin', 'correct horse', address);
    const authorization = `Bearer ${issued}`;
    assert.deepEqual(session, {
      userId: 'environment',
      username: 'admin',
      role: 'admin',
      source: 'environment',
      sessionId: session.sessionId,
      expiresAtMs: clock.wallMs() + limits.sessionSecondsMax * 1000,
    });
    assert.deepEqual(sessions.verify(authorization), session);
    clock.advance(limits.sessionSecondsMax * 1000 - 1_000);
    assert.deepEqual(sessions.verify(authorization), session);
    clock.advance(1_000);
    assert.equal(await codeOf(() => sessions.verify(authorization)), 'session_invalid');
  });

  test('a token says who issued it, for what and whom, and expires within the bound', async () => {
    const { clock, sessions } = setUp();
    const first = claimsOf(await tokenOf(sessions));
    const second = claimsOf(await tokenOf(sessions));
    const iat = clock.wallMs() / 1000;
    const { jti, mark, ...rest } = first;
    assert.deepEqual(rest, {
      iss: 'gemini-pool',
      aud: 'gemini-pool/admin',
      sub: 'environment',
      gen: 0,
      iat,
      exp: iat + limits.sessionSecondsMax,
    });
    assert.notEqual(jti, second['jti']);
    assert.equal(mark, second['mark']);
  });

  const claims = claimsOf(token);
  const now = clock.wallMs() / 1000;
  const ours = { alg: 'HS256', typ: 'JWT' };
  const [head, body, signature] = token.split('.');
  const { exp: _exp, ...withoutExpiry } = claims;
  const { mark: _mark, ...withoutMark } = claims;

  const refused: [what: string, authorization: string][] = [
    ['no header', ''],
    ['an empty token', 'Bearer '],
    ['another scheme', `Basic ${token}`],
    ['not a token', 'Bearer gp_0123456789abcdef0123456789abcdef'],
    ['alg none without a signature', `Bearer ${base64({ alg: 'none', typ: 'JWT' })}.${body}.`],
    ['alg none with our signature', `Bearer ${base64({ alg: 'none', typ: 'JWT' })}.${body}.${signature}`],
    ['HS512 with the right secret', `Bearer ${forge({ alg: 'HS512', typ: 'JWT' }, claims, secret, 'sha512')}`],
    ['HS384 with the right secret', `Bearer ${forge({ alg: 'HS384', typ: 'JWT' }, claims, secret, 'sha384')}`],
    ['RS256 with the secret as its key', `Bearer ${forge({ alg: 'RS256', typ: 'JWT' }, claims)}`],
    ['another secret', `Bearer ${forge(ours, claims, 'another secret')}`],
    ['an empty secret', `Bearer ${forge(ours, claims, '')}`],
    ['altered claims', `Bearer ${head}.${base64({ ...claims, exp: now + 10 ** 9 })}.${signature}`],
    ['an altered signature', `Bearer ${head}.${body}.${signature?.replace(/^./, (c) => (c === 'A' ? 'B' : 'A'))}`],
    ['no signature', `Bearer ${head}.${body}.`],
    ['expired', `Bearer ${forge(ours, { ...claims, iat: now - 100, exp: now - 1 })}`],
    ['no expiry', `Bearer ${forge(ours, withoutExpiry)}`],
    ['an expiry that is no number', `Bearer ${forge(ours, { ...claims, exp: 'never' })}`],
    ['valid in the future only', `Bearer ${forge(ours, { ...claims, nbf: now + 60 })}`],
    ['another audience', `Bearer ${forge(ours, { ...claims, aud: 'gemini-pool/v1' })}`],
    ['no audience', `Bearer ${forge(ours, { ...claims, aud: undefined })}`],
    ['another issuer', `Bearer ${forge(ours, { ...claims, iss: 'somebody' })}`],
    ['another user', `Bearer ${forge(ours, { ...claims, sub: 'root' })}`],
    ['no mark of the password', `Bearer ${forge(ours, withoutMark)}`],
    ['a wrong mark of the password', `Bearer ${forge(ours, { ...claims, mark: 'x' })}`],
    ['claims that are no object', `Bearer ${forge(ours, ['admin'])}`],
    ['kid', `Bearer ${forge({ ...ours, kid: '../../dev/null' }, claims)}`],
    ['kid with the key it points to', `Bearer ${forge({ ...ours, kid: '../../dev/null' }, claims, '')}`],
    ['jku', `Bearer ${forge({ ...ours, jku: 'https://attacker.example/keys' }, claims)}`],
    ['a key inside', `Bearer ${forge({ ...ours, jwk: { kty: 'oct', k: 'AA' } }, claims, '\0')}`],
    ['crit', `Bearer ${forge({ ...ours, crit: ['exp'] }, claims)}`],
    ['huge', `Bearer ${forge(ours, { ...claims, more: 'x'.repeat(14_000) })}`],
    ['dots', `Bearer ${'.'.repeat(100)}`],
    ['deep JSON', `Bearer ${Buffer.from('['.repeat(700)).toString('base64url')}.${body}.${signature}`],
  ];
  for (const [what, authorization] of refused)
    test(`refuses a token: ${what}`, () => {
      assert.throws(
        () => sessions.verify(authorization),
        (error) => {
          assert.ok(error instanceof GatewayError);
          // The same answer for all: which check failed is nobody's business.
          assert.deepEqual(error.toPlain(), { code: 'session_invalid' });
          return true;
        },
      );
    });

  test('a token by hand with the right form and secret verifies: the table above refuses what it says', async () => {
    assert.equal(sessions.verify(`Bearer ${forge(ours, claims)}`).username, 'admin');
  });

  test('a restart with the same settings keeps sessions, a changed password, name or secret ends them', async () => {
    const later = (changes: Parameters<typeof setUp>[0]): Promise<ErrorCode | 'none'> =>
      codeOf(() => setUp(changes, clock).sessions.verify(`Bearer ${token}`));
    assert.equal(await later({}), 'none');
    assert.equal(await later({ adminPassword: 'another' }), 'session_invalid');
    assert.equal(await later({ adminPassword: null }), 'session_invalid');
    assert.equal(await later({ adminUsername: 'operator' }), 'session_invalid');
    assert.equal(await later({ jwtSecret: 'another secret' }), 'session_invalid');
  });

  test('without JWT_SECRET sessions work and end with the process', async () => {
    const first = setUp({ jwtSecret: null });
    const authorization = `Bearer ${await tokenOf(first.sessions)}`;
    assert.equal(first.sessions.verify(authorization).role, 'admin');
    assert.equal(await codeOf(() => setUp({ jwtSecret: null }).sessions.verify(authorization)), 'session_invalid');
  });

  test('without a password nobody logs in', async () => {
    const { sessions: locked, logged } = setUp({ adminPassword: null });
    for (const password of ['', 'null', 'correct horse'])
      assert.equal(await codeOf(() => locked.login('admin', password, address)), 'login_locked');
    assert.equal(logged.length, 3);
  });

  test('wrong name, wrong password and both answer alike', async () => {
    const { sessions: fresh } = setUp();
    const wrong: [string, string][] = [
      ['nobody', 'correct horse'],
      ['admin', 'wrong'],
      ['nobody', 'wrong'],
      ['', ''],
      ['Admin', 'correct horse'],
    ];
    for (const [name, password] of wrong)
      assert.equal(await codeOf(() => fresh.login(name, password, address)), 'login_failed');
  });

  test('after failures logins wait, known and unknown users alike, and the right password works after the wait', async () => {
    for (const name of ['admin', 'nobody']) {
      const { sessions: fresh, clock: time } = setUp();
      for (let i = 0; i < 6; i++) assert.equal(await codeOf(() => fresh.login(name, 'wrong', address)), 'login_failed');
      await assert.rejects(fresh.login(name, 'correct horse', address), (error) => {
        assert.ok(error instanceof GatewayError);
        assert.deepEqual(error.toPlain(), { code: 'login_throttled', retryAfterMs: 1_000 });
        return true;
      });
      time.advance(1_000);
      assert.ok((await tokenOf(fresh)).length > 0);
    }
  });

  test('a thousand bad logins: few are looked at', async () => {
    const { sessions: fresh, clock: time } = setUp();
    let looked = 0;
    for (let i = 0; i < 1_000; i++) {
      if ((await codeOf(() => fresh.login('admin', `guess ${i}`, address))) === 'login_failed') looked++;
      time.advance(100);
    }
    assert.ok(looked <= 13, `${looked} guesses in 100 s`);
  });

  test('every attempt is logged with address and outcome, and with the name when there is such a user', async () => {
    const { sessions: fresh, logged } = setUp();
    await codeOf(() => fresh.login('admin', 'wrong-secret-1', address));
    await codeOf(() => fresh.login('x'.repeat(5_000), 'wrong-secret-2', address));
    await codeOf(() => fresh.login('my correct horse', 'admin', address));
    await tokenOf(fresh);
    assert.deepEqual(logged, [
      `admin login {"username":"admin","address":"${address}","outcome":"failed"}`,
      `admin login {"username":"[unknown]","address":"${address}","outcome":"failed"}`,
      `admin login {"username":"[unknown]","address":"${address}","outcome":"failed"}`,
      `admin login {"username":"admin","address":"${address}","outcome":"ok"}`,
    ]);
  });

  test('every failed login costs one hash, whether the name is the administrator, a user or nobody', async () => {
    class Counting extends Passwords {
      checks = 0;
      override verify(password: string, hash: string | null): Promise<boolean> {
        this.checks++;
        return super.verify(password, hash);
      }
    }
    const users = new Users();
    const user = { id: 'user-1', username: 'ada', passwordHash: await passwords.hash('x'), createdAtMs: 0, version: 1 };
    users.apply({ op: 'create_user', user: { ...user, role: 'viewer' } });
    for (const name of ['admin', 'ada', 'nobody', '']) {
      const counting = new Counting({ N: 2, r: 1, p: 1 });
      const log = { info: () => undefined, warn: () => undefined };
      const fresh = new AdminSessions(config, { clock: new FakeClock(), users, log, passwords: counting });
      assert.equal(await codeOf(() => fresh.login(name, 'wrong', address)), 'login_failed');
      assert.equal(counting.checks, 1, name);
    }
  });

  test('many guesses at once are throttled like guesses one by one', async () => {
    const { sessions: fresh } = setUp();
    const codes = await Promise.all(
      Array.from({ length: 50 }, (_, i) => codeOf(() => fresh.login('admin', `guess ${i}`, address))),
    );
    assert.equal(codes.filter((code) => code === 'login_failed').length, 6);
    assert.equal(codes.filter((code) => code === 'login_throttled').length, 44);
  });

  describe('users of the database', async () => {
    /** Sessions with a user `ada` who may look, and a command that was committed. */
    async function withAda(
      clock = new FakeClock(),
    ): Promise<SetUp & { apply: (command: StoreCommand) => void; ada: User }> {
      const users = new Users();
      const ada: User = {
        id: 'user-1',
        username: 'ada',
        passwordHash: await passwords.hash('analytical engine'),
        role: 'viewer',
        createdAtMs: 0,
        version: 1,
      };
      users.apply({ op: 'create_user', user: ada });
      return { ...setUp({}, clock, users), apply: (command) => users.apply(command), ada };
    }

    test('log in with their password and have their role', async () => {
      const { sessions: fresh } = await withAda();
      const { token: hers, session } = await fresh.login('ada', 'analytical engine', address);
      assert.equal(session.role, 'viewer');
      assert.equal(session.source, 'stored');
      assert.deepEqual(fresh.verify(`Bearer ${hers}`), session);
      for (const [name, password] of [
        ['ada', 'wrong'],
        ['Ada', 'analytical engine'],
        ['ada', 'correct horse'],
        ['admin', 'analytical engine'],
      ] as const)
        assert.equal(await codeOf(() => fresh.login(name, password, address)), 'login_failed', `${name} ${password}`);
    });

    test('work without an administrator of the environment', async () => {
      const { users, clock: time } = await withAda();
      const alone = setUp({ adminPassword: null }, time, users).sessions;
      assert.equal(alone.verify(`Bearer ${await tokenOf(alone, 'ada', 'analytical engine')}`).username, 'ada');
      assert.equal(await codeOf(() => tokenOf(alone)), 'login_failed');
    });

    test('a user with the name of the administrator cannot stand in for him', async () => {
      const { sessions: fresh, apply, ada } = await withAda();
      apply({ op: 'create_user', user: { ...ada, id: 'user-2', username: 'admin' } });
      assert.equal(await codeOf(() => tokenOf(fresh, 'admin', 'analytical engine')), 'login_failed');
      assert.equal((await fresh.login('admin', 'correct horse', address)).session.userId, 'environment');
    });

    const passwordHash = await passwords.hash('difference engine');
    const endings: [what: string, command: (ada: User, sessionId: string) => StoreCommand][] = [
      ['another password', ({ id }) => ({ op: 'update_user', id, changes: { passwordHash }, expectedVersion: null })],
      ['another role', ({ id }) => ({ op: 'update_user', id, changes: { role: 'admin' }, expectedVersion: null })],
      ['a logout everywhere', ({ id }) => ({ op: 'end_sessions', userId: id })],
      ['a logout', (_, id) => ({ op: 'revoke_session', session: { id, expiresAtMs: 10 ** 15 }, nowMs: 0 })],
      ['her deletion', ({ id }) => ({ op: 'delete_user', id })],
    ];
    for (const [what, commandOf] of endings)
      test(`${what} ends a session at once`, async () => {
        const { sessions: fresh, apply, ada } = await withAda();
        const { token: hers, session } = await fresh.login('ada', 'analytical engine', address);
        const his = await tokenOf(fresh);
        apply(commandOf(ada, session.sessionId));
        assert.equal(await codeOf(() => fresh.verify(`Bearer ${hers}`)), 'session_invalid');
        assert.equal(fresh.verify(`Bearer ${his}`).username, 'admin');
      });

    test('a logout ends one session, and the user may log in again', async () => {
      const { sessions: fresh, apply } = await withAda();
      const { token: first, session } = await fresh.login('ada', 'analytical engine', address);
      const second = await tokenOf(fresh, 'ada', 'analytical engine');
      apply({ op: 'revoke_session', session: { id: session.sessionId, expiresAtMs: 10 ** 15 }, nowMs: 0 });
      assert.equal(await codeOf(() => fresh.verify(`Bearer ${first}`)), 'session_invalid');
      assert.equal(fresh.verify(`Bearer ${second}`).username, 'ada');
    });

    test('the sessions of the administrator of the environment end by a logout everywhere, too', async () => {
      const { sessions: fresh, apply } = await withAda();
      const his = await tokenOf(fresh);
      apply({ op: 'end_sessions', userId: 'environment' });
      assert.equal(await codeOf(() => fresh.verify(`Bearer ${his}`)), 'session_invalid');
      assert.equal(fresh.verify(`Bearer ${await tokenOf(fresh)}`).role, 'admin');
    });

    test('a hash of other parameters still verifies, and is made anew at the login', async () => {
      const { sessions: fresh, apply, ada } = await withAda();
      const outdated = await new Passwords({ N: 4, r: 1, p: 1 }).hash('analytical engine');
      apply({ op: 'update_user', id: ada.id, changes: { passwordHash: outdated }, expectedVersion: null });
      const { rehashed } = await fresh.login('ada', 'analytical engine', address);
      assert.ok(rehashed);
      assert.match(rehashed.to, /^scrypt\$2\$1\$1\$/);
      apply({ op: 'note_login', userId: ada.id, atMs: 5, rehashed });
      assert.equal((await fresh.login('ada', 'analytical engine', address)).rehashed, undefined);
    });

    test('a hash that is made anew does not bring back a password that was changed meanwhile', async () => {
      const { sessions: fresh, apply, ada } = await withAda();
      const outdated = await new Passwords({ N: 4, r: 1, p: 1 }).hash('analytical engine');
      apply({ op: 'update_user', id: ada.id, changes: { passwordHash: outdated }, expectedVersion: null });
      const { rehashed } = await fresh.login('ada', 'analytical engine', address);
      assert.ok(rehashed);
      apply({ op: 'update_user', id: ada.id, changes: { passwordHash }, expectedVersion: null });
      apply({ op: 'note_login', userId: ada.id, atMs: 5, rehashed });
      assert.equal(await codeOf(() => fresh.login('ada', 'analytical engine', address)), 'login_failed');
      assert.equal((await fresh.login('ada', 'difference engine', address)).session.username, 'ada');
    });

    test('whoever finds the line too long need not wait the longer for it afterwards', async () => {
      const { sessions: fresh } = await withAda();
      const flood = Array.from({ length: 32 }, (_, i) => codeOf(() => fresh.login(`nobody-${i}`, 'x', `10.0.0.${i}`)));
      // All in one turn of the event loop: the line is as long as it was.
      for (let tries = 0; tries < 20; tries++)
        assert.equal(await codeOf(() => fresh.login('ada', 'analytical engine', address)), 'overloaded');
      assert.deepEqual(new Set(await Promise.all(flood)), new Set(['login_failed']));
      assert.equal((await fresh.login('ada', 'analytical engine', address)).session.username, 'ada');
    });

    for (const [what, commandOf] of endings.filter(([name]) => /another|deletion/.test(name)))
      test(`${what} ends a login that is under way`, async () => {
        const { sessions: fresh, apply, ada } = await withAda();
        const login = codeOf(() => fresh.login('ada', 'analytical engine', address));
        apply(commandOf(ada, ''));
        assert.equal(await login, 'login_failed');
      });
  });
});
