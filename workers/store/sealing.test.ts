import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { DatabaseRefused } from './database.ts';
import { openSealer, Sealer, UnsealError } from './sealing.ts';

const key = 'ab'.repeat(32);

describe('sealing', () => {
  let folder: string;
  let database: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gemini-pool-sealing-'));
    database = join(folder, 'pool.db');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('a secret comes back with its key and context, and with no other', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (secret, context) => {
        const sealer = new Sealer(Buffer.from(key, 'hex'));
        const sealed = sealer.seal(secret, context);
        assert.equal(sealer.unseal(sealed, context), secret);
        assert.throws(() => sealer.unseal(sealed, `${context}.`), UnsealError);
        assert.throws(() => new Sealer(Buffer.alloc(32)).unseal(sealed, context), UnsealError);
      }),
    );
  });

  test('whichever byte is changed, or cut off, it does not open', () => {
    const sealer = new Sealer(Buffer.from(key, 'hex'));
    const sealed = sealer.seal('AIza-secret', 'id');
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      assert.throws(() => sealer.unseal(changed, 'id'), UnsealError);
      assert.throws(() => sealer.unseal(sealed.subarray(0, at), 'id'), UnsealError);
    }
  });

  test('the same secret is sealed differently each time', () => {
    const sealer = new Sealer(Buffer.from(key, 'hex'));
    assert.notDeepEqual(sealer.seal('s', 'id'), sealer.seal('s', 'id'));
  });

  test('without a configured key, a file is made once that only its owner can read', () => {
    const sealed = openSealer(database, null).seal('secret', 'id');
    assert.equal(openSealer(database, null).unseal(sealed, 'id'), 'secret');
    assert.equal(statSync(`${database}.key`).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(folder), ['pool.db.key']);
  });

  test('a configured key makes no file', () => {
    openSealer(database, key);
    assert.deepEqual(readdirSync(folder), []);
  });

  test('what a process that was killed while making the file left behind does no harm', () => {
    writeFileSync(`${database}.key.new`, 'half a k', { mode: 0o600 });
    openSealer(database, null);
    assert.deepEqual(readdirSync(folder), ['pool.db.key']);
    assert.match(readFileSync(`${database}.key`, 'utf8'), /^[0-9a-f]{64}\n$/);
  });

  test('a key file that others can read is refused, with the remedy', () => {
    openSealer(database, null);
    for (const mode of [0o640, 0o604, 0o660]) {
      chmodSync(`${database}.key`, mode);
      assert.throws(
        () => openSealer(database, null),
        (error) => error instanceof DatabaseRefused && error.message.includes(`chmod 600 ${database}.key`),
      );
    }
  });

  test('a key file that holds no key is refused and stays as it is', () => {
    for (const text of ['', 'abc', 'g'.repeat(64), `${key}${key}`]) {
      writeFileSync(`${database}.key`, text, { mode: 0o600 });
      assert.throws(() => openSealer(database, null), DatabaseRefused);
      assert.equal(readFileSync(`${database}.key`, 'utf8'), text);
    }
  });
});
