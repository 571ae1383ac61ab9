/** Clients that leave, at whatever moment: Gemini stops working for them, and nothing of them stays. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import { complete, eventually, expectQuiet, readDatabase, type Stack, startStack, testModel } from './harness.ts';

/** Time within which a client that left stops costing tokens. */
const noticedMs = 1_000;

describe('clients that leave', () => {
  let stack: Stack;

  before(async () => {
    stack = await startStack();
  });
  after(() => stack.stop());
  afterEach(async () => {
    await stack.simulator.reset();
    await expectQuiet(stack.gateway);
  });

  function request(stream: boolean): string {
    const body = JSON.stringify({ model: testModel, stream, messages: [{ role: 'user', content: 'Hello' }] });
    return `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${stack.clientKey}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  }

  function send(bytes: string): Socket {
    const socket = connect({ host: '127.0.0.1', port: stack.gateway.port });
    socket.on('error', () => undefined);
    socket.write(bytes);
    return socket;
  }

  const rows = (): { status: number; termination: string }[] =>
    readDatabase(stack.gateway.folder, (database) =>
      database
        .prepare<[], { status: number; termination: string }>('SELECT status, termination FROM requests ORDER BY id')
        .all(),
    );

  const openCalls = async (): Promise<number> => (await stack.simulator.stats()).open;

  for (const stream of [false, true])
    test(`D-6 before the head (${stream ? 'stream' : 'whole'}): the call is closed, the row says 499`, async () => {
      const earlier = rows().length;
      await stack.simulator.script([{ match: { model: testModel }, holdUntilReleased: 'never' }]);
      const socket = send(request(stream));
      await eventually('Gemini works', async () => (await stack.simulator.stats()).held['never'] === 1);
      socket.destroy();
      await eventually('the call is closed', async () => (await stack.simulator.stats()).aborted === 1, noticedMs);
      await eventually('its row is there', () => rows().length === earlier + 1);
      assert.deepEqual(rows().at(-1), { status: 499, termination: 'client_gone' });
    });

  test('D-6 while its body is on the way: there was no request, so Gemini is not asked and there is no row', async () => {
    const earlier = rows().length;
    const asked = (await stack.simulator.stats()).requests;
    const whole = request(false);
    for (const bytes of [whole.length - 1, whole.indexOf('\r\n\r\n') + 4, 20]) {
      const socket = send(whole.slice(0, bytes));
      await new Promise((resolve) => socket.once('connect', resolve));
      socket.resetAndDestroy();
    }
    assert.equal((await complete(stack.gateway, stack.clientKey, {})).status, 200);
    assert.equal((await stack.simulator.stats()).requests, asked + 1);
    assert.equal(rows().length, earlier + 1);
  });

  test('D-7 between two tries: there is no other try', async () => {
    await stack.simulator.script([{ match: { model: testModel }, error: 'overloaded' }]);
    const socket = send(request(false));
    await eventually('the first try failed', async () => (await stack.simulator.stats()).answers.length > 0);
    socket.destroy();
    await expectQuiet(stack.gateway);
    const asked = (await stack.simulator.stats()).requests;
    await stack.simulator.reset();
    assert.equal((await complete(stack.gateway, stack.clientKey, {})).status, 200);
    assert.equal((await stack.simulator.stats()).requests, asked + 1, 'only the new request was asked');
    assert.equal(rows().at(-2)?.termination, 'client_gone');
  });

  test('D-10 a client that closes its half after the request counts as gone', async () => {
    await stack.simulator.script([{ match: { model: testModel }, holdUntilReleased: 'never' }]);
    const socket = send(request(true));
    await eventually('Gemini works', async () => (await stack.simulator.stats()).held['never'] === 1);
    socket.end();
    await eventually('the call is closed', async () => (await openCalls()) === 0, noticedMs);
    socket.destroy();
  });

  test('D-11 a hundred requests in one write are answered in order, or the connection is closed; all is over then', async () => {
    const socket = send(request(false).repeat(100));
    let received = '';
    let isClosed = false;
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
    });
    socket.on('close', () => {
      isClosed = true;
    });
    await eventually('an end', () => isClosed || received.split('HTTP/1.1 200 OK').length === 101);
    socket.destroy();
    const whole = received.split('HTTP/1.1 ').slice(1);
    assert.ok(whole.length <= 100);
    for (const answer of whole) assert.match(answer, /^200 OK/);
  });

  test('fifty that leave within their streams cost no key its turn', async () => {
    await stack.simulator.script([{ match: { model: testModel }, chunks: 1_000, chunkSize: 8, intervalMs: 20 }]);
    const sockets = Array.from({ length: 50 }, () => send(request(true)));
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('data', resolve))));
    for (const [index, socket] of sockets.entries()) {
      if (index % 2 === 0) socket.destroy();
      else socket.resetAndDestroy();
    }
    await eventually('every call is closed', async () => (await openCalls()) === 0, noticedMs);
    await stack.simulator.reset();
    for (let turn = 0; turn < 3; turn++) await complete(stack.gateway, stack.clientKey, {});
    const { answers } = await stack.simulator.stats();
    assert.deepEqual(
      answers.filter(({ status }) => status === 200).map(({ count }) => count),
      [1, 1, 1],
    );
  });
});
