/**
 * S-13: texts that are made to keep a regular expression busy do not: every one in the sources is put to long repetitions of
 * what it is made of, and every field of a request that meets one to a megabyte of them.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createContext, Script } from 'node:vm';
import { complete, expectQuiet, metric, type Stack, startStack, testModel } from './harness.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Where a text of any length can't come: by file and expression, with what bounds it. */
const bounded = new Map([
  ['shared/setting-readers.ts /\\/+$/', "the operator's own setting"],
  ['gateway/route-table.ts /\\/+$/', 'a path is part of a bounded head, and one with two slashes is refused before'],
  ['workers/address-guard.ts /\\.+$/', 'the host of a URL of at most 8,192 characters'],
]);

const chars = 100_000;
/** CPU time for one text: a linear search takes one or two milliseconds, a quadratic one hundreds, or minutes. */
const cpuMsMax = 100;
/** After this a search is given up. */
const msMax = 2_000;

interface Expression {
  file: string;
  literal: string;
}

/** The literals in a source, as far as they can be told from divisions: those that are arguments, values or callees. */
function expressionsIn(file: string): Expression[] {
  const code = readFileSync(join(root, file), 'utf8').replace(/^\s*(\/?\*|\/\/).*$/gm, '');
  const literal =
    /(?<=[(,=[:&|!?]\s*|=>\s*|return )(\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[dgimsuvy]*)(?=[.,;)\]\s])/g;
  return [...code.matchAll(literal)].map(([, found = '']) => ({ file, literal: found }));
}

/** What an expression might be kept busy with: its own words and characters, and what commonly repeats. */
function texts(literal: string): string[] {
  const source = literal.slice(1, literal.lastIndexOf('/'));
  const plain = source.replace(/\\[wdsWDSb]/g, ' ').replace(/\\(.)/g, '$1');
  const words = plain.match(/[\w ./:="@-]{2,}/g) ?? [];
  const single = new Set([...plain.replace(/[^\x20-\x7e]/g, ''), ...'aA0 ./\\"=-_:\n']);
  const pumps = [...single, ...words, ...words.map((word) => `${word}1`)];
  return pumps.flatMap((pump) =>
    ['', ...words].map((prefix) => `${prefix}${pump.repeat(Math.ceil(chars / pump.length))}\u0001`),
  );
}

/** Whether an expression takes too long for one of the texts that are made for it. */
function isSlow(literal: string): boolean {
  const context = createContext({ text: '' });
  const search = new Script(`text.replace(${literal}, '')`);
  return texts(literal).some((text) => {
    context['text'] = text;
    const before = process.cpuUsage();
    try {
      search.runInContext(context, { timeout: msMax });
    } catch {
      return true;
    }
    return process.cpuUsage(before).user / 1_000 > cpuMsMax;
  });
}

describe('S-13 regular expressions', () => {
  const files = ['shared', 'gateway', 'workers'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter(({ name, parentPath }) => /(?<!\.test)\.ts$/.test(name) && !/\/(e2e|node_modules)(\/|$)/.test(parentPath))
      .map(({ name, parentPath }) => relative(root, join(parentPath, name))),
  );
  const expressions = files.flatMap(expressionsIn);

  test('S-13 none in the sources takes more than a look at each character, whatever it is put to', () => {
    assert.ok(expressions.length > 100, `${expressions.length} were found`);
    const slow = expressions
      .filter(({ file, literal }) => !bounded.has(`${file} ${literal}`) && isSlow(literal))
      .map(({ file, literal }) => `${file} ${literal}`);
    assert.deepEqual(slow, []);
  });
});

describe('S-13 fields', () => {
  const megabyte = 1_000_000;
  /** Ten times what an honest body of this size takes on a busy machine; what is quadratic takes minutes. */
  const answerMsMax = 5_000;
  const pumps = [' ', '=', '.', '/', ':', '-', 'a', '0', '\\', '\n', ';base64,', 'https://', '{"tools":['];
  const call = (id: string): unknown => ({
    messages: [
      { role: 'user', content: 'Hello' },
      { role: 'assistant', tool_calls: [{ id, type: 'function', function: { name: 'f', arguments: '{}' } }] },
      { role: 'tool', tool_call_id: id, content: 'x' },
    ],
  });
  const part = (value: unknown): unknown => ({ messages: [{ role: 'user', content: [value] }] });
  const fields: [name: string, body: (text: string) => unknown][] = [
    ['model', (text) => ({ model: text })],
    ['role', (text) => ({ messages: [{ role: text, content: 'x' }] })],
    ['name', (text) => ({ messages: [{ role: 'user', name: text, content: 'x' }] })],
    ['content', (text) => ({ messages: [{ role: 'user', content: text }] })],
    ['the id of a call', call],
    ['the signature in the id of a call', (text) => call(`x__thought__${text}`)],
    ['the name of a tool', (text) => ({ tools: [{ type: 'function', function: { name: text } }] })],
    [
      'the arguments of a call',
      (text) => ({
        messages: [
          { role: 'user', content: 'Hello' },
          { role: 'assistant', tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: text } }] },
        ],
      }),
    ],
    ['the answer of a tool', (text) => ({ messages: [{ role: 'tool', tool_call_id: 'a', content: text }] })],
    [
      'a key of a schema',
      (text) => ({
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'x', schema: { type: 'object', properties: { [text]: {} } } },
        },
      }),
    ],
    [
      'a pattern of a schema',
      (text) => ({
        response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'string', pattern: text } } },
      }),
    ],
    ['an image', (text) => part({ type: 'image_url', image_url: { url: text } })],
    ['the head of an image', (text) => part({ type: 'image_url', image_url: { url: `data:${text}` } })],
    [
      'the data of an image',
      (text) => part({ type: 'image_url', image_url: { url: `data:image/png;base64,${text}!` } }),
    ],
    ['the host of an image', (text) => part({ type: 'image_url', image_url: { url: `https://${text}` } })],
    ['the format of audio', (text) => part({ type: 'input_audio', input_audio: { data: 'AAAA', format: text } })],
    [
      'the name of a file',
      (text) => part({ type: 'file', file: { filename: text, file_data: 'data:text/plain;base64,AAAA' } }),
    ],
    ['stop', (text) => ({ stop: [text] })],
    ['user, metadata, cache key', (text) => ({ user: text, metadata: { [text]: text }, prompt_cache_key: text })],
    ['reasoning effort', (text) => ({ reasoning_effort: text })],
  ];
  let stack: Stack;

  before(async () => {
    stack = await startStack({ env: { WORKER_THREADS: '1', KEY_AFFINITY: 'conversation' } });
  });
  after(async () => {
    await expectQuiet(stack.gateway);
    await stack.stop();
  });

  for (const [name, body] of fields)
    test(`S-13 a megabyte in ${name}: an answer in time, from a thread that lives`, async () => {
      for (const pump of pumps) {
        const text = `${pump.repeat(megabyte / pump.length)}\u0001`;
        const more = { model: testModel, ...Object(body(text)) };
        const seen = await complete(stack.gateway, stack.clientKey, more, AbortSignal.timeout(answerMsMax));
        assert.ok(
          seen.status === 200 || (seen.status >= 400 && seen.status < 500),
          `${pump} ${seen.status} ${seen.text}`,
        );
        assert.ok(!seen.isCut);
      }
      assert.equal(await metric(stack.gateway, 'gemini_pool_worker_restarts_total'), 0);
    });
});
