/**
 * The rules of the repository as a test: sizes, names, the direction of imports, where the environment, the clock and
 * chance may be read, and that what is written down for people agrees with the code.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { errorCatalogue } from '../shared/error-catalogue.ts';
import { settings } from '../shared/settings.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const folders = ['admin', 'bench', 'gateway', 'scripts', 'shared', 'workers'] as const;
const linesMax = 300;

/** Files that run by themselves; everything else must be imported from one of them. */
const entries = [
  'gateway/main.ts',
  'workers/translate-worker.ts',
  'workers/writer-process.ts',
  'workers/report-reader.ts',
  'admin/main.tsx',
  'scripts/backup.ts',
  'scripts/doctor.ts',
  'scripts/documents.ts',
  'scripts/health-check.ts',
  'scripts/restore.ts',
  'bench/main.ts',
  'bench/demo.ts',
  'bench/writer-link.ts',
  'bench/simulator/main.ts',
];

/** Which folders the sources of a folder may import from, tests aside. */
const mayImport: Readonly<Record<(typeof folders)[number], readonly string[]>> = {
  shared: ['shared'],
  workers: ['workers', 'shared'],
  gateway: ['gateway', 'shared'],
  admin: ['admin', 'shared'],
  bench: ['bench', 'shared', 'workers'],
  scripts: ['scripts', 'shared', 'workers'],
};

/** The one file that may touch a package with an edge of its own, so that replacing it touches one file. */
const soleImporters: Readonly<Record<string, readonly string[]>> = {
  'uWebSockets.js': ['gateway/front-server.ts', 'gateway/downstream.ts', 'bench/simulator/server.ts'],
  piscina: ['gateway/dispatch.ts', 'gateway/reports.ts'],
  undici: ['workers/gemini-client.ts', 'workers/remote-media.ts'],
  'ipaddr.js': ['workers/address-guard.ts'],
  'better-sqlite3': ['workers/store/database.ts'],
  jsonwebtoken: ['gateway/admin-session.ts'],
  'eventsource-parser': ['workers/gemini-events.ts', 'admin/state/event-stream.ts'],
  pino: ['shared/log.ts'],
  'prom-client': ['gateway/metrics.ts'],
};

interface Source {
  path: string;
  text: string;
  isTest: boolean;
}

function sourcesBelow(folder: string): Source[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|tsx|mjs)$/.test(entry.name) && !entry.name.endsWith('.d.ts'))
    .filter((entry) => !entry.parentPath.includes('node_modules'))
    .map((entry) => {
      const path = relative(root, join(entry.parentPath, entry.name));
      return { path, text: readFileSync(join(root, path), 'utf8'), isTest: /\.test\.tsx?$|\/e2e\//.test(path) };
    });
}

const sources = folders.flatMap((folder) => {
  try {
    return sourcesBelow(folder);
  } catch (error) {
    // A folder that is decided but not begun.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
});
const code = sources.filter(({ isTest }) => !isTest);

function importsOf({ text }: Source): string[] {
  return [
    ...text.matchAll(/(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g),
  ].map((match) => match[1] ?? match[2] ?? '');
}

function folderOf(path: string): string {
  return path.split('/', 1)[0] ?? '';
}

function offenders(check: (source: Source) => boolean, among: readonly Source[] = code): string[] {
  return among.filter(check).map(({ path }) => path);
}

describe('tidy', () => {
  test(`a file has at most ${linesMax} lines`, () => {
    assert.deepEqual(
      offenders(({ text }) => text.split('\n').length - 1 > linesMax),
      [],
    );
  });

  test('a file is named after its job', () => {
    const vague = /(^|[-/])(utils?|helpers?|common|misc|index|stuff|types)\.\w+$/;
    assert.deepEqual(
      offenders(({ path }) => vague.test(path) || !/^[a-z0-9./-]+$/.test(path), sources),
      [],
    );
  });

  test('imports go one way', () => {
    const wrong = code.flatMap((source) => {
      const folder = folderOf(source.path);
      const allowed = folders.find((known) => known === folder);
      return importsOf(source)
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => folderOf(relative(root, resolve(root, dirname(source.path), specifier))))
        .filter((target) => allowed === undefined || !mayImport[allowed].includes(target))
        .map((target) => `${source.path} imports from ${target}`);
    });
    assert.deepEqual(wrong, []);
  });

  test('the panel takes nothing but types from outside its folder', () => {
    const values = /(?:^|\n)import (?!type\b)[^;]*?from '(?:\.\.\/)+shared\//;
    assert.deepEqual(
      offenders(({ path, text }) => path.startsWith('admin/') && values.test(text)),
      [],
    );
  });

  test('each edge to a package is in one file', () => {
    const wrong = code.flatMap((source) =>
      importsOf(source)
        .filter((specifier) => soleImporters[specifier]?.includes(source.path) === false)
        .map((specifier) => `${source.path} imports ${specifier}`),
    );
    assert.deepEqual(wrong, []);
  });

  test('every file is reached from an entry', () => {
    const byPath = new Map(code.map((source) => [source.path, source]));
    const reached = new Set<string>();
    const visit = (path: string): void => {
      const source = byPath.get(path);
      if (source === undefined || reached.has(path)) return;
      reached.add(path);
      for (const specifier of importsOf(source))
        if (specifier.startsWith('.')) visit(relative(root, resolve(root, dirname(path), specifier)));
    };
    for (const entry of entries) visit(entry);
    assert.deepEqual(
      offenders(({ path }) => /\.tsx?$/.test(path) && !reached.has(path)),
      [],
    );
  });

  test('only config.ts reads the environment of the product', () => {
    const product = code.filter(({ path }) => /^(shared|gateway|workers|admin)\//.test(path));
    assert.deepEqual(
      offenders(({ text }) => /\bprocess\.env\b/.test(text), product),
      ['shared/config.ts'],
    );
  });

  test('only clock.ts reads the wall clock, only ids.ts draws by chance', () => {
    const product = code.filter(({ path }) => /^(shared|gateway|workers)\//.test(path));
    assert.deepEqual(
      offenders(({ text }) => /\bDate\.now\(|new Date\(\)/.test(text), product),
      ['shared/clock.ts'],
    );
    assert.deepEqual(
      offenders(({ text }) => /\bMath\.random\(|\brandomBytes\(|\brandomUUID\(/.test(text), product),
      ['shared/ids.ts'],
    );
  });

  test('nothing is left to do silently, and no test is skipped', () => {
    assert.deepEqual(
      offenders(({ path, text }) => path !== 'scripts/tidy.test.ts' && /\b(TODO|FIXME|XXX)\b/.test(text), sources),
      [],
    );
    const skipped = /\b(test|it|describe)\.(skip|only|todo)\b|\bskip: *(true|['"])/;
    assert.deepEqual(
      offenders(({ path, text }) => path !== 'scripts/tidy.test.ts' && skipped.test(text), sources),
      [],
    );
  });

  test('.env.example has a line for each setting, in the order of the configuration', () => {
    const names = [...readFileSync(join(root, '.env.example'), 'utf8').matchAll(/^#?\s?([A-Z][A-Z0-9_]+)=/gm)].map(
      (match) => match[1],
    );
    assert.deepEqual(
      names,
      Object.values(settings).map(({ env }) => env),
    );
  });

  test("README's table of errors is the catalogue", () => {
    const rows = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^\| `([a-z_]+)` \| (\d{3}) \|/gm)].map(
      (match) => `${match[1]} ${match[2]}`,
    );
    assert.deepEqual(
      rows,
      Object.entries(errorCatalogue).map(([name, { status }]) => `${name} ${status}`),
    );
  });
});
