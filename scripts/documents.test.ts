/** The documents agree with the code and with each other: generated pages are up to date, and every link leads somewhere. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { settings } from '../shared/settings.ts';
import { compatibilityPage, verdictOn } from './documents/compatibility-page.ts';
import { configurationPage } from './documents/configuration-page.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const pages = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** The address that a heading has within its page, as GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');
}

function anchorsOf(path: string): Set<string> {
  const text = read(path).replaceAll(/^```[\s\S]*?^```$/gm, '');
  return new Set([...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading)));
}

describe('documents', () => {
  for (const [path, page] of [
    ['docs/configuration.md', configurationPage],
    ['docs/compatibility.md', compatibilityPage],
  ] as const)
    test(`${path} is what the code says; npm run docs brings it up to date`, () => {
      assert.equal(read(path), page());
    });

  test('the compatibility page tells the four verdicts apart', () => {
    const model = 'gemini-3.8-flash';
    assert.equal(verdictOn(model, { stop: 'END' }), 'honoured');
    assert.equal(verdictOn(model, { user: 'a' }), 'accepted, no effect');
    assert.equal(verdictOn(model, { logit_bias: { 1: 1 } }), 'left out, warns `logit_bias`');
    assert.equal(verdictOn(model, { logprobs: true }), 'refused, `unsupported_parameter`');
  });

  for (const path of pages)
    test(`${path}: links lead somewhere`, () => {
      const text = read(path).replaceAll(/^```[\s\S]*?^```$/gm, '');
      const broken = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !/^https?:/.test(target))
        .filter((target) => {
          const [file = '', anchor] = target.split('#');
          const other = file === '' ? path : join(dirname(path), file);
          return !existsSync(join(root, other)) || (anchor !== undefined && !anchorsOf(other).has(anchor));
        });
      assert.deepEqual(broken, []);
    });

  test('every setting that a page names exists', () => {
    const known = new Set<string>(Object.values(settings).map(({ env }) => env));
    // Settings of other programs, and constants.
    const others =
      /^(DOMAIN|GATEWAY|OPENAI_[A-Z_]+|CHANGELOG|CONTRIBUTING|SECURITY|README|BACKUP|SQLITE_TMPDIR|SIGTERM)$/;
    const unknown = pages
      .filter((path) => path !== 'CHANGELOG.md')
      .flatMap((path) =>
        [...read(path).matchAll(/`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=[^`]*)?`/g)].map(([, name = '']) => name),
      )
      .filter((name) => !known.has(name) && !others.test(name));
    assert.deepEqual([...new Set(unknown)], []);
  });

  test('the Chinese README has the same blocks and the same tables as the English one', () => {
    const blocks = (path: string): string[] => [...read(path).matchAll(/^```[\s\S]*?^```$/gm)].map(([block]) => block);
    assert.deepEqual(blocks('README.zh-CN.md'), blocks('README.md'));
    const codes = (path: string): string[] =>
      [...read(path).matchAll(/^\| `([a-z_]+)` \| (\d{3}) \|/gm)].map(([, name, status]) => `${name} ${status}`);
    assert.deepEqual(codes('README.zh-CN.md'), codes('README.md'));
    const sections = (path: string): number => [...read(path).matchAll(/^## /gm)].length;
    assert.equal(sections('README.zh-CN.md'), sections('README.md'));
  });
});
