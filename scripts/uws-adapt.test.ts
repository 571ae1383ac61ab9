/** The set-up step that lets uWebSockets.js load on hosts with an older C library. Works on copies of what is installed. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { adaptBinary, adaptElf, adaptInstalledUws, glibcVersionsOf, knownBinaries } from './uws-adapt.mjs';

const installed = fileURLToPath(new URL('../node_modules/uWebSockets.js', import.meta.url));

describe('adapting uWebSockets.js', () => {
  const folder = mkdtempSync(join(tmpdir(), 'uws-adapt-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const name of Object.keys(knownBinaries)) {
    test(`${name} asks for nothing of glibc 2.38 afterwards`, () => {
      const path = join(folder, name);
      copyFileSync(join(installed, name), path);
      // The one of this host is adapted already; the others are as they were published.
      assert.match(adaptBinary(path), /^(adapted|already)$/);
      assert.ok(!glibcVersionsOf(readFileSync(path)).includes('GLIBC_2.38'));
      assert.equal(adaptBinary(path), 'already', 'a second time changes nothing');
    });
  }

  test('a host with a newer C library, or none of the kind, is left alone', () => {
    assert.equal(adaptInstalledUws('/nowhere', { glibcVersion: '2.41' }), 'not_needed');
    assert.equal(adaptInstalledUws('/nowhere', { glibcVersion: null }), 'not_needed');
  });

  test('what is not expected is refused, and the way out is named', () => {
    const wayOut = /container image/;
    assert.throws(() => adaptInstalledUws(folder, { glibcVersion: '2.31' }), wayOut);
    assert.throws(() => adaptInstalledUws(folder, { glibcVersion: '2.36', arch: 'riscv64' }), wayOut);
    const altered = join(folder, 'uws_linux_x64_137.node');
    const bytes = readFileSync(altered);
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
    writeFileSync(altered, bytes);
    assert.throws(() => adaptBinary(altered), wayOut);
    assert.throws(() => adaptElf(Buffer.from('not a library'), 'x64'), wayOut);
    assert.throws(() =>
      adaptElf(Buffer.from(readFileSync(join(installed, 'uws_linux_arm64_137.node')).subarray(0, 64)), 'arm64'),
    );
  });

  test('the installed package loads and answers over HTTP', () => {
    const script = `
      import { App, us_socket_local_port, us_listen_socket_close } from 'uWebSockets.js';
      App().any('/*', (res) => res.end('rain')).listen('127.0.0.1', 0, async (socket) => {
        const answer = await fetch('http://127.0.0.1:' + us_socket_local_port(socket));
        process.stdout.write(await answer.text());
        us_listen_socket_close(socket);
        process.exit(0);
      });`;
    const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      encoding: 'utf8',
      timeout: 20_000,
    });
    assert.equal(output, 'rain');
  });
});
