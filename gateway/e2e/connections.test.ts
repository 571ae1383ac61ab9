/** Connections that keep the gateway waiting, and framing that its parser meets before any handler does. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { complete, eventually, expectQuiet, openDescriptors, type Stack, startStack, testModel } from './harness.ts';

/** By then whoever says nothing has lost his connection. */
const patienceMs = 45_000;

describe('connections', { concurrency: true }, () => {
  let stack: Stack;
  let descriptors: number;

  before(async () => {
    stack = await startStack();
    await complete(stack.gateway, stack.clientKey, {});
    descriptors = openDescriptors(stack.gateway.pid);
  });
  after(async () => {
    await expectQuiet(stack.gateway);
    const asked = (await stack.simulator.stats()).requests;
    assert.equal(asked, 3, 'Gemini heard of the first request, of the slow body and of D-9, and of nothing else');
    await eventually('no descriptor is left behind', () => openDescriptors(stack.gateway.pid) <= descriptors + 4);
    await stack.stop();
  });

  const head = (length: number): string =>
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${stack.clientKey}\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;

  /** Resolves with what came before the connection was closed. */
  function closed(socket: Socket): Promise<string> {
    return new Promise((resolve) => {
      let received = '';
      socket.on('data', (chunk) => {
        received += chunk.toString('latin1');
      });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(received));
    });
  }

  const open = (bytes: string): Socket => {
    const socket = connect({ host: '127.0.0.1', port: stack.gateway.port });
    if (bytes !== '') socket.write(bytes);
    return socket;
  };

  /** Writes `drop` every second, for as long as the connection lives. */
  function drip(socket: Socket, drop: string): Socket {
    const timer = setInterval(() => socket.write(drop), 1_000);
    socket.on('close', () => clearInterval(timer));
    return socket;
  }

  const waiting: [what: string, open: () => Socket][] = [
    ['F-10 says nothing at all', () => open('')],
    ['F-10 stops within its head', () => open('POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-a: ')],
    ['F-10 sends its head without its body', () => open(head(1_000))],
    ['F-11 announces more than it sends', () => open(`${head(1_000)}{"model":"x"}`)],
    ['F-10 drips its body, a byte a second', () => drip(open(head(1_000)), ' ')],
    ['F-10 drips its head, a byte a second', () => drip(open('POST /v1/chat/completions HTTP/1.1\r\nx-a: '), 'a')],
  ];
  for (const [what, begin] of waiting)
    test(`who ${what.replace(/^(\S+) (.*)/, '$2 is closed out ($1)')}`, async () => {
      const startedMs = performance.now();
      const received = await closed(begin());
      assert.ok(performance.now() - startedMs < patienceMs);
      assert.ok(received === '' || /^HTTP\/1\.1 4/.test(received), received);
    });

  test('who sends a body slowly, but well above a trickle, is served', async () => {
    const body = JSON.stringify({
      model: testModel,
      messages: [{ role: 'user', content: 'x'.repeat(300_000) }],
    });
    const socket = open(head(body.length));
    const answer = new Promise<string>((resolve) => socket.once('data', (chunk) => resolve(chunk.toString('latin1'))));
    const pieces = 20;
    for (let piece = 0; piece < pieces; piece++) {
      socket.write(body.slice((body.length * piece) / pieces, (body.length * (piece + 1)) / pieces));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.match(await answer, /^HTTP\/1\.1 200 /);
    socket.destroy();
  });

  test('D-9 who stops reading is given up, and so is his call', async () => {
    await stack.simulator.script([{ match: { model: 'gemini-3.6-flash' }, chunks: 12_000, chunkSize: 4_096 }]);
    const body = JSON.stringify({
      model: 'gemini-3.6-flash',
      stream: true,
      messages: [{ role: 'user', content: 'x' }],
    });
    const socket = open(head(body.length) + body).pause();
    socket.on('error', () => undefined);
    await eventually('Gemini waits', async () => (await stack.simulator.stats()).paused === 1);
    await eventually('the call is over', async () => (await stack.simulator.stats()).open === 0, patienceMs + 15_000);
    socket.destroy();
  });

  const refusedByParser: [what: string, bytes: string][] = [
    ['a colon after a space', 'GET /v1/models HTTP/1.1\r\nhost : x\r\n\r\n'],
    ['a folded header', 'GET /v1/models HTTP/1.1\r\nhost: x\r\nx-a: 1\r\n 2\r\n\r\n'],
    ['a NUL in a header', 'GET /v1/models HTTP/1.1\r\nhost: x\r\nx-a: \0\r\n\r\n'],
    ['a head of bare line feeds', 'GET /v1/models HTTP/1.1\nhost: x\n\n'],
    ["HTTP/2's preface", 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['CONNECT', 'CONNECT example.org:443 HTTP/1.1\r\nhost: x\r\n\r\n'],
    ['an absolute target', 'GET http://example.org/ HTTP/1.1\r\nhost: x\r\n\r\n'],
    [
      'a chunk size that is no number',
      'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n',
    ],
    ['a hundred and one headers', `GET /v1/models HTTP/1.1\r\nhost: x\r\n${'a: b\r\n'.repeat(101)}\r\n`],
    ['no host', 'GET /v1/models HTTP/1.1\r\n\r\n'],
  ];
  for (const [what, bytes] of refusedByParser)
    test(`F ${what} is refused, and the connection is closed`, async () => {
      const received = await closed(open(bytes));
      assert.ok(received === '' || /^HTTP\/1\.1 (4\d\d|505) /.test(received), received);
    });
});
