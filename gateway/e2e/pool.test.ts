/** The pool of keys under faults: what the clients see, what Google is asked, and what a restart keeps. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type OpenAI from 'openai';
import { startGateway } from '../../bench/running-gateway.ts';
import { keyLabel } from '../../bench/simulator/client.ts';
import type { GeminiKeyList } from '../../shared/admin-gemini-keys.ts';
import { complete, eventually, expectQuiet, geminiKeys, metric, type Stack, startStack, testModel } from './harness.ts';

const ask = (stack: Stack, more: Partial<OpenAI.Chat.ChatCompletionCreateParamsNonStreaming> = {}) =>
  stack.openai.chat.completions.create({
    model: testModel,
    messages: [{ role: 'user', content: 'Hello' }],
    ...more,
  });

/** Calls that Google got, by key and status. */
async function calls(stack: Stack, status: number): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const { key, status: answered, count } of (await stack.simulator.stats()).answers)
    if (answered === status) counts.set(key, (counts.get(key) ?? 0) + count);
  return counts;
}

async function geminiKeyList(
  stack: Stack,
): Promise<{ id: string; state: string; disabled_reason: string | null; project: string | null }[]> {
  const answer = await fetch(`${stack.gateway.url}/admin/api/gemini-keys`, {
    headers: { authorization: `Bearer ${stack.adminToken}` },
  });
  const list: GeminiKeyList = JSON.parse(await answer.text());
  return list.gemini_keys;
}

test('ten keys, five always rate limited and one invalid: 100 of 100 calls are answered', async () => {
  const keys = geminiKeys(10);
  const stack = await startStack({ keys });
  try {
    await stack.simulator.script([
      ...keys
        .slice(0, 5)
        .map((key) => ({ match: { key }, error: { preset: 'rate_limit_minute', retryDelay: '17s' } as const })),
      { match: { key: keys[5] ?? '' }, error: 'invalid_key' },
    ]);
    let answered = 0;
    for (let i = 0; i < 100; i++) {
      await ask(stack);
      answered++;
    }
    assert.equal(answered, 100);
    // The run is over within one delay: each key that rests was asked once, and so was the dead one.
    assert.deepEqual([...(await calls(stack, 429)).values()], [1, 1, 1, 1, 1]);
    assert.deepEqual([...(await calls(stack, 400)).values()], [1]);
    await expectQuiet(stack.gateway);
  } finally {
    await stack.stop();
  }
});

describe('waiting for a key', () => {
  test('a key that is back within seconds is waited for, and no client notices', async () => {
    const stack = await startStack({ keys: geminiKeys(1) });
    try {
      await stack.simulator.script([
        { match: { model: testModel }, times: 1, error: { preset: 'rate_limit_minute', retryDelay: '2s' } },
      ]);
      const startedMs = performance.now();
      await ask(stack);
      assert.ok(performance.now() - startedMs >= 1_900, 'it waited for the stated delay');
      await expectQuiet(stack.gateway);
    } finally {
      await stack.stop();
    }
  });

  test('who waits is served in turns by client key, whoever asked more', async () => {
    const stack = await startStack({ keys: geminiKeys(1) });
    try {
      const made = await fetch(`${stack.gateway.url}/admin/api/api-keys`, {
        method: 'POST',
        headers: { authorization: `Bearer ${stack.adminToken}`, 'content-type': 'application/json' },
        body: JSON.stringify({ key_name: 'the other' }),
      });
      const { api_key: other }: { api_key: string } = JSON.parse(await made.text());
      // Of tokens, so that what it teaches does not matter to requests as small as these.
      await stack.simulator.script([{ match: {}, error: { preset: 'rate_limit_tokens', retryDelay: '3s' } }]);
      const says = (content: string) => ({ messages: [{ role: 'user', content }] });
      const greedy = [complete(stack.gateway, stack.clientKey, says('greedy'))];
      const waiting = (count: number): Promise<void> =>
        eventually(
          `${count} wait`,
          async () => (await metric(stack.gateway, 'gemini_pool_waiting_for_keys')) === count,
        );
      await waiting(1);
      await stack.simulator.script([]);
      for (let i = 0; i < 5; i++) greedy.push(complete(stack.gateway, stack.clientKey, says('greedy')));
      await waiting(6);
      const modest = complete(stack.gateway, other, says('modest'));
      await waiting(7);
      for (const { status } of await Promise.all([...greedy, modest])) assert.equal(status, 200);
      const served = (await stack.simulator.log()).filter(({ status }) => status === 200);
      const place = served.findIndex(({ body }) => JSON.stringify(body).includes('modest'));
      assert.ok(place <= 1, `the modest one came as number ${place + 1}`);
    } finally {
      await stack.stop();
    }
  });

  test('a client that leaves while it waits leaves nothing behind', async () => {
    const stack = await startStack({ keys: geminiKeys(1) });
    try {
      await stack.simulator.script([
        { match: { model: testModel }, times: 1, error: { preset: 'rate_limit_minute', retryDelay: '7s' } },
      ]);
      const abort = new AbortController();
      const waiting = complete(stack.gateway, stack.clientKey, {}, abort.signal);
      await eventually('it waits', async () => (await metric(stack.gateway, 'gemini_pool_waiting_for_keys')) === 1);
      abort.abort();
      await waiting;
      await eventually('nobody waits', async () => (await metric(stack.gateway, 'gemini_pool_waiting_for_keys')) === 0);
      await expectQuiet(stack.gateway);
      assert.equal((await stack.simulator.stats()).requests, 1);
    } finally {
      await stack.stop();
    }
  });

  test('a longer rest is answered at once, with the seconds until the first key is back', async () => {
    const stack = await startStack({ keys: geminiKeys(2) });
    try {
      const [first = '', second = ''] = geminiKeys(2);
      await stack.simulator.script([
        { match: { key: first }, error: { preset: 'rate_limit_minute', retryDelay: '90s' } },
        { match: { key: second }, error: { preset: 'rate_limit_minute', retryDelay: '40s' } },
      ]);
      const { status, headers } = await complete(stack.gateway, stack.clientKey, {});
      assert.equal(status, 429);
      assert.equal(headers.get('retry-after'), '40');
    } finally {
      await stack.stop();
    }
  });
});

describe('quotas', () => {
  test('a limit that Google told is not run into again', async () => {
    const keys = geminiKeys(2);
    const stack = await startStack({ keys, env: { KEY_WAIT_MS: '0' } });
    try {
      await stack.simulator.projects(keys.map((key, n) => ({ name: `p${n}`, keys: [key], quota: { rpm: 3 } })));
      // Just after the begin of a minute of Google's, so that none begins in the middle of this.
      await stack.simulator.setClockOffset(60_000 - (Date.now() % 60_000) + 1_000);
      const seen: number[] = [];
      for (let i = 0; i < 10; i++) seen.push((await complete(stack.gateway, stack.clientKey, {})).status);
      assert.deepEqual(seen, [200, 200, 200, 200, 200, 200, 429, 429, 429, 429]);
      assert.equal([...(await calls(stack, 429)).values()].length, 2, 'each project refused once');
      assert.equal(await metric(stack.gateway, 'gemini_pool_quota_limit', 'requests_per_minute'), 6);
      assert.equal(await metric(stack.gateway, 'gemini_pool_quota_left', 'requests_per_minute'), 0);
    } finally {
      await stack.stop();
    }
  });

  test('a prompt that is larger than the quota of any project does not put the whole pool to rest', async () => {
    const keys = geminiKeys(6);
    const stack = await startStack({ keys, env: { KEY_WAIT_MS: '0' } });
    try {
      await stack.simulator.projects(keys.map((key, n) => ({ name: `p${n}`, keys: [key], quota: { tpm: 5_000 } })));
      const large = { messages: [{ role: 'user', content: 'word '.repeat(8_000) }] };
      assert.equal((await complete(stack.gateway, stack.clientKey, large)).status, 429);
      assert.equal([...(await calls(stack, 429)).keys()].length, 2);
      await ask(stack);
    } finally {
      await stack.stop();
    }
  });

  test('keys of one project rest together once the operator has said so', async () => {
    const keys = geminiKeys(3);
    const stack = await startStack({ keys });
    try {
      for (const { id } of (await geminiKeyList(stack)).slice(0, 2)) {
        const answer = await fetch(`${stack.gateway.url}/admin/api/gemini-keys/${id}`, {
          method: 'PUT',
          headers: { authorization: `Bearer ${stack.adminToken}`, 'content-type': 'application/json' },
          body: JSON.stringify({ project: 'shared' }),
        });
        assert.equal(answer.status, 200);
      }
      await stack.simulator.script(
        keys
          .slice(0, 2)
          .map((key) => ({ match: { key }, error: { preset: 'rate_limit_minute', retryDelay: '50s' } as const })),
      );
      for (let i = 0; i < 6; i++) await ask(stack);
      assert.equal((await calls(stack, 429)).size, 1, 'the second key of the project was not asked');
    } finally {
      await stack.stop();
    }
  });
});

test('a restart keeps what was learnt: rests, keys that Google refuses, projects', async () => {
  const keys = geminiKeys(3);
  const stack = await startStack({ keys });
  const [first = '', second = ''] = keys;
  try {
    await stack.simulator.script([
      { match: { key: first }, error: { preset: 'rate_limit_minute', retryDelay: '300s' } },
      { match: { key: second }, error: 'leaked' },
    ]);
    for (let i = 0; i < 3; i++) await ask(stack);
    const { folder } = stack.gateway;
    // A stop writes down what there is to say; a kill loses a second of it at most.
    stack.gateway.process.kill('SIGTERM');
    assert.equal(await stack.gateway.ended, 0);
    await stack.simulator.reset();
    const again = await startGateway({
      folder,
      env: { GEMINI_API_KEYS: keys.join(','), GEMINI_BASE_URL: stack.simulator.url, LOG_LEVEL: 'debug' },
    });
    try {
      for (let i = 0; i < 4; i++) assert.equal((await complete(again, stack.clientKey, {})).status, 200);
      assert.deepEqual([...(await calls(stack, 200)).keys()], [keyLabel(keys[2] ?? '')]);
    } finally {
      await again.stop();
    }
  } finally {
    await stack.stop();
  }
});

test('a key that Google takes again is brought back by a test, which costs no quota', async () => {
  const keys = geminiKeys(1);
  const stack = await startStack({ keys });
  try {
    await stack.simulator.script([{ match: { model: testModel }, times: 1, error: 'suspended' }]);
    assert.equal((await complete(stack.gateway, stack.clientKey, {})).status, 503);
    const [listed] = await geminiKeyList(stack);
    assert.deepEqual([listed?.state, listed?.disabled_reason], ['disabled', 'suspended']);
    const tested = await fetch(`${stack.gateway.url}/admin/api/gemini-keys/${listed?.id}/test`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.adminToken}` },
    });
    assert.match(await tested.text(), /"ok":true/);
    assert.equal((await complete(stack.gateway, stack.clientKey, {})).status, 200);
    const methods = (await stack.simulator.log()).map(({ method }) => method);
    assert.deepEqual(methods, ['generateContent', 'listModels', 'generateContent']);
  } finally {
    await stack.stop();
  }
});

test("§10.99: a file of Google's is found at the key that owns it, and stays with it", async () => {
  const keys = geminiKeys(3);
  const [first = '', second = '', owner = ''] = keys;
  const stack = await startStack({ keys });
  const withFile = (name: string) => ({
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is this?' },
          { type: 'image_url', image_url: { url: `https://generativelanguage.googleapis.com/v1beta/files/${name}` } },
        ],
      },
    ],
  });
  try {
    await stack.simulator.projects([
      { name: 'others', keys: [first, second] },
      { name: 'owner', keys: [owner], files: ['files/abc'] },
    ]);
    for (let i = 0; i < 3; i++)
      assert.equal((await complete(stack.gateway, stack.clientKey, withFile('abc'))).status, 200);
    assert.equal((await calls(stack, 200)).get(keyLabel(owner)), 3);
    const refused = [...(await calls(stack, 403)).values()].reduce((sum, count) => sum + count, 0);
    assert.equal(refused, 2, 'each other key was asked once');
    for (const { state } of await geminiKeyList(stack)) assert.equal(state, 'enabled');
    // A file that nobody owns is the client's mistake, in Google's words.
    const lost = await complete(stack.gateway, stack.clientKey, withFile('other'));
    assert.equal(lost.status, 400);
    assert.match(lost.text, /permission to access the File/);
  } finally {
    await stack.stop();
  }
});

test('§10.98: with affinity, requests of one conversation stay with one key', async () => {
  const stack = await startStack({ keys: geminiKeys(4), env: { KEY_AFFINITY: 'cache_key' } });
  try {
    for (let i = 0; i < 4; i++) await ask(stack, { prompt_cache_key: 'a talk' });
    assert.deepEqual([...(await calls(stack, 200)).values()], [4]);
    for (let i = 0; i < 4; i++) await ask(stack);
    assert.equal((await calls(stack, 200)).size, 4, 'others go round');
  } finally {
    await stack.stop();
  }
});

test('an outage of Google is not made worse by repetition', async () => {
  const stack = await startStack({ keys: geminiKeys(5) });
  try {
    await stack.simulator.script([{ match: {}, error: 'overloaded' }]);
    const answers = await Promise.all(Array.from({ length: 100 }, () => complete(stack.gateway, stack.clientKey, {})));
    for (const { status } of answers) assert.equal(status, 503);
    const { requests } = await stack.simulator.stats();
    assert.ok(requests <= 150, `${requests} calls for 100 requests`);
    for (const { state } of await geminiKeyList(stack)) assert.equal(state, 'enabled', 'no key is blamed');
    await expectQuiet(stack.gateway);
  } finally {
    await stack.stop();
  }
});

test('an answer without content, or with a call that is none, is asked for once more', async () => {
  const stack = await startStack();
  const empty = (finishReason: string): object => ({
    candidates: [{ finishReason, index: 0 }],
    usageMetadata: { promptTokenCount: 5, totalTokenCount: 5 },
  });
  try {
    for (const stream of [false, true]) {
      for (const finishReason of ['STOP', 'MALFORMED_FUNCTION_CALL']) {
        await stack.simulator.reset();
        await stack.simulator.script([{ match: {}, times: 1, events: [empty(finishReason)] }]);
        const answer = await complete(stack.gateway, stack.clientKey, { stream });
        assert.equal(answer.status, 200);
        assert.equal((await calls(stack, 200)).size, 2, `${finishReason} was answered by another key`);
      }
      await stack.simulator.reset();
      await stack.simulator.script([{ match: {}, events: [empty('STOP')] }]);
      const silent = await complete(stack.gateway, stack.clientKey, { stream });
      assert.equal(silent.status, 200, 'a model that has nothing to say is believed the second time');
      assert.equal((await stack.simulator.log()).length, 2);
    }
  } finally {
    await stack.stop();
  }
});
