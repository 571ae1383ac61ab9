/** A stop waits for clients that are slow to take an answer which is whole already: its row says that they got it. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { eventually, metric, readDatabase, type Stack, startStack, testModel } from './harness.ts';

/** Asks for a completion and reads the first bytes of its answer only. */
async function openSlowly(stack: Stack, stream: boolean): Promise<{ socket: Socket; whole: Promise<string> }> {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(stack.gateway.url).port) });
  const body = JSON.stringify({ model: testModel, stream, messages: [{ role: 'user', content: 'Hello' }] });
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${stack.clientKey}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  let text = '';
  const whole = new Promise<string>((resolve, reject) => {
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });
  await new Promise<void>((resolve) => {
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      resolve();
      // The rest is not read until the test says so.
      if (!socket.isPaused() && socket.listenerCount('resume') === 0) socket.pause();
    });
  });
  return { socket, whole };
}

for (const stream of [false, true]) {
  test(`SIGTERM while a slow client reads the end of ${stream ? 'a stream' : 'a whole answer'}`, async () => {
    const stack = await startStack();
    try {
      // More than the buffers of both sockets hold.
      await stack.simulator.script([{ match: { model: testModel }, chunks: 40, chunkSize: 400_000 }]);
      const { socket, whole } = await openSlowly(stack, stream);
      if (!stream)
        await eventually(
          'the row is committed',
          async () => (await metric(stack.gateway, 'gemini_pool_rows_committed_total')) === 1,
        );
      stack.gateway.process.kill('SIGTERM');
      await eventually('the stop has begun', () => stack.gateway.lines.some((line) => line.includes('shutting down')));
      socket.on('resume', () => {});
      socket.resume();
      const text = await whole;
      if (stream) assert.ok(text.endsWith('data: [DONE]\n\n\r\n0\r\n\r\n'), `ends with ${text.slice(-60)}`);
      else {
        const head = text.indexOf('\r\n\r\n') + 4;
        assert.equal(text.length - head, Number(/content-length: (\d+)/i.exec(text)?.[1]));
      }
      assert.equal(await stack.gateway.ended, 0);
      const rows = readDatabase(stack.gateway.folder, (database) =>
        database.prepare('SELECT termination FROM requests').pluck().all(),
      );
      assert.deepEqual(rows, ['complete']);
    } finally {
      await stack.stop();
    }
  });
}
