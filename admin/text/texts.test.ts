/** The panel's texts: both languages say the same things, and none is there that nobody shows. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { settings } from '../../shared/settings.ts';
import { enLabels } from './en-labels.ts';
import { enSentences } from './en-sentences.ts';
import { zhLabels } from './zh-labels.ts';
import { zhSentences } from './zh-sentences.ts';
import { zhSettings } from './zh-settings.ts';

const admin = fileURLToPath(new URL('..', import.meta.url));
const en: Readonly<Record<string, string>> = { ...enLabels, ...enSentences };
const zh: Readonly<Record<string, string>> = { ...zhLabels, ...zhSentences };

/** Keys that are made from data, by what stands before the dot. */
const made = /^(by|endedBy|error|heat|limit|outcome|page|phase|price|project|range|rain|reason|role|source)\./;

function parameters(text = ''): string[] {
  return [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '').sort();
}

describe('texts', () => {
  test('both languages have the same keys, with the same parameters', () => {
    assert.deepEqual(Object.keys(zh).sort(), Object.keys(en).sort());
    for (const key of Object.keys(en)) assert.deepEqual(parameters(zh[key]), parameters(en[key]), key);
  });

  test('every setting is explained in Chinese', () => {
    assert.deepEqual(
      Object.keys(zhSettings).sort(),
      Object.values(settings)
        .map(({ env }) => env)
        .sort(),
    );
  });

  test('each is shown somewhere', () => {
    const sources = readdirSync(admin, { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.tsx?$/.test(path) && !path.startsWith('text/en') && !path.startsWith('text/zh'))
      .map((path) => readFileSync(join(admin, path), 'utf8'))
      .join('\n');
    const unused = Object.keys(en).filter((key) => !made.test(key) && !sources.includes(`'${key}'`));
    assert.deepEqual(unused, []);
  });
});
