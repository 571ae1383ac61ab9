/** The live feed: what it tells, to whom, and that it ends with the session. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createParser } from 'eventsource-parser';
import { adminToken } from '../../bench/running-gateway.ts';
import type { LiveRequests, LiveSnapshot } from '../../shared/admin-panel.ts';
import { type Stack, startStack, testModel } from './harness.ts';

let stack: Stack;

before(async () => {
  stack = await startStack();
});
after(() => stack.stop());

/** Reads the feed until `isEnough` holds or it ends; gives all events as they came. */
async function readFeed(token: string, isEnough: (events: Event[]) => boolean): Promise<Event[]> {
  const leave = new AbortController();
  const answer = await fetch(`${stack.gateway.url}/admin/api/live`, {
    headers: { authorization: `Bearer ${token}` },
    signal: leave.signal,
  });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type') ?? '', /^text\/event-stream/);
  const events: Event[] = [];
  const parser = createParser({
    onEvent: ({ event = '', data }) => void events.push({ name: event, data: JSON.parse(data) }),
  });
  const decoder = new TextDecoder();
  for await (const chunk of answer.body ?? []) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    if (isEnough(events)) break;
  }
  leave.abort();
  return events;
}

interface Event {
  name: string;
  data: LiveSnapshot & LiveRequests;
}

const complete = (): Promise<unknown> =>
  stack.openai.chat.completions.create({ model: testModel, messages: [{ role: 'user', content: 'Hello' }] });

describe('live feed', () => {
  test('a snapshot comes at once and each second, with requests as they end', async () => {
    await complete();
    let isAsked = false;
    const events = await readFeed(stack.adminToken, (seen) => {
      if (!isAsked) {
        isAsked = true;
        void complete();
      }
      return seen.filter(({ name, data }) => name === 'requests' && data.requests.length > 0).length >= 2;
    });
    const [first] = events;
    assert.equal(first?.name, 'snapshot');
    assert.deepEqual(first.data.totals.total_api_keys, 1);
    assert.equal(first.data.totals.total_requests, 1);
    assert.equal(first.data.health.status, 'ok');
    assert.deepEqual(first.data.gemini_keys, { total: 3, enabled: 3, resting: 0 });
    const requests = events.filter(({ name }) => name === 'requests').flatMap(({ data }) => data.requests);
    assert.equal(new Set(requests.map(({ id }) => id)).size, 2);
    for (const { client_key_name, model_served, outcome, status } of requests)
      assert.deepEqual(
        { client_key_name, model_served, outcome, status },
        {
          client_key_name: 'tests',
          model_served: testModel,
          outcome: 'completed',
          status: 200,
        },
      );
    assert.doesNotMatch(JSON.stringify(events), /AIza|Hello/);
  });

  test('who has no session gets none', async () => {
    for (const token of ['', 'nonsense', stack.clientKey]) {
      const answer = await fetch(`${stack.gateway.url}/admin/api/live`, {
        headers: { authorization: `Bearer ${token}` },
      });
      assert.equal(answer.status, 401);
    }
  });

  test('it ends when the session ends', async () => {
    const token = await adminToken(stack.gateway.url);
    let isToldToEnd = false;
    const events = await readFeed(token, () => {
      if (!isToldToEnd) {
        isToldToEnd = true;
        void fetch(`${stack.gateway.url}/admin/api/auth/logout`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: '{}',
        });
      }
      return false;
    });
    assert.equal(events.at(-1)?.name, 'session_over');
  });

  test('a stop of the gateway is not held up by a feed', async () => {
    const other = await startStack();
    const answer = await fetch(`${other.gateway.url}/admin/api/live`, {
      headers: { authorization: `Bearer ${other.adminToken}` },
    });
    assert.equal(answer.status, 200);
    const ended = other.gateway.stop();
    await answer.text().catch(() => '');
    assert.equal(await ended, 0);
    await other.stop();
  });
});
