/** Conversations as Gemini's contents: gemini-wire.md §5.1 and the lines on messages of its §10. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GatewayError } from '../../shared/errors.ts';
import { isRecord } from '../../shared/gemini-wire.ts';
import { planChat } from './chat-request.ts';

const user = (content: unknown): object => ({ role: 'user', content });
const assistant = (content: unknown, calls?: object[]): object =>
  calls === undefined ? { role: 'assistant', content } : { role: 'assistant', content, tool_calls: calls };
const call = (id: string, name = 'f', args = '{}', more: object = {}): object => ({
  id,
  type: 'function',
  function: { name, arguments: args },
  ...more,
});
const result = (id: string, content: unknown): object => ({ role: 'tool', tool_call_id: id, content });

const dummy = 'skip_thought_signature_validator';
const u = (...parts: unknown[]): object => ({ role: 'user', parts: parts.map(toPart) });
const m = (...parts: unknown[]): object => ({ role: 'model', parts: parts.map(toPart) });
const toPart = (part: unknown): unknown => (typeof part === 'string' ? { text: part } : part);
const fc = (id: string, name = 'f', args: unknown = {}, thoughtSignature?: string): object => ({
  functionCall: { id, name, args },
  ...(thoughtSignature === undefined ? {} : { thoughtSignature }),
});
const fr = (id: string, response: unknown, name = 'f'): object => ({ functionResponse: { id, name, response } });
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB';
const image = { inlineData: { mimeType: 'image/png', data: png } };
const imageUrl = { type: 'image_url', image_url: { url: `data:image/png;base64,${png}` } };

function translate(messages: unknown, model = 'gemini-3.8-flash'): { contents: unknown; system: unknown } {
  const plan = planChat(JSON.stringify({ model, messages }), { strict: false });
  const request: unknown = JSON.parse(plan.geminiBody);
  assert.ok(isRecord(request));
  const { contents, systemInstruction } = request;
  return { contents, system: systemInstruction };
}

interface Case {
  what: string;
  messages: unknown[];
  contents: unknown[];
  model?: string;
}

const old = 'gemini-2.5-flash';
const question = [user('q'), assistant(null, [call('a')]), result('a', 'x')];
const answered = [u('q'), m(fc('a', 'f', {}, dummy)), u(fr('a', { output: 'x' }))];

const cases: Case[] = [
  { what: '§10.1: two user messages in a row', messages: [user('a'), user('b')], contents: [u('a'), u('b')] },
  {
    what: '§10.2: two assistant messages in a row become one turn, part by part',
    messages: [user('q'), assistant('a'), assistant('b'), user('r')],
    contents: [u('q'), m('a', 'b'), u('r')],
  },
  { what: '§10.3: only a system message', messages: [{ role: 'system', content: 'S' }], contents: [u('S')] },
  {
    what: '§10.3: only an empty developer message',
    messages: [{ role: 'developer', content: '' }],
    contents: [u(' ')],
  },
  { what: '§10.5: user content ""', messages: [user('')], contents: [u(' ')] },
  { what: '§10.5: user content []', messages: [user([])], contents: [u(' ')] },
  {
    what: '§10.5: user content with empty texts only',
    messages: [user([{ type: 'text', text: '' }])],
    contents: [u(' ')],
  },
  { what: '§10.6: whitespace is passed as it is', messages: [user(' \n ')], contents: [u(' \n ')] },
  { what: '§10.7: content null and tool calls: no text part', messages: question, contents: answered },
  {
    what: '§10.7: content "" and tool calls: no text part',
    messages: [user('q'), assistant('', [call('a')]), result('a', 'x')],
    contents: answered,
  },
  {
    what: '§10.8: an empty assistant message is dropped',
    messages: [user('a'), assistant(''), user('b')],
    contents: [u('a'), u('b')],
  },
  {
    what: '§10.8: so is one with nothing but a sound that we never kept',
    messages: [user('a'), { role: 'assistant', audio: { id: 'x' } }, user('b')],
    contents: [u('a'), u('b')],
  },
  {
    what: '§10.9: text and refusal are joined in order',
    messages: [
      user('q'),
      assistant([
        { type: 'text', text: 'A' },
        { type: 'refusal', refusal: 'B' },
        { type: 'text', text: 'C' },
      ]),
      user('r'),
    ],
    contents: [u('q'), m('ABC'), u('r')],
  },
  {
    what: 'a refusal in its own field is text when there is no other',
    messages: [user('q'), { role: 'assistant', content: null, refusal: 'No.' }, user('r')],
    contents: [u('q'), m('No.'), u('r')],
  },
  {
    what: '§10.11: results in another order than the calls',
    messages: [user('q'), assistant(null, [call('a'), call('b')]), result('b', '2'), result('a', '1')],
    contents: [u('q'), m(fc('a', 'f', {}, dummy), fc('b')), u(fr('a', { output: '1' }), fr('b', { output: '2' }))],
  },
  {
    what: '§10.11: of two results of one call the last wins',
    messages: [...question, result('a', 'y')],
    contents: [u('q'), m(fc('a', 'f', {}, dummy)), u(fr('a', { output: 'y' }))],
  },
  {
    what: '§10.12: a parallel call without a result',
    messages: [user('q'), assistant(null, [call('a'), call('b')]), result('b', '2')],
    contents: [
      u('q'),
      m(fc('a', 'f', {}, dummy), fc('b')),
      u(fr('a', { error: 'no result' }), fr('b', { output: '2' })),
    ],
  },
  {
    what: '§10.12: a user message instead of results',
    messages: [user('q'), assistant(null, [call('a')]), user('never mind')],
    contents: [u('q'), m(fc('a', 'f', {}, dummy)), u(fr('a', { error: 'no result' })), u('never mind')],
  },
  {
    what: '§10.13: a result after a user message is moved to its call',
    messages: [user('q'), assistant(null, [call('a')]), user('hm'), result('a', 'x')],
    contents: [...answered, u('hm')],
  },
  {
    what: '§10.15: a history that starts with the assistant',
    messages: [assistant('Welcome'), user('q')],
    contents: [u(' '), m('Welcome'), u('q')],
  },
  {
    what: '§10.15: a history that starts with calls',
    messages: [assistant(null, [call('a')]), result('a', 'x')],
    contents: [u(' '), ...answered.slice(1)],
  },
  {
    what: '§10.16: an image in a result stays within it on Gemini 3',
    messages: [user('q'), assistant(null, [call('a')]), result('a', [{ type: 'text', text: 'see' }, imageUrl])],
    contents: [
      u('q'),
      m(fc('a', 'f', {}, dummy)),
      u({ functionResponse: { id: 'a', name: 'f', response: { output: 'see' }, parts: [image] } }),
    ],
  },
  {
    what: '§10.16: an image in a result follows it on Gemini 2.5',
    model: old,
    messages: [user('q'), assistant(null, [call('a')]), result('a', [imageUrl]), user('r')],
    contents: [u('q'), m(fc('a')), u(fr('a', { output: '' })), u(image), u('r')],
  },
  {
    what: '§10.19: an id that comes again belongs to the nearest call before it',
    messages: [...question, assistant(null, [call('a', 'g')]), result('a', 'z')],
    contents: [...answered, m(fc('a', 'g', {}, dummy)), u(fr('a', { output: 'z' }, 'g'))],
  },
  {
    what: '§10.20: two calls of one function are told apart by id',
    messages: [user('q'), assistant(null, [call('a'), call('b')]), result('a', '1'), result('b', '2')],
    contents: [u('q'), m(fc('a', 'f', {}, dummy), fc('b')), u(fr('a', { output: '1' }), fr('b', { output: '2' }))],
  },
  {
    what: 'the same id twice in a turn: results go in order',
    messages: [user('q'), assistant(null, [call('a', 'f'), call('a', 'g')]), result('a', '1'), result('a', '2')],
    contents: [
      u('q'),
      m(fc('a', 'f', {}, dummy), fc('a', 'g')),
      u(fr('a', { output: '1' }), fr('a', { output: '2' }, 'g')),
    ],
  },
  {
    what: 'sequential steps keep a signature each',
    messages: [
      user('q'),
      assistant(null, [call('a')]),
      result('a', '1'),
      assistant('then', [call('b')]),
      result('b', '2'),
    ],
    contents: [
      u('q'),
      m(fc('a', 'f', {}, dummy)),
      u(fr('a', { output: '1' })),
      m('then', fc('b', 'f', {}, dummy)),
      u(fr('b', { output: '2' })),
    ],
  },
  {
    what: 'text and calls in neighbouring assistant messages: the calls must follow a user turn',
    messages: [user('q'), assistant('Let me see.'), assistant(null, [call('a')]), result('a', 'x')],
    contents: [u('q'), m('Let me see.', fc('a', 'f', {}, dummy)), u(fr('a', { output: 'x' }))],
  },
  {
    what: 'Gemini 2.5 needs no placeholder',
    model: old,
    messages: question,
    contents: [u('q'), m(fc('a')), u(fr('a', { output: 'x' }))],
  },
  {
    what: 'a signature comes back from extra_content',
    messages: [
      user('q'),
      assistant(null, [call('a', 'f', '{}', { extra_content: { google: { thought_signature: 'AAAA' } } }), call('b')]),
      result('a', '1'),
      result('b', '2'),
    ],
    contents: [u('q'), m(fc('a', 'f', {}, 'AAAA'), fc('b')), u(fr('a', { output: '1' }), fr('b', { output: '2' }))],
  },
  {
    what: 'a signature comes back from the id, which Gemini gets without it',
    messages: [user('q'), assistant(null, [call('a__thought__A-_A')]), result('a__thought__A-_A', 'x')],
    contents: [u('q'), m(fc('a', 'f', {}, 'A+/A')), u(fr('a', { output: 'x' }))],
  },
  {
    what: 'a signature in the id that a client has cut: placeholder',
    messages: [user('q'), assistant(null, [call('a__thought__AAAAA')]), result('a__thought__AAAAA', 'x')],
    contents: answered,
  },
  {
    what: 'the signature of a text comes back on it',
    messages: [
      user('q'),
      { role: 'assistant', content: 'A', extra_content: { google: { thought_signature: 'AAAA' } } },
      user('r'),
    ],
    contents: [u('q'), m({ text: 'A', thoughtSignature: 'AAAA' }), u('r')],
  },
  {
    what: 'images of the model come back with their signatures, thoughts do not come back',
    messages: [
      user('q'),
      {
        role: 'assistant',
        content: 'Here',
        reasoning_content: 'secret',
        images: [
          {
            type: 'image_url',
            image_url: { url: imageUrl.image_url.url },
            extra_content: { google: { thought_signature: 'AAAA' } },
          },
        ],
      },
      user('r'),
    ],
    contents: [u('q'), m('Here', { ...image, thoughtSignature: 'AAAA' }), u('r')],
  },
  {
    what: 'legacy functions: call and result',
    messages: [
      user('q'),
      { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{"a":1}' } },
      { role: 'function', name: 'f', content: '{"b":2}' },
    ],
    contents: [
      u('q'),
      m({ functionCall: { name: 'f', args: { a: 1 } }, thoughtSignature: dummy }),
      u({ functionResponse: { name: 'f', response: { b: 2 } } }),
    ],
  },
  {
    what: 'custom tools: input and result',
    messages: [
      user('q'),
      assistant(null, [{ id: 'a', type: 'custom', custom: { name: 'f', input: 'x = 1' } }]),
      result('a', 'ok'),
    ],
    contents: [u('q'), m(fc('a', 'f', { input: 'x = 1' }, dummy)), u(fr('a', { output: 'ok' }))],
  },
  {
    what: 'parts keep their order: texts, images, sounds, files',
    messages: [
      user([
        { type: 'text', text: 'a' },
        imageUrl,
        { type: 'text', text: 'b' },
        { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } },
        { type: 'file', file: { file_data: 'data:application/pdf;base64,JVBERi0x', filename: 'x.pdf' } },
        { type: 'image_url', image_url: { url: 'https://example.com/cat.jpg', detail: 'low' } },
      ]),
    ],
    contents: [
      u(
        'a',
        image,
        'b',
        { inlineData: { mimeType: 'audio/wav', data: 'AAAA' } },
        { inlineData: { mimeType: 'application/pdf', data: 'JVBERi0x' } },
        { fileData: { mimeType: 'image/jpeg', fileUri: 'https://example.com/cat.jpg' } },
      ),
    ],
  },
  {
    what: '§10.41: prefill on models that continue',
    model: old,
    messages: [user('q'), assistant('I th')],
    contents: [u('q'), m('I th')],
  },
  {
    what: '§10.41: prefill on models that refuse it',
    messages: [user('q'), assistant('I th')],
    contents: [u('q'), m('I th'), u('Continue.')],
  },
];

describe('messages', () => {
  for (const { what, messages, contents, model } of cases)
    test(what, () => assert.deepEqual(translate(messages, model).contents, contents));

  test('system and developer messages at any place are the system instruction, in order', () => {
    const { contents, system } = translate([
      { role: 'system', content: 'A' },
      user('q'),
      {
        role: 'developer',
        content: [
          { type: 'text', text: 'B' },
          { type: 'text', text: 'C' },
        ],
      },
      { role: 'system', content: '' },
    ]);
    assert.deepEqual(contents, [u('q')]);
    assert.deepEqual(system, { parts: [{ text: 'A' }, { text: 'BC' }] });
  });

  test('Gemma has no system instruction: its text opens the first user turn', () => {
    const { contents, system } = translate([{ role: 'system', content: 'A' }, user('q')], 'gemma-4-31b-it');
    assert.deepEqual(contents, [u('A', 'q')]);
    assert.equal(system, undefined);
  });

  const results: [string, unknown][] = [
    ['[1,2]', { output: '[1,2]' }],
    ['21', { output: '21' }],
    ['"x"', { output: '"x"' }],
    ['', { output: '' }],
    ['plain', { output: 'plain' }],
    ['{"a":1}', { a: 1 }],
    [' {"a":1}\n', { a: 1 }],
    ['{"a":', { output: '{"a":' }],
    ['{"$ref":"x"}', { output: '{"$ref":"x"}' }],
    ['{"a":{"$ref":"x"}}', { output: '{"a":{"$ref":"x"}}' }],
    ['{}', {}],
    [`${'{"a":'.repeat(200)}1${'}'.repeat(200)}`, { output: `${'{"a":'.repeat(200)}1${'}'.repeat(200)}` }],
  ];
  for (const [content, response] of results)
    test(`§10.17: tool content ${content.slice(0, 20)}`, () => {
      const { contents } = translate([user('q'), assistant(null, [call('a')]), result('a', content)]);
      assert.deepEqual(contents, [u('q'), m(fc('a', 'f', {}, dummy)), u(fr('a', response))]);
    });

  const args: [unknown, unknown][] = [
    ['', {}],
    ['null', {}],
    ['{}', {}],
    ['{"a":{"b":[1]}}', { a: { b: [1] } }],
    ['{"a":', { _raw: '{"a":' }],
    ['[1]', { _raw: '[1]' }],
    ['7', { _raw: '7' }],
    [{ a: 1 }, { a: 1 }],
    [undefined, {}],
    [`{"a":${'['.repeat(200)}${']'.repeat(200)}}`, { _raw: `{"a":${'['.repeat(200)}${']'.repeat(200)}}` }],
  ];
  for (const [given, expected] of args)
    test(`§10.18: arguments ${JSON.stringify(given)?.slice(0, 20)}`, () => {
      const calls = [{ id: 'a', type: 'function', function: { name: 'f', arguments: given } }];
      const { contents } = translate([user('q'), assistant(null, calls), result('a', 'x')]);
      assert.deepEqual(contents, [u('q'), m(fc('a', 'f', expected, dummy)), u(fr('a', { output: 'x' }))]);
    });

  test('arguments with the names of prototypes are data', () => {
    const text = '{"__proto__":{"x":1},"constructor":2}';
    const plan = planChat(
      JSON.stringify({ model: old, messages: [user('q'), assistant(null, [call('a', 'f', text)]), result('a', text)] }),
      { strict: false },
    );
    assert.equal(plan.geminiBody.split(text).length, 3);
  });

  test('10,000 calls and results that all have one id are answered in no time', () => {
    const calls = Array.from({ length: 9_000 }, () => call('a'));
    const answers = Array.from({ length: 9_000 }, () => result('a', 'x'));
    const started = performance.now();
    translate([user('q'), assistant(null, calls), ...answers]);
    assert.ok(performance.now() - started < 2_000);
  });
});

const faults: [string, unknown, string, string | undefined][] = [
  ['§10.4: no messages', undefined, 'missing_required_parameter', 'messages'],
  ['§10.4: empty messages', [], 'invalid_value', 'messages'],
  ['messages that are text', 'hi', 'invalid_type', 'messages'],
  ['too many messages', Array.from({ length: 10_001 }, () => user('x')), 'invalid_value', 'messages'],
  ['a message that is text', ['hi'], 'invalid_type', 'messages[0]'],
  ['§10.43: an unknown role', [{ role: 'robot', content: 'x' }], 'invalid_value', 'messages[0].role'],
  ['§10.43: role model', [{ role: 'model', content: 'x' }], 'invalid_value', 'messages[0].role'],
  ['no role', [{ content: 'x' }], 'missing_required_parameter', 'messages[0].role'],
  ['a role that is no text', [{ role: 7, content: 'x' }], 'invalid_type', 'messages[0].role'],
  ['no content', [{ role: 'user' }], 'missing_required_parameter', 'messages[0].content'],
  ['user content null', [user(null)], 'invalid_type', 'messages[0].content'],
  ['user content as an object', [user({ text: 'x' })], 'invalid_type', 'messages[0].content'],
  ['assistant content as a number', [user('q'), assistant(7)], 'invalid_type', 'messages[1].content'],
  ['a part that is text', [user(['x'])], 'invalid_type', 'messages[0].content[0]'],
  ['a part without type', [user([{ text: 'x' }])], 'missing_required_parameter', 'messages[0].content[0].type'],
  ['a part of unknown type', [user([{ type: 'hologram' }])], 'invalid_value', 'messages[0].content[0].type'],
  ['an image of an assistant', [assistant([imageUrl])], 'invalid_value', 'messages[0].content[0].type'],
  ['a text part without text', [user([{ type: 'text' }])], 'missing_required_parameter', 'messages[0].content[0].text'],
  ['a text part with a number', [user([{ type: 'text', text: 7 }])], 'invalid_type', 'messages[0].content[0].text'],
  [
    'an image without URL',
    [user([{ type: 'image_url', image_url: {} }])],
    'missing_required_parameter',
    'messages[0].content[0].image_url.url',
  ],
  [
    'an image with broken base64',
    [user([{ type: 'image_url', image_url: { url: 'data:image/png;base64,@@@' } }])],
    'invalid_value',
    'messages[0].content[0].image_url.url',
  ],
  [
    '§10.31: an image at 127.0.0.1',
    [user([{ type: 'image_url', image_url: { url: 'http://127.0.0.1/x.png' } }])],
    'invalid_value',
    'messages[0].content[0].image_url.url',
  ],
  [
    'an image in a file system',
    [user([{ type: 'image_url', image_url: { url: 'file:///etc/passwd' } }])],
    'invalid_value',
    'messages[0].content[0].image_url.url',
  ],
  [
    'a sound without data',
    [user([{ type: 'input_audio', input_audio: { format: 'wav' } }])],
    'missing_required_parameter',
    'messages[0].content[0].input_audio.data',
  ],
  [
    'a file by id',
    [user([{ type: 'file', file: { file_id: 'file-1' } }])],
    'unsupported_value',
    'messages[0].content[0].file.file_id',
  ],
  [
    'a file of unknown type',
    [user([{ type: 'file', file: { file_data: 'AAAA' } }])],
    'invalid_value',
    'messages[0].content[0].file.file_data',
  ],
  ['§10.10: a result of no call', [user('q'), result('zz', 'x')], 'invalid_value', 'messages[1].tool_call_id'],
  [
    '§10.15: a history that starts with a result',
    [result('zz', 'x'), user('q')],
    'invalid_value',
    'messages[0].tool_call_id',
  ],
  [
    'a result without id',
    [user('q'), { role: 'tool', content: 'x' }],
    'missing_required_parameter',
    'messages[1].tool_call_id',
  ],
  [
    '§10.14: calls without results at the end',
    [user('q'), assistant(null, [call('a')])],
    'invalid_value',
    'messages[1].tool_calls',
  ],
  [
    'calls that are no list',
    [user('q'), { role: 'assistant', tool_calls: {} }],
    'invalid_type',
    'messages[1].tool_calls',
  ],
  [
    'a call without id',
    [user('q'), assistant(null, [{ function: { name: 'f' } }])],
    'missing_required_parameter',
    'messages[1].tool_calls[0].id',
  ],
  [
    'a call of unknown type',
    [user('q'), assistant(null, [{ id: 'a', type: 'x' }])],
    'invalid_value',
    'messages[1].tool_calls[0].type',
  ],
  [
    'a call without function',
    [user('q'), assistant(null, [{ id: 'a' }])],
    'missing_required_parameter',
    'messages[1].tool_calls[0].function',
  ],
  [
    'a call without name',
    [user('q'), assistant(null, [{ id: 'a', function: {} }])],
    'missing_required_parameter',
    'messages[1].tool_calls[0].function.name',
  ],
  [
    'a legacy result of no call',
    [user('q'), { role: 'function', name: 'f', content: 'x' }],
    'invalid_value',
    'messages[1].name',
  ],
];

describe('messages that are wrong', () => {
  for (const [what, messages, code, param] of faults)
    test(`${what}: ${code} at ${param}`, () =>
      assert.throws(
        () => translate(messages),
        (thrown) => {
          assert.ok(thrown instanceof GatewayError, String(thrown));
          assert.deepEqual([thrown.code, thrown.detail.param], [code, param]);
          return true;
        },
      ));

  test('§10.10: the message names the id', () => {
    assert.throws(() => translate([user('q'), result('call_42', 'x')]), /'call_42'/);
  });

  test("OpenAI's words", () => {
    assert.throws(() => translate([user({ a: 1 })]), {
      message:
        "Invalid type for 'messages[0].content': expected one of a string or array of objects, but got an object instead.",
    });
    assert.throws(() => translate([{ role: 'robot', content: 'x' }]), {
      message:
        "Invalid value: 'robot'. Supported values are: 'system', 'developer', 'user', 'assistant', 'tool', and 'function'.",
    });
  });

  test('§10.41: strict mode refuses prefill where the model does', () => {
    const body = JSON.stringify({ model: 'gemini-3.8-flash', messages: [user('q'), assistant('I th')] });
    assert.throws(
      () => planChat(body, { strict: true }),
      (thrown) =>
        thrown instanceof GatewayError && thrown.code === 'unsupported_value' && thrown.detail.param === 'messages[1]',
    );
  });
});
