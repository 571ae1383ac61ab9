/**
 * The limits of client keys as OpenAI's package meets them: refused in its own error classes, shown in headers, kept over a
 * restart, and given back however a request ends.
 */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import OpenAI from 'openai';
import { startGateway } from '../../bench/running-gateway.ts';
import {
  eventually,
  expectQuiet,
  geminiKeys,
  metric,
  readDatabase,
  type Stack,
  startStack,
  testModel,
} from './harness.ts';

const hello = { model: testModel, messages: [{ role: 'user' as const, content: 'Hello' }] };

describe('limits of client keys', () => {
  let stack: Stack;

  before(async () => {
    stack = await startStack({ env: { MODEL_ALIASES: 'gpt-4o=gemini-3.8-flash,gpt-4=gemini-3.6-flash' } });
  });
  after(() => stack.stop());
  beforeEach(() => stack.simulator.reset());

  async function admin(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    const answer = await fetch(`${stack.gateway.url}/admin/api${path}`, {
      method,
      headers: { authorization: `Bearer ${stack.adminToken}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const value: Record<string, unknown> = JSON.parse(await answer.text());
    assert.equal(answer.status, 200, JSON.stringify(value));
    return value;
  }

  /** A new client key with what `fields` say, and OpenAI's client with it. */
  async function clientWith(fields: object): Promise<{ id: string; key: string; openai: OpenAI }> {
    const { id, api_key } = await admin('POST', '/api-keys', { key_name: 'limited', ...fields });
    const key = String(api_key);
    const openai = new OpenAI({ baseURL: `${stack.gateway.url}/v1`, apiKey: key, maxRetries: 0 });
    return { id: String(id), key, openai };
  }

  /** How many requests of a key are in flight, as the admin API says. */
  async function inFlight(id: string): Promise<unknown> {
    const { now } = await admin('GET', `/api-keys/${id}`);
    return typeof now === 'object' && now !== null ? Reflect.get(now, 'streams') : null;
  }

  test('requests a minute: RateLimitError with the headers that tell when to come again', async () => {
    const { openai } = await clientWith({ limits: { requests_per_minute: 2 } });
    const { response } = await openai.chat.completions.create(hello).withResponse();
    assert.equal(response.headers.get('x-ratelimit-limit-requests'), '2');
    assert.equal(response.headers.get('x-ratelimit-remaining-requests'), '1');
    assert.match(response.headers.get('x-ratelimit-reset-requests') ?? '', /^(59\.\d+s|1m0\.?\d*s)$/);
    const stream = await openai.chat.completions.create({ ...hello, stream: true }).withResponse();
    assert.equal(stream.response.headers.get('x-ratelimit-remaining-requests'), '0');
    for await (const _chunk of stream.data);
    await assert.rejects(openai.chat.completions.create(hello), (error) => {
      assert.ok(error instanceof OpenAI.RateLimitError);
      assert.equal(error.code, 'rate_limit_exceeded');
      assert.equal(error.type, 'requests');
      assert.match(error.message, /requests per min \(RPM\): Limit 2, Used 2, Requested 1\. Please try again in/);
      const seconds = Number(error.headers.get('retry-after'));
      assert.ok(seconds > 50 && seconds <= 61, `${seconds} s`);
      assert.equal(error.headers.get('x-ratelimit-remaining-requests'), '0');
      assert.ok(Math.ceil(Number(error.headers.get('retry-after-ms')) / 1000) === seconds);
      return true;
    });
  });

  test('of many requests at once exactly the limit is served', async () => {
    const { openai } = await clientWith({ limits: { requests_per_minute: 40 } });
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, () =>
        openai.chat.completions.create(hello).then(
          () => 'served',
          (error) => (error instanceof OpenAI.RateLimitError ? 'refused' : String(error)),
        ),
      ),
    );
    assert.equal(outcomes.filter((outcome) => outcome === 'served').length, 40);
    assert.equal(outcomes.filter((outcome) => outcome === 'refused').length, 160);
    assert.ok((await metric(stack.gateway, 'gemini_pool_limited_total', 'reason="requests_per_minute"')) >= 160);
  });

  test('a refusal comes before the body is read', async () => {
    const { openai, key } = await clientWith({ limits: { requests_per_minute: 1 } });
    await openai.chat.completions.create(hello);
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: stack.gateway.port });
      socket.on('error', reject);
      socket.on('data', (bytes) => {
        resolve(bytes.toString());
        socket.destroy();
      });
      socket.write(
        `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n`,
      );
    });
    assert.match(answer, /^HTTP\/1\.1 429 /);
  });

  test('tokens a minute and a day: what was used counts', async () => {
    const { openai, id } = await clientWith({ limits: { tokens_per_day: 60 } });
    const { usage } = await openai.chat.completions.create(hello);
    const used = usage?.total_tokens ?? 0;
    assert.ok(used > 0);
    const { now } = await admin('GET', `/api-keys/${id}`);
    assert.deepEqual(
      [Reflect.get(Object(now), 'tokens_today'), Reflect.get(Object(now), 'tokens_this_minute')],
      [used, used],
    );
    await admin('PUT', `/api-keys/${id}`, { limits: { tokens_per_day: used } });
    await assert.rejects(openai.chat.completions.create(hello), (error) => {
      assert.ok(error instanceof OpenAI.RateLimitError);
      assert.equal(error.code, 'insufficient_quota');
      assert.equal(error.type, 'insufficient_quota');
      assert.equal(error.headers.get('x-should-retry'), 'false');
      return true;
    });
    await admin('PUT', `/api-keys/${id}`, { limits: { tokens_per_day: null, tokens_per_minute: used } });
    await assert.rejects(
      openai.chat.completions.create(hello),
      (error) => error instanceof OpenAI.RateLimitError && error.type === 'tokens',
    );
  });

  test('cost a day: refused once it is used up', async () => {
    const { openai, id } = await clientWith({ limits: { cost_per_day: 0.000001 } });
    await openai.chat.completions.create(hello);
    await assert.rejects(
      openai.chat.completions.create(hello),
      (error) => error instanceof OpenAI.RateLimitError && error.code === 'insufficient_quota',
    );
    const { now } = await admin('GET', `/api-keys/${id}`);
    assert.ok(Number(Reflect.get(Object(now), 'cost_today')) > 0.000001);
  });

  test('streams at once: one more is refused until one has ended, be it by its client', async () => {
    await stack.simulator.script([{ match: { model: testModel }, chunks: 10_000, chunkSize: 8, intervalMs: 50 }]);
    const { openai, id } = await clientWith({ limits: { concurrent_streams: 2 } });
    const open = async () => {
      const stream = await openai.chat.completions.create({ ...hello, stream: true });
      await stream[Symbol.asyncIterator]().next();
      return stream;
    };
    const [first, second] = await Promise.all([open(), open()]);
    await assert.rejects(open(), (error) => {
      assert.ok(error instanceof OpenAI.RateLimitError);
      assert.equal(error.headers.get('retry-after'), '1');
      assert.equal(error.headers.get('x-ratelimit-remaining-streams'), '0');
      return true;
    });
    first.controller.abort();
    await eventually('the stream that was left no longer counts', async () => (await inFlight(id)) === 1);
    const third = await open();
    second.controller.abort();
    third.controller.abort();
    await eventually('nothing counts', async () => (await inFlight(id)) === 0);
    await expectQuiet(stack.gateway);
  });

  test('a client that leaves before its body has come takes nothing with it', async () => {
    const { openai, id, key } = await clientWith({ limits: { concurrent_streams: 1, tokens_per_minute: 100_000 } });
    const socket = connect({ host: '127.0.0.1', port: stack.gateway.port });
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: 300000\r\n\r\n{"model":`,
    );
    await eventually('its request is admitted', async () => (await inFlight(id)) === 1);
    socket.destroy();
    await eventually('its request is over', async () => (await inFlight(id)) === 0);
    const { response } = await openai.chat.completions.create(hello).withResponse();
    const left = Number(response.headers.get('x-ratelimit-remaining-tokens'));
    assert.ok(left > 99_000, `${left} left`);
    for (const body of ['{', '{"model":"no-such-model","messages":[]}', '"x"'])
      await fetch(`${stack.gateway.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body,
      });
    assert.equal(await inFlight(id), 0);
  });

  test('whatever becomes of requests, none counts as in flight after its end, and nothing stays held back', async () => {
    await stack.simulator.script([
      { match: { model: 'gemini-3.6-flash' }, chunks: 10, chunkSize: 8, cutAfterEvents: 3 },
      { match: { model: testModel }, chunks: 200, chunkSize: 8, intervalMs: 20 },
    ]);
    const { openai, id } = await clientWith({ limits: { concurrent_streams: 100, tokens_per_minute: 10_000_000 } });
    const one = async (index: number): Promise<string> => {
      const model = ['gemini-3.6-flash', testModel, 'no-such-model'][index % 3] ?? '';
      const controller = new AbortController();
      const timer = setTimeout(() => controller.abort(), 1 + ((index * 37) % 400));
      try {
        const body = { ...hello, model, stream: true as const, ...(index % 7 === 0 ? { n: 99 } : {}) };
        const stream = await openai.chat.completions.create(body, { signal: controller.signal });
        for await (const _chunk of stream);
        return 'ended';
      } catch (error) {
        return error instanceof OpenAI.APIError ? error.constructor.name : 'left';
      } finally {
        clearTimeout(timer);
      }
    };
    const outcomes = new Set(await Promise.all(Array.from({ length: 90 }, (_, index) => one(index))));
    assert.ok(outcomes.size >= 3, [...outcomes].join());
    await eventually('nothing is in flight', async () => (await inFlight(id)) === 0);
    await expectQuiet(stack.gateway);
    await stack.simulator.reset();
    const { response } = await openai.chat.completions.create(hello).withResponse();
    assert.equal(response.headers.get('x-ratelimit-remaining-streams'), '99');
    const { now } = await admin('GET', `/api-keys/${id}`);
    const used = Number(Reflect.get(Object(now), 'tokens_this_minute'));
    const shown = await openai.models.list().withResponse();
    assert.equal(Number(shown.response.headers.get('x-ratelimit-remaining-tokens')), 10_000_000 - used);
  });

  test('models: what a key may not use is refused with 403, costs no call, and is in no list', async () => {
    const { openai } = await clientWith({ allowed_models: ['gpt-4o', 'gemini-3.6-*'] });
    await openai.chat.completions.create({ ...hello, model: 'gpt-4o' });
    await openai.chat.completions.create({ ...hello, model: 'gemini-3.6-flash' });
    await openai.chat.completions.create({ ...hello, model: 'gpt-4' });
    const { length } = await stack.simulator.log();
    for (const stream of [false, true])
      await assert.rejects(openai.chat.completions.create({ ...hello, stream }), (error) => {
        assert.ok(error instanceof OpenAI.PermissionDeniedError);
        assert.equal(error.code, 'model_not_found');
        assert.equal(error.param, 'model');
        assert.match(error.message, /does not have access to model `gemini-3\.8-flash`/);
        return true;
      });
    assert.equal((await stack.simulator.log()).length, length);
    const listed: string[] = [];
    for await (const { id } of openai.models.list()) listed.push(id);
    assert.ok(listed.includes('gpt-4o') && listed.includes('gpt-4') && listed.includes('gemini-3.6-flash'));
    assert.deepEqual(
      listed.filter((id) => !/^(gpt-4o?|gemini-3\.6-.*)$/.test(id)),
      [],
    );
    assert.equal((await openai.models.retrieve('gpt-4o')).id, 'gpt-4o');
    await assert.rejects(openai.models.retrieve(testModel), OpenAI.NotFoundError);
  });

  test('expired: AuthenticationError; a later expiry makes it valid again', async () => {
    const { openai, id } = await clientWith({ expires_at: '2999-12-31T23:59:59Z' });
    await openai.chat.completions.create(hello);
    await admin('PUT', `/api-keys/${id}`, { expires_at: '2026-01-01T00:00:00+01:00' });
    await assert.rejects(
      openai.chat.completions.create(hello),
      (error) => error instanceof OpenAI.AuthenticationError && error.code === 'api_key_expired',
    );
    await assert.rejects(openai.models.list(), OpenAI.AuthenticationError);
    await admin('PUT', `/api-keys/${id}`, { expires_at: null });
    await openai.chat.completions.create(hello);
  });
});

test('counters are rebuilt after a restart: no limit begins anew', async () => {
  const keys = geminiKeys(2);
  const stack = await startStack({ keys });
  const folder = stack.gateway.folder;
  try {
    const made = await fetch(`${stack.gateway.url}/admin/api/api-keys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ key_name: 'x', limits: { requests_per_minute: 3, tokens_per_month: 1_000_000 } }),
    });
    const { id, api_key }: { id: string; api_key: string } = JSON.parse(await made.text());
    const openai = (url: string) => new OpenAI({ baseURL: `${url}/v1`, apiKey: api_key, maxRetries: 0 });
    for (let i = 0; i < 2; i++) await openai(stack.gateway.url).chat.completions.create(hello);
    const shown = async (url: string, token: string): Promise<Record<string, unknown>> =>
      JSON.parse(
        await (
          await fetch(`${url}/admin/api/api-keys/${id}`, { headers: { authorization: `Bearer ${token}` } })
        ).text(),
      );
    const before = await shown(stack.gateway.url, stack.adminToken);
    // Without a chance to say a last word.
    stack.gateway.process.kill('SIGKILL');
    await stack.gateway.ended;
    const again = await startGateway({
      folder,
      env: { GEMINI_API_KEYS: keys.join(','), GEMINI_BASE_URL: stack.simulator.url },
    });
    try {
      const after = await shown(again.url, stack.adminToken);
      assert.deepEqual(after['now'], before['now']);
      // The row has the moment of the arrival, the memory that of the admission.
      const [used, usedBefore] = [after, before].map((key) => Date.parse(String(key['last_used_at'])));
      assert.ok(used !== undefined && usedBefore !== undefined && Math.abs(used - usedBefore) < 1_000);
      await openai(again.url).chat.completions.create(hello);
      await assert.rejects(openai(again.url).chat.completions.create(hello), OpenAI.RateLimitError);
      const rows = readDatabase(folder, (database) =>
        database.prepare('SELECT count(*) FROM requests WHERE client_key_id = ?').pluck().get(id),
      );
      assert.equal(rows, 3);
    } finally {
      await again.stop();
    }
  } finally {
    await stack.stop();
  }
});
