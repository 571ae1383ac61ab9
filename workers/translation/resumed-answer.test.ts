import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { OverlapTrimmer, resumedBody } from './resumed-answer.ts';

const request = {
  contents: [{ role: 'user', parts: [{ text: 'Tell me a story.' }] }],
  generationConfig: { maxOutputTokens: 100, temperature: 0.5 },
};

describe('the request for the rest of an answer', () => {
  test('a model that continues its own turn gets it as it is', () => {
    const body = JSON.parse(resumedBody('gemini-2.5-flash', JSON.stringify(request), 'Once upon a ti') ?? '');
    assert.deepEqual(body.contents.slice(1), [{ role: 'model', parts: [{ text: 'Once upon a ti' }] }]);
    assert.equal(body.generationConfig.maxOutputTokens, 96, 'less what is there already');
  });

  test('a newer model is asked to go on', () => {
    const { contents } = JSON.parse(resumedBody('gemini-3.8-flash', JSON.stringify(request), 'Once') ?? '');
    assert.deepEqual(
      contents.map(({ role }: { role: string }) => role),
      ['user', 'model', 'user'],
    );
  });

  test('structured output has no rest that could be asked for', () => {
    const structured = { ...request, generationConfig: { responseMimeType: 'application/json' } };
    assert.equal(resumedBody('gemini-3.8-flash', JSON.stringify(structured), '{"a":'), null);
  });
});

describe('what a continued answer repeats', () => {
  const told = 'The quick brown fox jumps over the lazy dog';

  function joined(pieces: readonly string[]): string {
    const trimmer = new OverlapTrimmer(told);
    return pieces.map((piece) => trimmer.take(piece)).join('') + trimmer.end();
  }

  const cases: [what: string, pieces: string[], rest: string][] = [
    ['nothing', [' and runs away.'], ' and runs away.'],
    ['its last words', ['jumps over the lazy dog and runs away.'], ' and runs away.'],
    ['its last words in pieces', ['jumps ov', 'er the ', 'lazy dog', ' and runs.'], ' and runs.'],
    ['all of it', [`${told}, it is said.`], ', it is said.'],
    ['a single letter by chance', ['g is a letter.'], 'g is a letter.'],
    ['a few letters by chance', ['dog days are here again.'], 'dog days are here again.'],
    ['words from its middle, which belong there', ['brown fox jumps high.'], 'brown fox jumps high.'],
    ['nothing, and is over at once', ['.'], '.'],
    ['nothing, and is empty', [], ''],
  ];
  for (const [what, pieces, rest] of cases) test(what, () => assert.equal(joined(pieces), rest));

  test('property: however it comes in pieces, told and rest make one text', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 16, max: told.length }),
        fc.string({ minLength: 1, maxLength: 60 }),
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 100 }),
        (repeated, rest, sizes) => {
          const text = told.slice(-repeated) + rest;
          const pieces: string[] = [];
          for (let from = 0, n = 0; from < text.length; n++) {
            const size = sizes[n % sizes.length] ?? 1;
            pieces.push(text.slice(from, from + size));
            from += size;
          }
          const whole = joined([text]);
          assert.equal(joined(pieces), whole);
          assert.ok(whole === rest || rest.endsWith(whole), 'nothing new is lost but what repeats still more');
        },
      ),
    );
  });
});
