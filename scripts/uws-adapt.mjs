/**
 * Lets the prebuilt binary of uWebSockets.js load on hosts whose C library is older than 2.38. All that it uses of glibc
 * 2.38 is sscanf, strtol and strtoul under the names that C23 gave them (`__isoc23_…`): each is pointed at its older name
 * and version. Only binaries whose SHA-256 is known are edited; anything unexpected is refused.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** What the binaries ask for and an older C library lacks. */
const missingVersion = 'GLIBC_2.38';
const renamedPrefix = '__isoc23_';
const renamedSymbols = ['__isoc23_sscanf', '__isoc23_strtol', '__isoc23_strtoul'];

/** The version that each architecture's C library began with: where the older names are. */
const baseVersions = { x64: 'GLIBC_2.2.5', arm64: 'GLIBC_2.17' };

/** By file, the SHA-256 of the binary as published in @btc-vision/uwebsockets.js 20.57.0, and of the adapted one. */
export const knownBinaries = {
  'uws_linux_x64_115.node': {
    published: '5b126ee00bf754b02e97e4c27090365a8562c5820c93f93918ac2212d4503e91',
    adapted: '0b40a7ff2a1e1d38e8d34ac9b69bf5cf757fcbbbe56fe3bc981ee5c664ebf314',
  },
  'uws_linux_x64_137.node': {
    published: '98128405dba2fb608448e921a979530f70c946a2cc9889c15f2fa70c2d00ab05',
    adapted: '2630bb59236deeadf501d6abaf79c1a655b4a0b78579fba408eea84d1a30f6ca',
  },
  'uws_linux_arm64_115.node': {
    published: '6bdbc8ff976b4371af1906175e9025804bacc38a414969f4f02314e6b99f206c',
    adapted: 'eaa12cdd49c20a8fb1485dc055cc141ae85b64e2db245630085f93fec9e6601d',
  },
  'uws_linux_arm64_137.node': {
    published: '88618b30ddf6b2b62310db89f40a701616676352aac5e0f6184dd8ef876199ce',
    adapted: '50691cb2ed74d2e1711806a07a3f3c6419db5fd63d776c171912f9c097fd270a',
  },
};

/** A binary that can't be adapted; the message says what to do instead. */
export class AdaptError extends Error {
  constructor(/** @type {string} */ problem) {
    super(
      `uWebSockets.js cannot be adapted to this host's C library: ${problem}. Use the container image, or a host with glibc 2.38 or newer.`,
    );
    this.name = 'AdaptError';
  }
}

/**
 * Adapts the binary that this Node would load, if this host needs it. Says what it did: `not_needed`, `already`, `adapted`.
 * Throws an AdaptError when it can't. `glibcVersion` is the C library's, null on hosts without one.
 */
export function adaptInstalledUws(
  /** @type {string} */ packageDir,
  {
    platform = process.platform,
    glibcVersion = hostGlibcVersion(),
    arch = process.arch,
    abi = process.versions.modules,
  } = {},
) {
  if (platform !== 'linux' || glibcVersion === null || isAtLeast(glibcVersion, 2, 38)) return 'not_needed';
  if (!isAtLeast(glibcVersion, 2, 36)) throw new AdaptError(`it needs glibc 2.36, and this host has ${glibcVersion}`);
  return adaptBinary(join(packageDir, `uws_linux_${arch}_${abi}.node`));
}

/** Adapts one binary in place, atomically. Gives `already` when that was done before. */
export function adaptBinary(/** @type {string} */ path) {
  const name = basename(path);
  const known = Object.entries(knownBinaries).find(([file]) => file === name)?.[1];
  if (known === undefined) throw new AdaptError(`${name} is not known, only those of Node 20 and 24 are`);
  if (!existsSync(path)) throw new AdaptError(`${name} is missing`);
  const bytes = readFileSync(path);
  const hash = sha256(bytes);
  if (hash === known.adapted) return 'already';
  if (hash !== known.published) throw new AdaptError(`${name} is not the binary that was published`);
  const adapted = adaptElf(bytes, name.includes('_arm64_') ? 'arm64' : 'x64');
  if (sha256(adapted) !== known.adapted) throw new AdaptError(`${name} came out other than it should`);
  const temporary = `${path}.${process.pid}`;
  try {
    writeFileSync(temporary, adapted, { mode: 0o755 });
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
  return 'adapted';
}

/**
 * The bytes of an adapted copy of a 64-bit little-endian ELF library. The entry for glibc 2.38 keeps its own version index
 * (`vna_other`), which no symbol refers to afterwards, and needs no weak flag, since what it now asks for is always there.
 */
export function adaptElf(/** @type {Buffer} */ original, /** @type {'x64' | 'arm64'} */ arch) {
  const elf = readElf(original);
  const needed = neededVersions(elf);
  const base = needed.find(({ version }) => version === baseVersions[arch]);
  const missing = needed.filter(({ version }) => version === missingVersion);
  const [target] = missing;
  if (base === undefined || target === undefined || missing.length !== 1)
    throw new AdaptError('the versions it asks for are not those that were expected');
  const { bytes } = elf;
  for (let index = 0; index < elf.dynsym.size / symbolSize; index++) {
    const versionAt = elf.versym.offset + index * 2;
    if ((bytes.readUInt16LE(versionAt) & 0x7fff) !== target.index) continue;
    const symbolAt = elf.dynsym.offset + index * symbolSize;
    const nameAt = bytes.readUInt32LE(symbolAt);
    const name = elf.string(nameAt);
    const isDefined = bytes.readUInt16LE(symbolAt + 6) !== 0;
    if (isDefined || !renamedSymbols.includes(name)) throw new AdaptError(`it asks for ${name}`);
    // The older name is the rest of the newer one, so it needs no new string.
    bytes.writeUInt32LE(nameAt + renamedPrefix.length, symbolAt);
    bytes.writeUInt16LE(base.index, versionAt);
  }
  // The loader checks every version that is asked for, used or not: this one now asks for the base a second time.
  bytes.writeUInt32LE(base.hash, target.offset);
  bytes.writeUInt32LE(base.nameAt, target.offset + 8);
  return bytes;
}

/** The versions of the C library that a binary asks for. */
export function glibcVersionsOf(/** @type {Buffer} */ bytes) {
  return neededVersions(readElf(bytes)).map(({ version }) => version);
}

const symbolSize = 24;

/** Finds the sections that matter, in a copy of the bytes. Offsets are those of the ELF-64 specification. */
function readElf(/** @type {Buffer} */ original) {
  const bytes = Buffer.from(original);
  if (bytes.length < 64 || bytes.toString('latin1', 0, 6) !== '\x7fELF\x02\x01')
    throw new AdaptError('it is no 64-bit ELF file');
  const headersAt = Number(bytes.readBigUInt64LE(0x28));
  const headerSize = bytes.readUInt16LE(0x3a);
  const sections = Array.from({ length: bytes.readUInt16LE(0x3c) }, (_, index) => {
    const at = headersAt + index * headerSize;
    return {
      nameAt: bytes.readUInt32LE(at),
      offset: Number(bytes.readBigUInt64LE(at + 0x18)),
      size: Number(bytes.readBigUInt64LE(at + 0x20)),
      entries: bytes.readUInt32LE(at + 0x2c),
    };
  });
  const names = sections[bytes.readUInt16LE(0x3e)];
  if (names === undefined) throw new AdaptError('it has no section names');
  const text = (/** @type {number} */ at) => bytes.toString('latin1', at, bytes.indexOf(0, at));
  const find = (/** @type {string} */ name) => {
    const section = sections.find(({ nameAt }) => text(names.offset + nameAt) === name);
    if (section === undefined) throw new AdaptError(`it has no section ${name}`);
    return section;
  };
  const dynstr = find('.dynstr');
  return {
    bytes,
    dynsym: find('.dynsym'),
    versym: find('.gnu.version'),
    verneed: find('.gnu.version_r'),
    string: (/** @type {number} */ at) => text(dynstr.offset + at),
  };
}

/** All entries of `.gnu.version_r` that are versions of glibc. */
function neededVersions(/** @type {ReturnType<typeof readElf>} */ { bytes, verneed, string }) {
  const versions = [];
  let fileAt = verneed.offset;
  for (let file = 0; file < verneed.entries; file++) {
    let at = fileAt + bytes.readUInt32LE(fileAt + 8);
    const isLibc = string(bytes.readUInt32LE(fileAt + 4)) === 'libc.so.6';
    for (let entry = bytes.readUInt16LE(fileAt + 2); entry > 0; entry--) {
      const nameAt = bytes.readUInt32LE(at + 8);
      if (isLibc)
        versions.push({
          offset: at,
          hash: bytes.readUInt32LE(at),
          index: bytes.readUInt16LE(at + 6),
          nameAt,
          version: string(nameAt),
        });
      at += bytes.readUInt32LE(at + 12);
    }
    fileAt += bytes.readUInt32LE(fileAt + 12);
  }
  return versions;
}

/** The host's glibc as "2.36"; null on hosts with another C library. */
function hostGlibcVersion() {
  const report = process.report.getReport();
  const { header } = typeof report === 'string' ? JSON.parse(report) : report;
  return header.glibcVersionRuntime ?? null;
}

function isAtLeast(/** @type {string} */ version, /** @type {number} */ major, /** @type {number} */ minor) {
  const [hostMajor = 0, hostMinor = 0] = version.split('.').map(Number);
  return hostMajor > major || (hostMajor === major && hostMinor >= minor);
}

function sha256(/** @type {Buffer} */ bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}
