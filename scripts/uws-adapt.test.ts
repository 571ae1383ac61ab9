/** The set-up step that lets uWebSockets.js load on hosts with an older C library. Works on copies of what is installed. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { AdaptError, adaptBinary, adaptElf, adaptInstalledUws, knownBinaries } from './uws-adapt.mjs';

const installed = fileURLToPath(new URL('../node_modules/uWebSockets.js', import.meta.url));

interface Needed {
  at: number;
  file: string;
  version: string;
  index: number;
  nameAt: number;
}

interface Asked {
  at: number;
  versionAt: number;
  name: string;
  index: number;
}

/** Reads what a library asks for the way the loader does: by its dynamic segment, not by the sections that the code reads. */
function readAsLoader(elf: Buffer) {
  const word = (at: number): number => Number(elf.readBigUInt64LE(at));
  const segments = Array.from({ length: elf.readUInt16LE(0x38) }, (_, index) => word(0x20) + index * 56).map((at) => ({
    type: elf.readUInt32LE(at),
    offset: word(at + 8),
    address: word(at + 16),
    size: word(at + 32),
  }));
  const fileOffset = (address: number): number => {
    const segment = segments.find((it) => it.type === 1 && address >= it.address && address < it.address + it.size);
    assert.ok(segment);
    return segment.offset + address - segment.address;
  };
  const dynamic = segments.find(({ type }) => type === 2);
  assert.ok(dynamic);
  const tags = new Map<number, number>();
  for (let at = dynamic.offset; word(at) !== 0; at += 16) tags.set(word(at), word(at + 8));
  const tag = (number: number): number => tags.get(number) ?? assert.fail(`no tag ${number}`);
  const [strings, symbols, versions] = [fileOffset(tag(5)), fileOffset(tag(6)), fileOffset(tag(0x6ffffff0))];
  const text = (at: number): string => elf.toString('latin1', strings + at, elf.indexOf(0, strings + at));

  const needed: Needed[] = [];
  for (let left = tag(0x6fffffff), fileAt = fileOffset(tag(0x6ffffffe)); left > 0; left--) {
    let at = fileAt + elf.readUInt32LE(fileAt + 8);
    for (let entries = elf.readUInt16LE(fileAt + 2); entries > 0; entries--) {
      const nameAt = elf.readUInt32LE(at + 8);
      const version = text(nameAt);
      assert.equal(elf.readUInt32LE(at), elfHash(version), `the hash of ${version}`);
      needed.push({
        at,
        file: text(elf.readUInt32LE(fileAt + 4)),
        version,
        index: elf.readUInt16LE(at + 6),
        nameAt,
      });
      at += elf.readUInt32LE(at + 12);
    }
    fileAt += elf.readUInt32LE(fileAt + 12);
  }
  const asked: Asked[] = [];
  // The string table follows the tables of symbols, so their number is not written anywhere: undefined ones come first.
  for (let number = 1; elf.readUInt16LE(symbols + number * 24 + 6) === 0; number++) {
    const at = symbols + number * 24;
    const versionAt = versions + number * 2;
    asked.push({ at, versionAt, name: text(elf.readUInt32LE(at)), index: elf.readUInt16LE(versionAt) & 0x7fff });
  }
  return { needed, asked, strings };
}

/** The hash that ELF files hold beside the name of a version. */
function elfHash(name: string): number {
  let hash = 0;
  for (const byte of Buffer.from(name)) {
    hash = (hash << 4) + byte;
    const high = hash & 0xf0000000;
    hash = (hash ^ (high >>> 24)) & ~high;
  }
  return hash >>> 0;
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A binary as it was published: the one of an older host is adapted already, and the edit is undone here. */
function publishedBytes(name: keyof typeof knownBinaries): Buffer {
  const elf = readFileSync(join(installed, name));
  const { adapted, published } = knownBinaries[name];
  if (sha256(elf) !== adapted) {
    assert.equal(sha256(elf), published);
    return elf;
  }
  const { needed, asked, strings } = readAsLoader(elf);
  const unused = needed.find(({ index }) => !asked.some((symbol) => symbol.index === index)) ?? assert.fail();
  elf.writeUInt32LE(elfHash('GLIBC_2.38'), unused.at);
  elf.writeUInt32LE(elf.indexOf('GLIBC_2.38\0', strings) - strings, unused.at + 8);
  const renamed = asked.filter(({ at }) => {
    const nameAt = strings + elf.readUInt32LE(at);
    return elf.toString('latin1', nameAt - 9, nameAt) === '__isoc23_';
  });
  // It asked for the older strtol too, whose name is the end of the newer one's: only the hash tells which was which.
  for (const older of renamed) {
    const bytes = Buffer.from(elf);
    for (const { at, versionAt } of renamed.filter((symbol) => symbol !== older)) {
      bytes.writeUInt32LE(bytes.readUInt32LE(at) - 9, at);
      bytes.writeUInt16LE(unused.index, versionAt);
    }
    if (sha256(bytes) === published) return bytes;
  }
  return assert.fail(`${name} is not what was published, adapted`);
}

const names = Object.keys(knownBinaries) as (keyof typeof knownBinaries)[];

describe('adapting uWebSockets.js', () => {
  const folder = mkdtempSync(join(tmpdir(), 'uws-adapt-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const name of names) {
    test(`${name} asks for nothing of glibc 2.38 afterwards`, () => {
      const path = join(folder, name);
      const original = publishedBytes(name);
      writeFileSync(path, original);
      const before = readAsLoader(original);
      assert.equal(before.needed.filter(({ version }) => version === 'GLIBC_2.38').length, 1);

      assert.equal(adaptBinary(path), 'adapted');
      const adapted = readFileSync(path);
      const { needed, asked } = readAsLoader(adapted);
      assert.ok(!needed.some(({ version }) => version === 'GLIBC_2.38'));
      assert.equal(new Set(needed.map(({ index }) => index)).size, needed.length, 'each version has its own index');
      const base = name.includes('x64') ? 'GLIBC_2.2.5' : 'GLIBC_2.17';
      for (const [at, { name: newName, index }] of before.asked.entries()) {
        const symbol = asked[at] ?? assert.fail();
        if (!newName.startsWith('__isoc23_')) {
          assert.deepEqual([symbol.name, symbol.index], [newName, index]);
          continue;
        }
        const version = needed.find((entry) => entry.index === symbol.index);
        assert.deepEqual(
          [symbol.name, version?.version, version?.file],
          [newName.slice('__isoc23_'.length), base, 'libc.so.6'],
        );
      }
      assert.equal(adaptBinary(path), 'already', 'a second time changes nothing');
      assert.deepEqual(readFileSync(path), adapted);
    });
  }

  test('nothing else is left beside the binaries', () => {
    assert.deepEqual(readdirSync(folder).sort(), [...names].sort());
  });

  test('a host with a newer C library, or none of the kind, is left alone', () => {
    assert.equal(adaptInstalledUws('/nowhere', { platform: 'linux', glibcVersion: '2.38' }), 'not_needed');
    assert.equal(adaptInstalledUws('/nowhere', { platform: 'linux', glibcVersion: null }), 'not_needed');
    assert.equal(adaptInstalledUws('/nowhere', { platform: 'darwin', glibcVersion: '2.36' }), 'not_needed');
  });

  test('what is not expected is refused in one line, and the way out is named', () => {
    const refuses = (work: () => unknown, problem: RegExp): void => {
      assert.throws(work, (error) => {
        assert.ok(error instanceof AdaptError);
        assert.match(error.message, problem);
        assert.match(error.message, /^[^\n]*container image[^\n]*$/);
        return true;
      });
    };
    const debian = { platform: 'linux', glibcVersion: '2.36' } as const;
    refuses(() => adaptInstalledUws(folder, { ...debian, glibcVersion: '2.31' }), /needs glibc 2\.36/);
    refuses(() => adaptInstalledUws(folder, { ...debian, arch: 'riscv64' }), /not known/);
    refuses(() => adaptInstalledUws(join(folder, 'none'), { ...debian, arch: 'x64', abi: '115' }), /is missing/);
    const altered = join(folder, 'uws_linux_x64_137.node');
    writeFileSync(altered, readFileSync(altered).fill(1, 4_000_000, 4_000_016));
    refuses(() => adaptBinary(altered), /not the binary that was published/);

    const published = publishedBytes('uws_linux_x64_115.node');
    const without = (text: string, other: string): Buffer => {
      const bytes = Buffer.from(published);
      for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at)) bytes.write(other, at, 'latin1');
      return bytes;
    };
    refuses(
      () => adaptElf(without('\0__isoc23_strtoul\0', '\0__isoc23_strtoux\0'), 'x64'),
      /asks for __isoc23_strtoux/,
    );
    refuses(() => adaptElf(without('\0.gnu.version_r\0', '\0.gnu.version_x\0'), 'x64'), /no section \.gnu\.version_r/);
    refuses(() => adaptElf(without('\0GLIBC_2.38\0', '\0GLIBC_2.39\0'), 'x64'), /versions it asks for/);
    refuses(() => adaptElf(Buffer.from('not a library'), 'x64'), /no 64-bit ELF/);
  });

  test('a published package that was adapted loads and answers over HTTP', () => {
    // A copy, with the binary of this host as it came from the registry, if it is one that can need adapting.
    const copy = join(folder, 'host', 'node_modules', 'uWebSockets.js');
    mkdirSync(copy, { recursive: true });
    const binary = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;
    for (const file of ['package.json', 'ESM_wrapper.mjs', 'uws.js', binary])
      copyFileSync(join(installed, file), join(copy, file));
    const known = names.find((name) => name === binary);
    if (known !== undefined) writeFileSync(join(copy, binary), publishedBytes(known));
    adaptInstalledUws(copy);
    const script = `
      import { App, us_socket_local_port, us_listen_socket_close } from 'uWebSockets.js';
      App().any('/*', (res) => res.end('rain')).listen('127.0.0.1', 0, async (socket) => {
        const answer = await fetch('http://127.0.0.1:' + us_socket_local_port(socket));
        process.stdout.write(await answer.text());
        us_listen_socket_close(socket);
        process.exit(0);
      });`;
    const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: join(folder, 'host'),
      encoding: 'utf8',
      timeout: 20_000,
    });
    assert.equal(output, 'rain');
  });
});
