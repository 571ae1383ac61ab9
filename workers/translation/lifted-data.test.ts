import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isBase64 } from './base64.ts';
import { type ChatPlan, planChat, planParsedChat, readChatBody } from './chat-request.ts';
import { liftData } from './lifted-data.ts';

const model = 'gemini-3.8-flash';
const png = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(60_000, 'sea')]).toString('base64');

function planLifted(body: string, strict = false): ChatPlan {
  return planParsedChat(readChatBody(liftData(Buffer.from(body))), { strict });
}

function sent({ geminiBody, data }: ChatPlan): unknown {
  return JSON.parse(data === null ? geminiBody : Buffer.concat(data.restore(geminiBody)).toString());
}

function chat(content: unknown, more: object = {}): string {
  return JSON.stringify({ model, messages: [{ role: 'user', content }], ...more });
}

const dataParts: [what: string, part: object][] = [
  ['an image', { type: 'image_url', image_url: { url: `data:image/png;base64,${png}` } }],
  ['an image as a bare string', { type: 'image_url', image_url: `data:image/png;base64,${png}` }],
  ['an image whose type must be told', { type: 'image_url', image_url: { url: `data:;base64,${png}` } }],
  ['a sound', { type: 'input_audio', input_audio: { data: png, format: 'wav' } }],
  ['a document', { type: 'file', file: { filename: 'a.pdf', file_data: `data:application/pdf;base64,${png}` } }],
  ['data with padding', { type: 'input_audio', input_audio: { data: `${png.slice(0, -4)}QQ==`, format: 'wav' } }],
];

for (const [what, part] of dataParts)
  test(`${what} is taken out, and Gemini gets the same request as if it had not been`, () => {
    const body = chat([{ type: 'text', text: 'Ünïcode before' }, part, { type: 'text', text: 'and after: 水' }, part]);
    const plan = planLifted(body);
    assert.ok(plan.geminiBody.length < 2_000);
    assert.deepEqual(sent(plan), sent(planChat(body, { strict: false })));
    assert.equal(plan.answer.promptTokensGuess, planChat(body, { strict: false }).answer.promptTokensGuess);
  });

const otherBodies: [what: string, body: string][] = [
  ['text, however much it looks like data', chat(`data:image/png;base64,${png}`)],
  ['a part of text', chat([{ type: 'text', text: png }])],
  ['data in the alphabet of URLs', chat([{ type: 'input_audio', input_audio: { data: `-${png.slice(1)}` } }])],
  [
    'data with escaped slashes',
    chat([{ type: 'image_url', image_url: { url: `/${png.slice(1)}` } }]).replaceAll('/', '\\/'),
  ],
  ['data within a string of JSON', chat(JSON.stringify({ data: png }))],
  ['short data', chat([{ type: 'input_audio', input_audio: { data: png.slice(0, 16_000), format: 'wav' } }])],
];

for (const [what, body] of otherBodies)
  test(`${what} stays in place`, () => {
    const { text, data } = liftData(Buffer.from(body));
    assert.equal(data, null);
    assert.equal(text, body);
  });

test('whatever surrounds the data, a body with them back in place is the body that came', () => {
  const gap = fc.string({ unit: 'binary', maxLength: 40 });
  const filler = fc.nat({ max: 40_000 });
  fc.assert(
    fc.property(fc.array(fc.tuple(gap, filler, filler), { minLength: 1, maxLength: 4 }), (items) => {
      const value = items.map(([text, before, chars]) => ({
        text: `${text}${'x'.repeat(before)}`,
        data: png.slice(0, chars - (chars % 4)),
      }));
      const body = JSON.stringify(value);
      const { text, data } = liftData(Buffer.from(body));
      assert.equal(
        data !== null,
        items.some(([, , chars]) => chars - (chars % 4) >= 16_384),
      );
      JSON.parse(text);
      assert.equal(data === null ? text : Buffer.concat(data.restore(text)).toString(), body);
      if (data !== null) assert.ok(text.length < body.length - 16_000);
    }),
    { numRuns: 60 },
  );
});

test('a fault of the JSON is told by its place in what the client sent', () => {
  const body = `${chat([{ type: 'input_audio', input_audio: { data: png, format: 'wav' } }]).slice(0, -1)},}`;
  const place = new RegExp(`position ${body.length - 1}`);
  assert.throws(() => planLifted(body), place);
});

describe('the conversation that a request is of', () => {
  const affinity = (body: string, isLifted: boolean): string | null => {
    const read = readChatBody(isLifted ? liftData(Buffer.from(body)) : { text: body, data: null });
    return planParsedChat(read, { strict: false, affinity: 'conversation' }).affinity;
  };
  const chatAbout = (data: string): string => chat([{ type: 'input_audio', input_audio: { data, format: 'wav' } }]);

  test('is the same whether its data was taken out or not', () => {
    for (const chars of [16_380, 16_384, 16_388, 40_000]) {
      const body = chatAbout(png.slice(0, chars));
      assert.equal(affinity(body, true), affinity(body, false));
    }
  });

  test('is another one with other data, though they begin and end alike', () => {
    const other = png.slice(0, 100) + 'A'.repeat(png.length - 200) + png.slice(-100);
    assert.equal(other.length, png.length);
    for (const isLifted of [true, false])
      assert.notEqual(affinity(chatAbout(png), isLifted), affinity(chatAbout(other), isLifted));
  });
});

test('a token that is cut with the text around it breaks nothing', () => {
  for (let before = 80; before < 130; before++) {
    const value = { note: 'x'.repeat(before), data: png };
    const schema = { type: 'object', properties: { a: { type: 'object', const: value } } };
    const format = { type: 'json_schema', json_schema: { name: 'x', schema } };
    const plan = planLifted(chat('q', { response_format: format }));
    assert.ok(JSON.stringify(sent(plan)).includes('x'.repeat(before)));
  }
});

test('what a client makes up as a token stays text', () => {
  const part = { type: 'input_audio', input_audio: { data: png, format: 'wav' } };
  const { text } = liftData(Buffer.from(chat([part])));
  const [token = ''] = /(?<=^.{64}).{20}/.exec(text.slice(text.indexOf(png.slice(0, 64)))) ?? [];
  const plan = planLifted(chat([{ type: 'text', text: `${token}00000007 ${token}` }, part]));
  assert.ok(JSON.stringify(sent(plan)).includes(`"${token}00000007 ${token}"`));
});

test('base64 is told from everything else as the standard says', () => {
  const alphabet = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'];
  const spoilt = fc.tuple(
    fc.nat(),
    fc.oneof(fc.constantFrom(...'=\n\r \t-_,"\\\0:;.%'), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })),
  );
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...alphabet), { maxLength: 200 }),
      fc.constantFrom('', '=', '==', '==='),
      fc.array(spoilt, { maxLength: 2 }),
      (chars, padding, spoils) => {
        for (const [at, char] of spoils) if (chars.length > 0) chars[at % chars.length] = char;
        const bytes = Buffer.from(chars.join('') + padding);
        const text = bytes.toString('latin1');
        const isStandard = text.length > 0 && text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text);
        assert.equal(isBase64(bytes, 0, bytes.length), isStandard);
      },
    ),
    { numRuns: 2_000 },
  );
});
