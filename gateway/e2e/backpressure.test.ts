/** A client that reads slowly slows Gemini down, not the gateway's memory up; and it gets every byte in the end. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { residentBytes } from '../../bench/cpu-time.ts';
import { eventually, metric, type Stack, startStack, testModel } from './harness.ts';

const chunks = 12_000;
const chunkSize = 16_384;
/** What one paused stream may hold, garbage included: far below the 197 MB that Gemini has to say. */
const heldBytesMax = 64 * 1024 * 1024;

let stack: Stack;

before(async () => {
  stack = await startStack();
});
after(() => stack.stop());

function post(body: string): Promise<Response> {
  return fetch(`${stack.gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${stack.clientKey}` },
    body,
  });
}

test('§10.77: a client that stops reading pauses the stream at its source, and loses nothing', async () => {
  await stack.simulator.script([{ match: { model: testModel }, chunks, chunkSize }]);
  const body = JSON.stringify({ model: testModel, stream: true, messages: [{ role: 'user', content: 'Hello' }] });
  // A first stream, read at once, brings the heap to its working size: what is held for the slow one shows beside that.
  await (await post(body)).text();
  const before = residentBytes(stack.gateway.pid);
  const socket = connect({ host: '127.0.0.1', port: stack.gateway.port });
  socket.pause();
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${stack.clientKey}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  await eventually('Gemini feels the backpressure', async () => (await stack.simulator.stats()).paused === 1);
  const held = residentBytes(stack.gateway.pid) - before;
  assert.ok(held < heldBytesMax, `${Math.round(held / 1024 / 1024)} MB are held for one slow client`);

  let contentChars = 0;
  let rest = '';
  let isDone = false;
  await new Promise<void>((resolve, reject) => {
    socket.on('data', (chunk) => {
      const lines = (rest + chunk.toString('latin1')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        contentChars += /"content":"([^"]*)"/.exec(line)?.[1]?.length ?? 0;
        if (line.startsWith('data: [DONE]')) {
          isDone = true;
          socket.end();
        }
      }
    });
    socket.on('close', () => resolve());
    socket.on('error', reject);
    socket.resume();
  });
  assert.ok(isDone, 'the stream ends cleanly');
  assert.ok(contentChars >= chunks * chunkSize, `${contentChars} characters of ${chunks * chunkSize}`);
  assert.equal(await metric(stack.gateway, 'gemini_pool_leases'), 0);
});
