/** What is read of an event without parsing it is what JSON.parse reads, and whatever else comes is left to JSON.parse. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { readPlainDelta } from './plain-delta.ts';
import { isUsage } from './usage-mapping.ts';

const parts = (text: unknown, more: object = {}): object => ({
  candidates: [{ content: { parts: [{ text, ...more }], role: 'model' }, index: 0 }],
});
const figures = {
  promptTokenCount: 9,
  candidatesTokenCount: 14,
  totalTokenCount: 55,
  promptTokensDetails: [
    { modality: 'TEXT', tokenCount: 5 },
    { modality: 'AUDIO', tokenCount: 4 },
  ],
  serviceTier: 'standard',
};
const named = { modelVersion: 'gemini-3.8-flash', responseId: 'r1' };
const event = { ...parts('Hello'), usageMetadata: figures, ...named };

/** As Google writes JSON: a space behind each colon. Only for values without `":` in their strings. */
function spaced(value: object): string {
  return JSON.stringify(value).replaceAll('":', '": ');
}

/** Whatever was read must be what JSON.parse reads. */
function assertSame(data: string): boolean {
  const read = readPlainDelta(data);
  if (read === null) return false;
  const parsed = JSON.parse(data);
  assert.deepEqual(read.candidates, [{ content: { parts: parsed.candidates[0].content.parts } }]);
  assert.equal(parsed.candidates.length, 1);
  assert.ok([undefined, 0].includes(parsed.candidates[0].index));
  for (const name of Object.keys(parsed.candidates[0])) assert.ok(['content', 'index'].includes(name));
  for (const part of parsed.candidates[0].content.parts) assert.deepEqual(Object.keys(part), ['text']);
  assert.deepEqual(read.usageMetadata, parsed.usageMetadata);
  assert.ok(isUsage(read.usageMetadata));
  assert.equal(read.modelVersion, parsed.modelVersion);
  for (const name of Object.keys(parsed))
    assert.ok(['candidates', 'usageMetadata', 'modelVersion', 'responseId'].includes(name));
  return true;
}

test('the usual event is read, however Google spaces it, whatever its text', () => {
  assert.ok(assertSame(JSON.stringify(event)));
  assert.ok(assertSame(spaced(event)));
  assert.ok(assertSame(JSON.stringify({ ...event, usageMetadata: { promptTokenCount: 1 } })));
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1 }), (text, tokens) => {
      const usageMetadata = { ...figures, promptTokenCount: tokens };
      assert.ok(assertSame(JSON.stringify({ ...event, ...parts(text), usageMetadata })));
    }),
  );
});

describe('left to JSON.parse', () => {
  const others: Readonly<Record<string, unknown>> = {
    'an end': { ...event, candidates: [{ content: { parts: [{ text: '' }], role: 'model' }, finishReason: 'STOP' }] },
    'a thought': { ...event, ...parts('x', { thought: true }) },
    'a signature': { ...event, ...parts('x', { thoughtSignature: 'CiQ=' }) },
    'a call': { ...event, candidates: [{ content: { parts: [{ functionCall: { name: 'f', args: {} } }] } }] },
    'two parts': { ...event, candidates: [{ content: { parts: [{ text: 'a' }, { text: 'b' }], role: 'model' } }] },
    'another candidate': { ...event, candidates: [{ content: { parts: [{ text: 'a' }], role: 'model' }, index: 1 }] },
    'empty figures': { ...event, usageMetadata: {} },
    'a prompt of no tokens': { ...event, usageMetadata: { ...figures, promptTokenCount: 0 } },
    'no figures': { ...parts('x'), ...named },
    'an error beside it': { ...event, error: { code: 503 } },
    'a list': [event],
    'a text that is none': { ...event, ...parts(7) },
    'a text of megabytes': { ...event, ...parts('\n'.repeat(20_000_000)) },
  };
  for (const [what, value] of Object.entries(others))
    test(what, () => assert.equal(readPlainDelta(JSON.stringify(value)), null));
});

test('no change of an event makes it read otherwise than by JSON.parse', () => {
  const alphabet = [
    '"',
    '\\',
    ',',
    ':',
    '{',
    '}',
    '[',
    ']',
    '0',
    '1',
    '-',
    '.',
    'e',
    'u',
    'n',
    ' ',
    '\t',
    '\n',
    '\u2028',
  ];
  const anyEdit = fc.record({
    at: fc.nat(400),
    drop: fc.integer({ min: 0, max: 12 }),
    put: fc.array(fc.constantFrom(...alphabet), { maxLength: 3 }).map((chars) => chars.join('')),
  });
  const anyText = fc.string({ unit: 'binary', maxLength: 12 });
  fc.assert(
    fc.property(fc.boolean(), anyText, fc.array(anyEdit, { minLength: 1, maxLength: 2 }), (isSpaced, text, edits) => {
      const value = { ...event, ...parts(text) };
      let data = isSpaced ? spaced(value) : JSON.stringify(value);
      for (const { at, drop, put } of edits) data = data.slice(0, at) + put + data.slice(at + drop);
      assertSame(data);
    }),
    { numRuns: 5_000 },
  );
});
