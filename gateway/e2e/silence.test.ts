/** A model that thinks for long: the stream is kept alive by comments, and still ends as it should. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually, metric, type Stack, startStack, testModel } from './harness.ts';

let stack: Stack;

before(async () => {
  stack = await startStack();
});
after(() => stack.stop());

test('a silent stream gets its head and a comment after ten seconds, then the answer, whole and with one role', async () => {
  await stack.simulator.script([
    { match: { model: testModel }, text: 'At last.', chunks: 2, holdUntilReleased: 'thinking' },
  ]);
  const answer = await fetch(`${stack.gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${stack.clientKey}` },
    body: JSON.stringify({ model: testModel, stream: true, messages: [{ role: 'user', content: 'Think' }] }),
  });
  // The head itself came with the first comment: Gemini has said nothing yet.
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type') ?? '', /text\/event-stream/);
  assert.equal(await stack.simulator.release('thinking'), 1);
  const text = await answer.text();
  assert.match(text, /^: ping\n\n/);
  assert.equal(text.match(/"role":"assistant"/g)?.length, 1);
  assert.ok(text.endsWith('data: [DONE]\n\n'));
});

test('a failure after the head is an error event, and Gemini is tried again before that', async () => {
  await stack.simulator.reset();
  await stack.simulator.script([
    {
      match: { model: testModel },
      error: { preset: 'rate_limit_minute', retryDelay: '30s' },
      holdUntilReleased: 'slow',
    },
  ]);
  const answer = await fetch(`${stack.gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${stack.clientKey}` },
    body: JSON.stringify({ model: testModel, stream: true, messages: [{ role: 'user', content: 'Think' }] }),
  });
  assert.equal(answer.status, 200);
  await stack.simulator.release('slow');
  let text = '';
  await assert.rejects(async () => {
    const decoder = new TextDecoder();
    for await (const chunk of answer.body ?? []) text += decoder.decode(chunk, { stream: true });
  });
  assert.match(text, /data: \{"error":\{.*"code":"rate_limit_exceeded"\}\}\n\n$/);
  assert.doesNotMatch(text, /\[DONE\]/);
  await eventually('nothing is left in flight', async () => (await metric(stack.gateway, 'gemini_pool_leases')) === 0);
});
