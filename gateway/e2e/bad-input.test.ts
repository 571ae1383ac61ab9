/** Bad input: each gets a clear error in OpenAI's shape, costs Gemini nothing, and leaves nothing behind. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { metric, type Stack, startStack, testModel } from './harness.ts';

const message = { role: 'user', content: 'Hello' };
const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

interface Case {
  what: string;
  body: string;
  status: number;
  code: string;
  param?: string;
}

const cases: Case[] = [
  { what: 'an empty body', body: '', status: 400, code: 'invalid_json' },
  { what: 'half a JSON', body: '{"model":"x"', status: 400, code: 'invalid_json' },
  { what: 'JSON that is no object', body: '[]', status: 400, code: 'invalid_type' },
  {
    what: 'no model',
    body: JSON.stringify({ messages: [message] }),
    status: 400,
    code: 'missing_required_parameter',
    param: 'model',
  },
  {
    what: 'no messages',
    body: JSON.stringify({ model: testModel }),
    status: 400,
    code: 'missing_required_parameter',
    param: 'messages',
  },
  {
    what: 'a model that is no text',
    body: JSON.stringify({ model: 7, messages: [message] }),
    status: 400,
    code: 'invalid_type',
    param: 'model',
  },
  {
    what: 'messages that are no list',
    body: JSON.stringify({ model: testModel, messages: 'Hello' }),
    status: 400,
    code: 'invalid_type',
    param: 'messages',
  },
  {
    what: 'stream as text',
    body: JSON.stringify({ model: testModel, messages: [message], stream: 'true' }),
    status: 400,
    code: 'invalid_type',
    param: 'stream',
  },
  {
    what: 'an unknown role',
    body: JSON.stringify({ model: testModel, messages: [{ role: 'model', content: 'x' }] }),
    status: 400,
    code: 'invalid_value',
    param: 'messages[0].role',
  },
  {
    what: 'a temperature out of range',
    body: JSON.stringify({ model: testModel, messages: [message], temperature: 2.5 }),
    status: 400,
    code: 'invalid_value',
    param: 'temperature',
  },
  {
    what: '200,000 levels of nesting',
    body: `{"model":"${testModel}","messages":${nested(200_000)}}`,
    status: 400,
    code: 'invalid_json',
  },
  {
    what: 'nesting in a field that nobody reads',
    body: `{"model":"${testModel}","messages":[],"x":${nested(200_000)}}`,
    status: 400,
    code: 'invalid_json',
  },
];

describe('bad input', () => {
  let stack: Stack;

  before(async () => {
    stack = await startStack({ env: { MAX_BODY_BYTES: '1000000' } });
  });
  after(() => stack.stop());

  async function post(
    body: string,
    key = stack.clientKey,
  ): Promise<{ status: number; error: Record<string, unknown> }> {
    const answer = await fetch(`${stack.gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body,
    });
    assert.ok(answer.headers.get('x-request-id'), 'every answer carries its id');
    const envelope: unknown = await answer.json();
    assert.ok(typeof envelope === 'object' && envelope !== null && 'error' in envelope);
    const { error } = envelope;
    assert.ok(typeof error === 'object' && error !== null);
    assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'param', 'type']);
    return { status: answer.status, error: { ...error } };
  }

  for (const { what, body, status, code, param } of cases) {
    test(`${what}: ${status} ${code}`, async () => {
      const before = (await stack.simulator.stats()).requests;
      const answer = await post(body);
      assert.equal(answer.status, status, JSON.stringify(answer.error));
      assert.equal(answer.error['code'], code);
      assert.equal(answer.error['param'], param ?? null);
      assert.equal((await stack.simulator.stats()).requests, before, 'Gemini was not called');
    });
  }

  test('a prompt is never echoed in an error or a log', async () => {
    await post(
      JSON.stringify({ model: testModel, messages: [{ role: 'user', content: { secret: 'swordfish-prompt' } }] }),
    );
    assert.ok(!stack.gateway.lines.some((line) => line.includes('swordfish')));
  });

  test('a model that is not there: 404 model_not_found', async () => {
    const answer = await post(JSON.stringify({ model: 'gpt-4o', messages: [message] }));
    assert.equal(answer.status, 404);
    assert.equal(answer.error['code'], 'model_not_found');
  });

  test('a model name cannot leave its place in the path', async () => {
    for (const model of ['../../v1/secret', 'x?key=y', 'a/b', 'x#y', 'x\r\ny: z', '']) {
      const answer = await post(JSON.stringify({ model, messages: [message] }));
      assert.ok(answer.status === 400 || answer.status === 404, `${model}: ${answer.status}`);
    }
    const paths = (await stack.simulator.log()).map(({ path }) => path);
    assert.ok(
      paths.every((path) => /^\/v1beta\/models(\/[A-Za-z0-9._%-]+:\w+)?(\?.*)?$/.test(path)),
      paths.join('\n'),
    );
  });

  test('no key, a wrong key, a key that was switched off', async () => {
    const body = JSON.stringify({ model: testModel, messages: [message] });
    const bare = await fetch(`${stack.gateway.url}/v1/chat/completions`, { method: 'POST', body });
    assert.equal(bare.status, 401);
    assert.equal((await post(body, 'gp_0000')).error['code'], 'invalid_api_key');
    assert.equal((await post(body, stack.adminToken)).error['code'], 'invalid_api_key');
    const toggle = (is_active: boolean): Promise<Response> =>
      fetch(`${stack.gateway.url}/admin/api/api-keys/${stack.clientKeyId}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${stack.adminToken}` },
        body: JSON.stringify({ is_active }),
      });
    assert.equal((await toggle(false)).status, 200);
    assert.deepEqual(await post(body).then(({ status, error }) => [status, error['code']]), [401, 'api_key_disabled']);
    assert.equal((await toggle(true)).status, 200);
    const ok = await stack.openai.chat.completions.create({
      model: testModel,
      messages: [{ role: 'user', content: 'Hello' }],
    });
    assert.equal(ok.choices.length, 1);
  });

  test('§10.33: a body over the limit: 413', async () => {
    const answer = await post(
      JSON.stringify({ model: testModel, messages: [{ role: 'user', content: 'x'.repeat(1_000_000) }] }),
    );
    assert.equal(answer.status, 413);
    assert.equal(answer.error['code'], 'request_too_large');
  });

  test('a large body below the limit reaches Gemini whole', async () => {
    const text = 'The sea. '.repeat(80_000);
    const completion = await stack.openai.chat.completions.create({
      model: testModel,
      messages: [{ role: 'user', content: text }],
    });
    assert.ok((completion.usage?.prompt_tokens ?? 0) > 100_000);
  });

  test('afterwards nothing is left in flight', async () => {
    assert.equal(await metric(stack.gateway, 'gemini_pool_requests_in_flight'), 0);
    assert.equal(await metric(stack.gateway, 'gemini_pool_leases'), 0);
    assert.equal(await metric(stack.gateway, 'gemini_pool_rows_waiting'), 0);
    assert.equal(await metric(stack.gateway, 'gemini_pool_worker_restarts_total'), 0);
  });
});
