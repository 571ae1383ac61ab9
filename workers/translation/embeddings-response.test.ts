/** Gemini's numbers reach the client as they are, whatever the form in which they came. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readEmbeddedBatch, toEmbeddingList } from './embeddings-response.ts';

/** The vectors that a client is given for an answer of Gemini's. */
function embed(answer: string, inputs: number, encoding: 'float' | 'base64' = 'float'): unknown[] {
  const { vectors } = readEmbeddedBatch(answer, inputs);
  const list = JSON.parse(toEmbeddingList(vectors, encoding, 'm', 3));
  return list.data.map(({ embedding }: { embedding: unknown }) => embedding);
}

/** A vector of unit length. */
const anyUnit = fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 8 }).map((raw) => {
  const length = Math.hypot(...raw);
  return length === 0 ? raw.map(Math.abs) : raw.map((value) => value / length + 0);
});

test('vectors of unit length keep their digits, compact or indented, wherever their members stand', () => {
  const anyMembers = fc.constantFrom<(values: number[]) => object>(
    (values) => ({ values }),
    (values) => ({ shape: [values.length], values }),
    (values) => ({ values, statistics: { truncated: false } }),
    (values) => ({ values, other: { values: [7] } }),
  );
  fc.assert(
    fc.property(fc.array(anyUnit, { maxLength: 4 }), anyMembers, fc.constantFrom(0, 1, 2), (units, members, indent) => {
      for (const envelope of [
        { embeddings: units.map(members), usageMetadata: { promptTokenCount: 3 } },
        { usageMetadata: { promptTokenCount: 3 }, embeddings: units.map(members) },
      ])
        assert.deepEqual(embed(JSON.stringify(envelope, null, indent), units.length), units);
    }),
  );
});

test("the digits are Gemini's own: no number is written anew", () => {
  const answer = '{"embeddings":[{"values":[0.60000000000000000001, -8.0E-1]},{"values":[1.0]}]}';
  const { vectors } = readEmbeddedBatch(answer, 2);
  const list = toEmbeddingList(vectors, 'float', 'm', 3);
  assert.match(list, /"embedding":\[0\.60000000000000000001,-8\.0E-1\]/);
  assert.match(list, /"embedding":\[1\.0\]/);
});

test('others are brought to unit length', () => {
  assert.deepEqual(embed('{"embeddings":[{"values":[3,4]}]}', 1), [[0.6, 0.8]]);
  const [text] = embed('{"embeddings":[{"values":[3,4]}]}', 1, 'base64');
  assert.equal(text, Buffer.from(Float32Array.of(0.6, 0.8).buffer).toString('base64'));
});

for (const answer of [
  '{"embeddings":[{"values":[1,"2"]}]}',
  '{"embeddings":[{"values":[1,null]}]}',
  '{"embeddings":[{"values":[[1]]}]}',
  '{"embeddings":[{"values":[]}]}',
  '{"embeddings":[{}]}',
  '{"embeddings":[{"values":[1]},{"values":[1]}]}',
  '{"embeddings":[{"values":[1,]}]}',
  '{"embeddings":[{"values":[1]}',
])
  test(`no answer: ${answer}`, () => assert.throws(() => readEmbeddedBatch(answer, 1)));
