/** Password hashes: what is stored, what verifies, and that a flood of them waits in a bounded line (ASVS 6.5.2, 6.3.8). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GatewayError } from '../../shared/errors.ts';
import { Passwords } from './passwords.ts';

const quick = { N: 2, r: 1, p: 1 };

describe('passwords', () => {
  test('are hashed with scrypt at N=2^15 r=8 p=3, the parameters beside the salt and the key', async () => {
    const passwords = new Passwords();
    const hash = await passwords.hash('analytical engine');
    assert.match(hash, /^scrypt\$32768\$8\$3\$[\w-]{22}\$[\w-]{43}$/);
    assert.equal(await passwords.verify('analytical engine', hash), true);
    assert.equal(await passwords.verify('analytical engine ', hash), false);
    assert.equal(passwords.isOutdated(hash), false);
  });

  test('the same password has another hash each time', async () => {
    const passwords = new Passwords(quick);
    assert.notEqual(await passwords.hash('x'), await passwords.hash('x'));
  });

  test('hashes of other parameters verify and are told apart', async () => {
    const hash = await new Passwords({ N: 4, r: 2, p: 2 }).hash('x');
    const passwords = new Passwords(quick);
    assert.equal(await passwords.verify('x', hash), true);
    assert.equal(await passwords.verify('y', hash), false);
    assert.equal(passwords.isOutdated(hash), true);
  });

  test('letters that are composed and letters that are not are the same password', async () => {
    const passwords = new Passwords(quick);
    assert.equal(await passwords.verify('cafe\u0301', await passwords.hash('caf\u00e9')), true);
  });

  test('nobody, and what is no hash, verify with no password', async () => {
    const passwords = new Passwords(quick);
    for (const hash of [null, '', 'x', 'scrypt$2$1$1$$', 'plain password'])
      for (const password of ['', 'x', 'plain password']) assert.equal(await passwords.verify(password, hash), false);
  });

  test('many at once wait in a line, and beyond its end are refused; afterwards it works again', async () => {
    const passwords = new Passwords(quick);
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, () =>
        passwords.hash('x').then(
          () => 'hashed',
          (error: unknown) => (error instanceof GatewayError ? error.code : String(error)),
        ),
      ),
    );
    assert.equal(outcomes.filter((outcome) => outcome === 'hashed').length, 32);
    assert.equal(outcomes.filter((outcome) => outcome === 'overloaded').length, 68);
    assert.equal((await passwords.hash('x')).startsWith('scrypt$'), true);
  });
});
