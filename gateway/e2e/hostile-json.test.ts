/** JSON that is small to send and dear to take: refused at its bound, or taken for what it is; others notice nothing. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { complete, expectQuiet, metric, type Stack, startStack, testModel } from './harness.ts';

const text = (name: string): string => JSON.stringify(name);
const message = '{"role":"user","content":"Hello"}';
const withField = (field: string): string => `{"model":"${testModel}","messages":[${message}],${field}}`;
const selfReferring = '{"$defs":{"node":{"$ref":"#/$defs/node"}},"$ref":"#/$defs/node"}';

const hostile: [what: string, body: () => string][] = [
  ['400,000 keys', () => withField(`"x":{${Array.from({ length: 400_000 }, (_, i) => `"k${i}":0`).join(',')}}`)],
  ['a number of five million digits', () => withField(`"x":${'9'.repeat(5_000_000)}`)],
  ['a temperature of five million digits', () => withField(`"temperature":${'9'.repeat(5_000_000)}`)],
  ['numbers beyond numbers', () => withField('"max_tokens":1e999,"seed":-1e400')],
  [
    'a schema that refers to itself',
    () => withField(`"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":${selfReferring}}}`),
  ],
  [
    'a tool whose schema refers to itself',
    () => withField(`"tools":[{"type":"function","function":{"name":"f","parameters":${selfReferring}}}]`),
  ],
  [
    'keys of prototypes',
    () => withField('"__proto__":{"stream":true,"polluted":1},"constructor":{"prototype":{"polluted":1}}'),
  ],
  [
    'messages with keys of prototypes',
    () => `{"model":"${testModel}","messages":[{"role":"user","content":"x","__proto__":{"polluted":1},"toString":1}]}`,
  ],
  ['20,000 messages', () => `{"model":"${testModel}","messages":[${`${message},`.repeat(19_999)}${message}]}`],
  [
    '10,000 tools',
    () =>
      withField(
        `"tools":[${Array.from({ length: 10_000 }, (_, i) => `{"type":"function","function":{"name":"f${i}"}}`).join(',')}]`,
      ),
  ],
  ['a thousand stop words', () => withField(`"stop":${JSON.stringify(Array.from({ length: 1_000 }, String))}`)],
  [
    'a hundred pictures',
    () =>
      `{"model":"${testModel}","messages":[{"role":"user","content":[${Array.from({ length: 100 }, () => '{"type":"image_url","image_url":{"url":"data:image/png;base64,!!!!"}}').join(',')}]}]}`,
  ],
  [
    'a megabyte of base64 that is none',
    () =>
      `{"model":"${testModel}","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":${text(`data:image/png;base64,${'A'.repeat(1_000_000)}*`)}}}]}]}`,
  ],
  ['a megabyte of model name', () => `{"model":${text('x'.repeat(1_000_000))},"messages":[${message}]}`],
];

describe('hostile JSON', () => {
  let stack: Stack;

  before(async () => {
    stack = await startStack({ env: { WORKER_THREADS: '1' } });
  });
  after(() => stack.stop());

  async function post(body: string, extra: Record<string, string> = {}): Promise<{ status: number; body: string }> {
    const answer = await fetch(`${stack.gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${stack.clientKey}`, ...extra },
      body,
    });
    return { status: answer.status, body: await answer.text() };
  }

  for (const [what, body] of hostile)
    test(`S-14 ${what}: an answer or a 400, the thread lives`, async () => {
      const answer = await post(body());
      assert.ok([200, 400, 404].includes(answer.status), `${answer.status} ${answer.body.slice(0, 300)}`);
      assert.ok(answer.body.length < 10_000, 'an error repeats nothing of that size');
      assert.equal(await metric(stack.gateway, 'gemini_pool_worker_restarts_total'), 0);
      assert.ok(!stack.gateway.lines.some((line) => line.includes('unexpected error')), 'no fault was taken for a bug');
    });

  test('S-12 nothing was polluted: an answer is an answer, not a stream', async () => {
    const answer = await post(withField('"__proto__":{"stream":true}'));
    assert.equal(answer.status, 200);
    assert.match(answer.body, /"object":"chat\.completion"/);
  });

  test('a thousand bad requests cost Gemini one call each at the most, no key its turn, and others nothing', async () => {
    const before = (await stack.simulator.stats()).requests;
    await stack.simulator.script([{ match: { model: 'gemini-3.6-flash' }, error: 'bad_request' }]);
    const bad = Array.from({ length: 10 }, async () => {
      for (let i = 0; i < 100; i++) {
        const { status } = await post(
          i % 2 === 0 ? '{"model":' : `{"model":"gemini-3.6-flash","messages":[${message}]}`,
        );
        assert.equal(status, 400);
      }
    });
    for (let i = 0; i < 30; i++)
      assert.equal((await complete(stack.gateway, stack.clientKey, { stream: i % 2 === 0 })).status, 200);
    await Promise.all(bad);
    const { requests, answers } = await stack.simulator.stats();
    assert.equal(requests - before, 500 + 30);
    const turns = answers
      .filter(({ model, status }) => model === testModel && status === 200)
      .map(({ count }) => count);
    assert.ok(Math.max(...turns) - Math.min(...turns) <= 1, `turns ${turns.join(', ')}`);
    const listed = await fetch(`${stack.gateway.url}/admin/api/gemini-keys`, {
      headers: { authorization: `Bearer ${stack.adminToken}` },
    });
    assert.doesNotMatch(JSON.stringify(await listed.json()), /"(disabled_)?reason":"/);
    await expectQuiet(stack.gateway);
  });

  test('S-19 who names another address in X-Forwarded-For is throttled all the same', async () => {
    const login = (index: number): Promise<Response> =>
      fetch(`${stack.gateway.url}/admin/api/auth/login`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-forwarded-for': `203.0.113.${index}`,
          forwarded: `for=203.0.113.${index}`,
        },
        body: JSON.stringify({ username: `user${index}`, password: 'wrong' }),
      });
    const statuses = [];
    for (let index = 0; index < 20; index++) statuses.push((await login(index)).status);
    assert.ok(statuses.includes(429), statuses.join(' '));
  });
});
