/** Only tokens that this gateway issued to its present administrator open the admin API (S-3, S-4), and logins tell nothing. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { FakeClock } from '../shared/clock.ts';
import type { ErrorCode } from '../shared/error-catalogue.ts';
import { GatewayError } from '../shared/errors.ts';
import { limits } from '../shared/limits.ts';
import { AdminSessions } from './admin-session.ts';

const secret = 'a secret of the tests that is long enough';
const config = { adminUsername: 'admin', adminPassword: 'correct horse', jwtSecret: secret };
const address = '192.0.2.1';

interface SetUp {
  clock: FakeClock;
  sessions: AdminSessions;
  logged: string[];
}

function setUp(changes: Partial<Record<keyof typeof config, string | null>> = {}, clock = new FakeClock()): SetUp {
  const logged: string[] = [];
  const log = { info: keep, warn: keep };
  function keep(fields: object, text: string): void {
    logged.push(`${text} ${JSON.stringify(fields)}`);
  }
  const username = changes.adminUsername ?? config.adminUsername;
  return { clock, logged, sessions: new AdminSessions({ ...config, ...changes, adminUsername: username }, clock, log) };
}

function codeOf(run: () => unknown): ErrorCode | 'none' {
  try {
    run();
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

describe('admin session', () => {
  test('a login gives a token that verifies until it expires', () => {
    const { clock, sessions } = setUp();
    const authorization = `Bearer ${sessions.login('admin', 'correct horse', address)}`;
    assert.deepEqual(sessions.verify(authorization), { username: 'admin', role: 'admin' });
    clock.advance(limits.sessionSecondsMax * 1000 - 1_000);
    assert.deepEqual(sessions.verify(authorization), { username: 'admin', role: 'admin' });
    clock.advance(1_000);
    assert.equal(
      codeOf(() => sessions.verify(authorization)),
      'session_invalid',
    );
  });

  test('a token says who issued it, for what and whom, and expires within the bound', () => {
    const { clock, sessions } = setUp();
    const first = claimsOf(sessions.login('admin', 'correct horse', address));
    const second = claimsOf(sessions.login('admin', 'correct horse', address));
    const iat = clock.wallMs() / 1000;
    const { jti, mark, ...rest } = first;
    assert.deepEqual(rest, {
      iss: 'gemini-pool',
      aud: 'gemini-pool/admin',
      sub: 'admin',
      iat,
      exp: iat + limits.sessionSecondsMax,
    });
    assert.notEqual(jti, second['jti']);
    assert.equal(mark, second['mark']);
  });

  const { clock, sessions } = setUp();
  const token = sessions.login('admin', 'correct horse', address);
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

  test('a token by hand with the right form and secret verifies: the table above refuses what it says', () => {
    assert.equal(sessions.verify(`Bearer ${forge(ours, claims)}`).username, 'admin');
  });

  test('a restart with the same settings keeps sessions, a changed password, name or secret ends them', () => {
    const later = (changes: Parameters<typeof setUp>[0]): ErrorCode | 'none' =>
      codeOf(() => setUp(changes, clock).sessions.verify(`Bearer ${token}`));
    assert.equal(later({}), 'none');
    assert.equal(later({ adminPassword: 'another' }), 'session_invalid');
    assert.equal(later({ adminPassword: null }), 'session_invalid');
    assert.equal(later({ adminUsername: 'operator' }), 'session_invalid');
    assert.equal(later({ jwtSecret: 'another secret' }), 'session_invalid');
  });

  test('without JWT_SECRET sessions work and end with the process', () => {
    const first = setUp({ jwtSecret: null });
    const authorization = `Bearer ${first.sessions.login('admin', 'correct horse', address)}`;
    assert.equal(first.sessions.verify(authorization).role, 'admin');
    assert.equal(
      codeOf(() => setUp({ jwtSecret: null }).sessions.verify(authorization)),
      'session_invalid',
    );
  });

  test('without a password nobody logs in', () => {
    const { sessions: locked, logged } = setUp({ adminPassword: null });
    for (const password of ['', 'null', 'correct horse'])
      assert.equal(
        codeOf(() => locked.login('admin', password, address)),
        'login_locked',
      );
    assert.equal(logged.length, 3);
  });

  test('wrong name, wrong password and both answer alike', () => {
    const { sessions: fresh } = setUp();
    const wrong: [string, string][] = [
      ['nobody', 'correct horse'],
      ['admin', 'wrong'],
      ['nobody', 'wrong'],
      ['', ''],
      ['Admin', 'correct horse'],
    ];
    for (const [name, password] of wrong)
      assert.equal(
        codeOf(() => fresh.login(name, password, address)),
        'login_failed',
      );
  });

  test('after failures logins wait, known and unknown users alike, and the right password works after the wait', () => {
    for (const name of ['admin', 'nobody']) {
      const { sessions: fresh, clock: time } = setUp();
      for (let i = 0; i < 6; i++)
        assert.equal(
          codeOf(() => fresh.login(name, 'wrong', address)),
          'login_failed',
        );
      assert.throws(
        () => fresh.login(name, 'correct horse', address),
        (error) => {
          assert.ok(error instanceof GatewayError);
          assert.deepEqual(error.toPlain(), { code: 'login_throttled', retryAfterMs: 1_000 });
          return true;
        },
      );
      time.advance(1_000);
      assert.ok(fresh.login('admin', 'correct horse', address).length > 0);
    }
  });

  test('a thousand bad logins: few are looked at', () => {
    const { sessions: fresh, clock: time } = setUp();
    let looked = 0;
    for (let i = 0; i < 1_000; i++) {
      if (codeOf(() => fresh.login('admin', `guess ${i}`, address)) === 'login_failed') looked++;
      time.advance(100);
    }
    assert.ok(looked <= 13, `${looked} guesses in 100 s`);
  });

  test('every attempt is logged with name, address and outcome, never with the password', () => {
    const { sessions: fresh, logged } = setUp();
    codeOf(() => fresh.login('admin', 'wrong-secret-1', address));
    codeOf(() => fresh.login('x'.repeat(5_000), 'wrong-secret-2', address));
    codeOf(() => fresh.login('my correct horse', 'admin', address));
    fresh.login('admin', 'correct horse', address);
    assert.deepEqual(logged, [
      `admin login {"username":"admin","address":"${address}","outcome":"failed"}`,
      `admin login {"username":"${'x'.repeat(64)}","address":"${address}","outcome":"failed"}`,
      `admin login {"username":"[secret]","address":"${address}","outcome":"failed"}`,
      `admin login {"username":"admin","address":"${address}","outcome":"ok"}`,
    ]);
  });
});
