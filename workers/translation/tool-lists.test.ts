import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GatewayError } from '../../shared/errors.ts';
import { planParsedChat, readChatBody } from './chat-request.ts';
import { ToolLists } from './tool-lists.ts';

const current = 'gemini-3.8-flash';
const older = 'gemini-2.0-flash';
const messages = [{ role: 'user', content: 'q' }];
const description = 'Looks up what is known about a place. '.repeat(10);
const fn = (name: string, parameters: object = { type: 'object', properties: { a: { type: 'string' } } }): object => ({
  type: 'function',
  function: { name, description, parameters },
});
const tools = ['first', 'second', 'third'].map((name) => fn(name));

/** The request for Gemini and all that is known of it, or the error. */
function plan(text: string, lists: ToolLists | null, strict = false): unknown {
  try {
    const { geminiBody, answer, ...more } = planParsedChat(readChatBody({ text, data: null }, lists), { strict });
    const names = answer.tools?.resolve('first');
    return { request: JSON.parse(geminiBody), ...more, answer: { ...answer, tools: names } };
  } catch (error) {
    assert.ok(error instanceof GatewayError, String(error));
    return [error.code, error.detail];
  }
}

const chat = (more: object, model = current): string => JSON.stringify({ model, messages, tools, ...more });

const bodies: [what: string, text: string][] = [
  ['tools after the messages', chat({})],
  ['tools before everything', JSON.stringify({ tools, model: current, messages })],
  ['tools with spaces', JSON.stringify({ model: current, messages, tools }, null, 2)],
  ['tools for a model that takes no JSON Schema', chat({}, older)],
  ['a choice among them', chat({ tool_choice: { type: 'function', function: { name: 'second' } } })],
  ['no choice of them', chat({ tool_choice: 'none', web_search_options: {} })],
  ['a search beside them', chat({ web_search_options: {} })],
  ["tools of Google's beside them", chat({ extra_body: { google: { tools: [{ url_context: {} }, fn('fourth')] } } })],
  ['functions beside them', chat({ functions: [{ name: 'legacy' }] })],
  ['a cache that holds them', chat({ extra_body: { google: { cached_content: 'cachedContents/a' } } })],
  ['tools twice, of which the last count', `${chat({}).slice(0, -1)},"tools":${JSON.stringify([fn('last')])}}`],
  ['tools twice, of which the short last count', `${chat({}).slice(0, -1)},"tools":[]}`],
  ['a name that is the same by an escape', `${chat({}).slice(0, -1)},"\\u0074ools":${JSON.stringify([fn('last')])}}`],
  ['tools within something else', JSON.stringify({ model: current, metadata: { tools }, messages })],
  ['tools in a text', JSON.stringify({ model: current, messages: [{ role: 'user', content: chat({}) }], tools })],
  ['broken text in them', chat({ tools: [...tools, fn('x')] }).replace('known about', 'k\\ud800n\\u0000n')],
  ['broken text beside them', chat({ messages: [{ role: 'user', content: 'X' }] }).replace('"X"', '"\\udc00"')],
  ['a tool that is none', chat({ tools: [...tools, { type: 'function' }] })],
  ['the same name twice', chat({ tools: [...tools, fn('first')] })],
  ['a list that is not closed', chat({}).slice(0, -20)],
  ['a fault in the list', chat({}).replace('"second"', '"second"]')],
  ...[
    ',]',
    ',,{}]',
    ',nul]',
    ",{'a':1}]",
    ',"\u0001"]',
    ',"\\x"]',
    ',{"a":,"b":2}]',
    ',01]',
    ' {}]',
    ',{"a":[1}]]',
  ].map((end): [string, string] => [`a list that ends with ${end}`, chat({}).replace(/\]\}$/, `${end}}`)]),
  ['a fault after the list', `${chat({}).slice(0, -1)},}`],
  [
    'a list too deep',
    chat({ tools: [fn('first', JSON.parse(`${'{"a":'.repeat(130)}1${'}'.repeat(130)}`)), ...tools] }),
  ],
  [
    'a list as deep as may be',
    chat({ tools: [fn('first', JSON.parse(`${'{"a":'.repeat(123)}1${'}'.repeat(123)}`)), ...tools] }),
  ],
];

for (const [what, text] of bodies)
  test(`${what}: the same request whether the list is known or not`, () => {
    const lists = new ToolLists();
    for (const strict of [false, true]) {
      const expected = plan(text, null, strict);
      for (const round of ['unknown', 'known', 'known still'])
        assert.deepEqual(plan(text, lists, strict), expected, round);
    }
  });

test('requests with one list in any order give what each gives alone', () => {
  const lists = new ToolLists();
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...bodies), { minLength: 1, maxLength: 6 }), (order) => {
      for (const [what, text] of order) assert.deepEqual(plan(text, lists), plan(text, null), what);
    }),
    { numRuns: 100 },
  );
});

test('a list is known again, until many others were used since', () => {
  const lists = new ToolLists();
  const used = (text: string): unknown => {
    plan(text, lists);
    return lists.cut(text)?.list;
  };
  const first = used(chat({}));
  assert.ok(first !== undefined);
  for (let other = 0; other < 63; other++) used(chat({ tools: [...tools, fn(`other_${other}`)] }));
  assert.equal(lists.cut(chat({}))?.list, first);
  used(chat({ tools: [...tools, fn('one_more')] }));
  assert.notEqual(lists.cut(chat({}))?.list, first);
});

test('what is kept of lists is bounded by its size', () => {
  const lists = new ToolLists();
  const long = (name: string): string =>
    chat({ tools: [fn(name, { type: 'object', description: 'x'.repeat(2_000_000) })] });
  const first = long('first');
  plan(first, lists);
  const { list } = lists.cut(first) ?? {};
  plan(long('second'), lists);
  plan(long('third'), lists);
  assert.notEqual(lists.cut(first)?.list, list);
});
