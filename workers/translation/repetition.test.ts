import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { RepetitionTrimmer } from './repetition.ts';

/** What is passed on of an answer that comes in these pieces, after `told`. */
function passedOn(told: string, pieces: readonly string[]): string {
  const trimmer = new RepetitionTrimmer(told);
  return pieces.map((piece) => trimmer.take(piece)).join('') + trimmer.end();
}

/** A text in pieces of these sizes, in turns. */
function inPieces(text: string, sizes: readonly number[]): string[] {
  const pieces: string[] = [];
  for (let from = 0, n = 0; from < text.length; n++) {
    const size = sizes[n % sizes.length] ?? 1;
    pieces.push(text.slice(from, from + size));
    from += size;
  }
  return pieces;
}

const fox = 'The quick brown fox jumps over the lazy dog';
const story = `${fox}. Then it sat down in the shade of a tree, and thought about what it had done, and why, and for wh`;
const code = 'function run() {\n  const one = 1;\n  const sum = add(one,';
const long = Array.from({ length: 400 }, (_, line) => `Line ${line} of many, each unlike the others.`).join(' ');
const table = '| day | rain | wind |\n|---|---|---|\n';
const rect = '<rect x="0" y="0" width="10" height="10"/>';
const row = '| 2026-01-01 | 0.00 mm | 0.00 m/s |\n';

describe('what a continued answer repeats is left out', () => {
  const cases: [what: string, told: string, answer: string[], rest: string][] = [
    ['nothing', fox, [' and runs away.'], ' and runs away.'],
    ['nothing, and is over at once', fox, ['.'], '.'],
    ['nothing, and is empty', fox, [], ''],
    ['its last words', fox, ['jumps over the lazy dog and runs away.'], ' and runs away.'],
    ['its last words in pieces', fox, ['jumps ov', 'er the ', 'lazy dog', ' and runs.'], ' and runs.'],
    ['its last words, to the middle of one', story, ['what it had done, and why, and for what.'], 'at.'],
    ['its last words after a space', story, [' and thought about what it had done, and why, and for what.'], 'at.'],
    ['all of it', story, [`${story}at it was.`], 'at it was.'],
    ['all of it in pieces', story, inPieces(`${story}at it was.`, [7, 1, 30]), 'at it was.'],
    ['its last line of code', code, ['  const sum = add(one,\n    two);\n'], '\n    two);\n'],
    [
      'its last lines, to the end of one',
      'Two:\n- one of them,\n- and (',
      ['- one of them,\n- and (the other)'],
      'the other)',
    ],
    ['all of a short text', 'Of course. ', ['Of course. Here it is.'], 'Of course. Here it is.'],
    ['all of a text that has just begun', 'Once upon a ti', ['Once upon a time there was'], 'me there was'],
    ['all of a sentence', 'Here is what I found out: ', ['Here is what I found out: nothing.'], 'nothing.'],
    [
      'all of it in Chinese',
      '从前有一座山,山里有一座庙,庙里有一个老和尚',
      ['从前有一座山,山里有一座庙,庙里有一个老和尚在讲故事'],
      '在讲故事',
    ],
    ['all of a long text', long, [`${long} The end.`], ' The end.'],
    ['the last half of a long text', long, [`${long.slice(long.length / 2)} The end.`], ' The end.'],
    ['a long part of it, more than once cut', story + fox, [`${story.slice(40)}${fox}!`], '!'],
  ];
  for (const [what, told, answer, rest] of cases) test(what, () => assert.equal(passedOn(told, answer), rest));
});

describe('what may belong to the answer is passed on', () => {
  const cases: [what: string, told: string, answer: string][] = [
    ['a single letter', fox, 'g is a letter.'],
    ['a few letters', fox, 'dog days are here again.'],
    ['words from the middle', fox, 'brown fox jumps high.'],
    ['the beginning, and then something else', story, `${story.slice(0, 90)} Another end.`],
    ['the beginning, and no more', story, story.slice(0, 60)],
    ['laughter', `He laughed: ${'ha '.repeat(20)}`, `${'ha '.repeat(20)}and then he stopped.`],
    ['nothing but laughter', 'ha '.repeat(20), `${'ha '.repeat(20)}!`],
    ['laughter cut within', `He laughed: ${'ha '.repeat(20)}h`, `a ${'ha '.repeat(20)}!`],
    ['zeros', `[1,${'0,'.repeat(40)}`, `${'0,'.repeat(40)}1]`],
    ['a ruler', `Title\n${'-'.repeat(40)}`, `${'-'.repeat(40)}\nText`],
    ['digits of no end', `1/7 = 0.${'142857'.repeat(8)}`, `${'142857'.repeat(8)}…`],
    ['rows', table + row.repeat(3), row.repeat(3)],
    ['a second row', table + row, row],
    ['a second row that begins with the end of the line', table + row.trimEnd(), `\n${row}`],
    ['a row cut within', table + row + row.slice(0, 20), row.slice(20) + row],
    [
      'a cell like the one before',
      '| audio | refused, `unsupported_parameter',
      '` | refused, `unsupported_parameter` |\n| n',
    ],
    [
      'an object like the one before',
      '[\n  {\n    "x": 0, "y": 0, "name": "none"\n  },',
      '\n  {\n    "x": 0, "y": 0, "name": "none"\n  }\n]',
    ],
    ['an element like the one before', `<svg>${rect}`, `${rect}</svg>`],
    ['a refrain', 'Row, row, row your boat,\n', 'Row, row, row your boat,\nGently down the stream'],
    [
      'a refrain with a unit of its own length',
      `So: ${'we all live in a yellow submarine, '.repeat(2)}`,
      'we all live in a yellow submarine, ',
    ],
    ['objects of a list', `[${'{"x": 0, "y": 0, "name": "none"}, '.repeat(2)}`, '{"x": 0, "y": 0, "name": "none"}]'],
    ['columns of bytes', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=='],
    ['words in Chinese', '他笑了起来:哈哈哈哈哈哈哈哈', '哈哈哈哈哈哈哈哈,然后走了'],
  ];
  for (const [what, told, answer] of cases)
    test(what, () => {
      assert.equal(passedOn(told, [answer]), answer);
      assert.equal(passedOn(told, inPieces(answer, [3])), answer);
    });
});

test('what is new is passed on as soon as it is known to be', () => {
  const trimmer = new RepetitionTrimmer(story);
  assert.equal(trimmer.take('The quick'), '');
  assert.equal(trimmer.take(' brown bear'), 'The quick brown bear');
  assert.equal(trimmer.take('The quick'), 'The quick');
  const run = new RepetitionTrimmer('0,'.repeat(1000));
  assert.equal(run.take('0,'), '0,');
});

test('a text that says the same over and over is not compared everywhere with each piece', (t) => {
  const told = `${'ab '.repeat(3_000)}x`;
  const startsWith = Reflect.get(String.prototype, 'startsWith');
  let looks = 0;
  Object.defineProperty(String.prototype, 'startsWith', {
    configurable: true,
    writable: true,
    value(this: string, text: string, at?: number) {
      looks++;
      return startsWith.call(this, text, at);
    },
  });
  t.after(() => Object.defineProperty(String.prototype, 'startsWith', { value: startsWith }));
  assert.equal(passedOn(told, inPieces(`${told} and so on`, [3])), ' and so on', 'all of it');
  assert.ok(looks < 1_500_000, `compared ${looks} times`);
  assert.equal(passedOn(told, inPieces(`${told.slice(-100)} and so on`, [7])), ' and so on', 'its end');
});

const words = fc
  .array(fc.stringMatching(/^[a-z]{2,9}$/), { minLength: 12, maxLength: 80 })
  .map((list) => list.join(' '));
const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 });
/** Begins with what is in no told text, so that it is known where the repetition ends. */
const news = fc.string({ maxLength: 60 }).map((text) => `§${text}`);

test('property: however it comes in pieces, the same is passed on', () => {
  const unit = fc.constantFrom('ab', 'a', 'b ', '\n');
  const text = fc.oneof(
    words,
    fc.array(unit, { maxLength: 80 }).map((units) => units.join('')),
  );
  fc.assert(
    fc.property(text, text, fc.nat(), sizes, (told, more, from, sizes_) => {
      const answer = told.slice(from % (told.length + 1)) + more;
      assert.equal(passedOn(told, inPieces(answer, sizes_)), passedOn(told, [answer]));
    }),
  );
});

test('property: nothing is twice that is long enough, and nothing new is ever lost', () => {
  fc.assert(
    fc.property(words, news, fc.nat(), sizes, (told, rest, from, sizes_) => {
      const repeated = told.slice(from % told.length);
      const passed = passedOn(told, inPieces(repeated + rest, sizes_));
      assert.ok(passed === rest || passed === repeated + rest);
      if (repeated.length >= 32) assert.equal(passed, rest);
    }),
  );
});

test('property: a run of one unit goes on, wherever it was cut', () => {
  const unit = fc.string({ minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(
      words,
      unit,
      fc.integer({ min: 40, max: 80 }),
      fc.nat(),
      news,
      sizes,
      (before, short, times, at, end, by) => {
        const run = short.repeat(times);
        const cut = Math.max(2 * short.length + 8, at % run.length);
        const rest = run.slice(cut) + end;
        assert.equal(passedOn(`${before}§${run.slice(0, cut)}`, inPieces(rest, by)), rest);
      },
    ),
  );
});
