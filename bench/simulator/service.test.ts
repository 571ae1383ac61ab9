/** Goal: who may call, which models there are, error bodies, quotas, scripts. Method: a real simulator over HTTP. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { keyLabel, type Simulator, startSimulator } from './client.ts';
import { isErrorPreset } from './error-bodies.ts';
import { presets } from './error-presets.ts';

const key = 'AIzaService0000000000000000000000000001';
const other = 'AQ.Service000000000000000000000000000002';
const flash = 'gemini-3.8-flash';
const prompt = { contents: [{ role: 'user', parts: [{ text: 'hello' }] }] };

describe('service', () => {
  let simulator: Simulator;
  before(async () => {
    simulator = await startSimulator();
  });
  after(() => simulator.stop());
  beforeEach(() => simulator.reset());

  async function ask(
    model: string,
    {
      method = 'generateContent',
      headers = { 'x-goog-api-key': key },
      body = prompt,
      query = '',
    }: {
      method?: string;
      headers?: Record<string, string>;
      body?: unknown;
      query?: string;
    } = {},
  ): Promise<{ status: number; text: string; message: string }> {
    const url = `${simulator.url}/v1beta/models/${model}:${method}${query}`;
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    const text = await response.text();
    const message = response.ok || !text.startsWith('{') ? '' : JSON.parse(text).error.message;
    return { status: response.status, text, message };
  }

  test('keys: none, a wrong one, in the query, beside an Authorization header', async () => {
    assert.equal((await ask(flash, { headers: {} })).status, 403);
    const wrong = await ask(flash, { headers: { 'x-goog-api-key': 'sk-something' } });
    assert.deepEqual([wrong.status, wrong.message], [400, 'API key not valid. Please pass a valid API key.']);
    assert.match(wrong.text, /"reason": "API_KEY_INVALID"/);
    assert.equal((await ask(flash, { headers: {}, query: `?key=${other}` })).status, 200);
    const both = await ask(flash, { headers: { 'x-goog-api-key': key, authorization: 'Bearer x' } });
    assert.equal(both.status, 401);
    assert.match(both.text, /google\.ai\.generativelanguage\.v1beta\.GenerativeService\.GenerateContent/);
  });

  test('models that are unknown, retired, closed or of another kind', async () => {
    const unknown = await ask('gemini-9');
    assert.deepEqual(
      [unknown.status, unknown.message.slice(0, 95)],
      [404, 'models/gemini-9 is not found for API version v1beta, or is not supported for generateContent. C'],
    );
    assert.match((await ask('gemini-2.0-flash')).message, /is no longer available\. Please update/);
    assert.equal((await ask('gemini-embedding-001')).status, 404);
    assert.equal(
      (await ask(flash, { method: 'embedContent', body: { content: { parts: [{ text: 'x' }] } } })).status,
      404,
    );
    assert.equal((await ask(flash, { method: 'predict' })).status, 404);

    assert.equal((await ask('gemini-2.5-flash')).status, 200);
    await simulator.projects([{ name: 'new', keys: [key], isNew: true }]);
    assert.match((await ask('gemini-2.5-flash')).message, /no longer available to new users/);
    assert.equal((await ask('gemini-2.5-flash', { headers: { 'x-goog-api-key': other } })).status, 200);
  });

  test('an alias answers with the model that it stands for', async () => {
    assert.match((await ask('gemini-flash-latest')).text, /"modelVersion":"gemini-3\.8-flash"/);
  });

  test('the list comes in pages', async () => {
    const names: string[] = [];
    let token = '';
    do {
      const response = await fetch(`${simulator.url}/v1beta/models?pageSize=7&pageToken=${token}`, {
        headers: { 'x-goog-api-key': key },
      });
      const page: { models: { name: string }[]; nextPageToken?: string } = JSON.parse(await response.text());
      names.push(...page.models.map(({ name }) => name));
      token = page.nextPageToken ?? '';
    } while (token !== '');
    assert.ok(names.length > 30 && new Set(names).size === names.length);
    assert.ok(names.includes('models/gemini-3.8-flash') && names.includes('models/gemini-flash-latest'));
  });

  for (const preset of Object.keys(presets).filter(isErrorPreset)) {
    test(`preset ${preset} has its status in its body`, async () => {
      await simulator.script([{ match: { key }, error: preset }]);
      const { status, text } = await ask(flash);
      assert.ok(status >= 400);
      if (text.startsWith('{')) {
        const { error } = JSON.parse(text);
        assert.equal(error.code, status);
        assert.match(error.status, /^[A-Z_]+$/);
      }
      assert.equal(
        (await ask(flash, { headers: { 'x-goog-api-key': other } })).status,
        200,
        'only that key is concerned',
      );
    });
  }

  test('a day quota has the reported body', async () => {
    await simulator.script([{ error: { preset: 'rate_limit_day', retryDelay: '36s' } }]);
    const { status, text } = await ask('gemini-flash-latest');
    assert.equal(status, 429);
    const { error } = JSON.parse(text);
    assert.match(error.message, /limit: 20, model: gemini-3\.8-flash\nPlease retry in 36s\.$/);
    assert.deepEqual(error.details[1].violations, [
      {
        quotaMetric: 'generativelanguage.googleapis.com/generate_content_free_tier_requests',
        quotaId: 'GenerateRequestsPerDayPerProjectPerModel-FreeTier',
        quotaDimensions: { location: 'global', model: flash },
        quotaValue: '20',
      },
    ]);
    assert.deepEqual(error.details[2], { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '36s' });
  });

  test('the most specific scenario answers, as often as it may, then the next', async () => {
    await simulator.script([
      { text: 'general' },
      { match: { model: flash }, text: 'model' },
      { match: { key, model: flash }, times: 1, error: 'overloaded' },
      { match: { key }, times: 1, text: 'key' },
    ]);
    assert.equal((await ask(flash)).status, 503);
    assert.match((await ask(flash)).text, /"text":"key"/);
    assert.match((await ask(flash)).text, /"text":"model"/);
    assert.match((await ask('gemini-3.6-flash')).text, /"text":"general"/);
  });

  test('a request that Google would refuse is refused whatever the script says', async () => {
    await simulator.script([{ text: 'fine', times: 1 }]);
    assert.equal((await ask(flash, { body: { contents: [] } })).status, 400);
    assert.match((await ask(flash)).text, /"text":"fine"/);
  });

  test('a script with a mistake is refused with its place', async () => {
    const mistaken = fetch(`${simulator.url}/__simulator/script`, {
      method: 'POST',
      body: '[{"text":1},{"error":"nope"}]',
    });
    const response = await mistaken;
    assert.equal(response.status, 400);
    const text = await response.text();
    assert.match(text, /scenarios\[0\]\.text/);
    assert.match(text, /scenarios\[1\]\.error/);
  });

  test('keys of a project share its quota, which the next minute renews', async () => {
    await simulator.setClockOffset(60_000 - (Date.now() % 60_000));
    await simulator.projects([{ name: 'p', keys: [key, other], quota: { rpm: 2, rpd: 3 } }]);
    const askAs = (as: string): ReturnType<typeof ask> => ask(flash, { headers: { 'x-goog-api-key': as } });
    assert.equal((await askAs(key)).status, 200);
    assert.equal((await askAs(other)).status, 200);
    const refused = await askAs(key);
    assert.equal(refused.status, 429);
    assert.match(refused.text, /"quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"/);
    assert.match(refused.text, /"retryDelay": "(5\d|60)s"/);
    assert.equal((await ask('gemini-3.6-flash')).status, 200, 'another model has its own');

    await simulator.setClockOffset(120_000 - (Date.now() % 60_000));
    assert.equal((await askAs(key)).status, 200);
    assert.match((await askAs(key)).text, /"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"/);
    await simulator.setClockOffset(25 * 3_600_000);
    assert.equal((await askAs(key)).status, 200);
  });

  test('log and counters know keys by label only', async () => {
    await ask(flash);
    const [entry] = await simulator.log();
    assert.deepEqual(
      { ...entry, seq: 0, at: 0 },
      {
        seq: 0,
        at: 0,
        key: keyLabel(key),
        method: 'generateContent',
        model: flash,
        path: `/v1beta/models/${flash}:generateContent`,
        body: prompt,
        status: 200,
        outcome: 'completed',
        events: 0,
        usage: entry?.usage,
      },
    );
    const { answers } = await simulator.stats();
    assert.deepEqual(answers, [{ key: keyLabel(key), model: flash, status: 200, count: 1 }]);
    assert.ok(!JSON.stringify([entry, answers]).includes(key));
    await simulator.setLogging(false);
    await ask(flash);
    assert.equal((await simulator.log(entry?.seq)).length, 0);
    await simulator.setLogging(true);
  });
});
