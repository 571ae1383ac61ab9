/** D-2: what comes over connections that are open already, while the gateway ends. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { complete, eventually, metric, readDatabase, startStack, testModel } from './harness.ts';

test('D-2 on a connection that is kept, a request during the end gets 503 and the connection is closed', async () => {
  const stack = await startStack({ env: { DRAIN_TIMEOUT_MS: '20000' } });
  try {
    await stack.simulator.script([
      { match: { model: testModel }, chunks: 4, chunkSize: 8, holdUntilReleased: 'on', holdAfterEvents: 2 },
    ]);
    const { port } = stack.gateway;
    const sockets = Array.from({ length: 3 }, () => connect({ host: '127.0.0.1', port }));
    const ready = 'GET /ready HTTP/1.1\r\nhost: x\r\n\r\n';
    for (const socket of sockets) assert.match(await ask(socket, ready), /^HTTP\/1\.1 200 /);
    const [probe, client, late] = sockets;
    assert.ok(probe !== undefined && client !== undefined && late !== undefined);
    const stream = complete(stack.gateway, stack.clientKey, { stream: true });
    await eventually('the stream flows', async () => (await stack.simulator.stats()).held['on'] === 1);

    const body = JSON.stringify({ model: testModel, messages: [{ role: 'user', content: 'Hello' }] });
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${stack.clientKey}\r\ncontent-length: ${body.length}\r\n\r\n`;
    // Half a request is on its way when the end begins: admitted, so it is served.
    late.write(head + body.slice(0, 10));
    assert.match(await ask(probe, ready), /^HTTP\/1\.1 200 /);

    stack.gateway.process.kill('SIGTERM');
    await eventually('the stop has begun', () => stack.gateway.lines.some((line) => line.includes('shutting down')));
    const notReady = await ask(probe, ready);
    assert.match(notReady, /^HTTP\/1\.1 503 [\s\S]*connection: close/i);
    const refused = await ask(client, head + body);
    assert.match(refused, /^HTTP\/1\.1 503 [\s\S]*connection: close[\s\S]*"code":"shutting_down"/i);
    assert.match(refused, /retry-after: \d/i);
    await eventually('both are closed', () => probe.destroyed && client.destroyed);

    const lateAnswer = ask(late, body.slice(10));
    await eventually('the late one is asked', async () => (await stack.simulator.stats()).requests >= 2);
    await stack.simulator.release('on');
    assert.match(await lateAnswer, /^HTTP\/1\.1 (200|503) /);
    const seen = await stream;
    assert.ok(seen.text.endsWith('data: [DONE]\n\n'), 'the stream that was begun is whole');
    assert.equal(await stack.gateway.ended, 0);
    const rows = readDatabase(stack.gateway.folder, (database) =>
      database.prepare('SELECT termination, count(*) AS rows FROM requests GROUP BY termination').all(),
    );
    assert.deepEqual(rows, [{ termination: 'complete', rows: 2 }]);
  } finally {
    await stack.stop();
  }
});

test('a request whose body is still coming when the end begins is served, though nothing else is in flight', async () => {
  const stack = await startStack({ env: { DRAIN_TIMEOUT_MS: '20000' } });
  try {
    const late = connect({ host: '127.0.0.1', port: stack.gateway.port });
    const body = JSON.stringify({ model: testModel, messages: [{ role: 'user', content: 'Hello' }] });
    late.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${stack.clientKey}\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, 10)}`,
    );
    const held = (): Promise<number> => metric(stack.gateway, 'gemini_pool_body_bytes');
    await eventually('the body is on its way', async () => (await held()) > 0);
    stack.gateway.process.kill('SIGTERM');
    await eventually('new connections are refused', async () => {
      const answer = await fetch(`${stack.gateway.url}/ready`, { headers: { connection: 'close' } }).catch(() => null);
      return answer === null;
    });
    // As long as the program would need to be gone, had it nothing to wait for.
    await Promise.race([stack.gateway.ended, new Promise((resolve) => setTimeout(resolve, 1_000))]);
    assert.match(await ask(late, body.slice(10)), /^HTTP\/1\.1 200 /);
    assert.equal(await stack.gateway.ended, 0);
  } finally {
    await stack.stop();
  }
});

/** Sends bytes on an open connection and resolves with the first piece of the answer, or with '' when it is closed. */
function ask(socket: Socket, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    socket.once('data', (chunk) => resolve(chunk.toString('latin1')));
    socket.once('close', () => resolve(''));
    socket.once('end', () => socket.destroy());
    socket.write(bytes);
  });
}
