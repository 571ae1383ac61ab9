/** Depth is told from the text alone, before anything is parsed, and texts are made Unicode. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isDeeperThan, jsonString, parseBody, withoutBrokenText } from './json-text.ts';

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe('depth', () => {
  const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

  test('the bound is exact', () => {
    assert.equal(isDeeperThan(nested(128), 128), false);
    assert.equal(isDeeperThan(nested(129), 128), true);
    assert.deepEqual(parseBody(nested(1)), []);
    assert.throws(() => parseBody(nested(129)), { code: 'invalid_json' });
  });

  test('brackets in strings do not count, whatever is escaped before their end', () => {
    for (const text of ['[[[[', '\\', '\\\\', '"', '\\"[[[[', '[[\\"[['])
      assert.equal(isDeeperThan(JSON.stringify({ a: text, b: [text] }), 2), false, text);
  });

  test('any JSON', () => {
    fc.assert(
      fc.property(
        fc.json({ maxDepth: 6, stringUnit: fc.constantFrom('[', '{', '"', '\\', ']', 'a') }),
        fc.integer({ min: 0, max: 6 }),
        (text, bound) => {
          assert.equal(isDeeperThan(text, bound), depthOf(JSON.parse(text)) > bound);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('ten megabytes of brackets and quotes take no time', () => {
    const started = performance.now();
    isDeeperThan(`[${'"\\"[",'.repeat(1_500_000)}`, 128);
    isDeeperThan(`["${'\\'.repeat(10_000_000)}`, 0);
    assert.ok(performance.now() - started < 3_000);
  });
});

describe('what is not Unicode', () => {
  test('any string of UTF-16 comes out well-formed, and nothing else of it changes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.constantFrom(0, 0x5c, 0xd800, 0xdc00, 0x75)), {
          maxLength: 20,
        }),
        (units) => {
          const text = String.fromCharCode(...units);
          const source = JSON.stringify([text]);
          const cleaned: unknown = JSON.parse(withoutBrokenText(source, source));
          assert.deepEqual(cleaned, [text.toWellFormed().replaceAll('\0', '\ufffd')]);
          assert.equal(JSON.parse(jsonString(text)), text.toWellFormed());
        },
      ),
      { numRuns: 2000 },
    );
  });
});
