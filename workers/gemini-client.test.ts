import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { GeminiClient, type UpstreamListener, type UpstreamRequest } from './gemini-client.ts';

/** More than the buffers of both ends hold. */
const largeBytes = 60_000_000;
const head = '{"data":"';
const tail = '"}';
const shared = Buffer.from(new SharedArrayBuffer(largeBytes)).fill('A');
const request: UpstreamRequest = {
  method: 'POST',
  path: '/models/x:generateContent',
  key: 'key',
  body: [Buffer.from(head), shared, Buffer.from(tail)],
};
const answer = (status: string): string =>
  `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}`;

/** What a call told, and how it ended. */
class Heard implements UpstreamListener {
  readonly statuses: number[] = [];
  readonly over: Promise<string>;
  onEnd: () => void = () => undefined;
  onFault: () => void = () => undefined;

  constructor() {
    this.over = new Promise((resolve) => {
      this.onEnd = () => resolve('end');
      this.onFault = () => resolve('fault');
    });
  }

  onHead(status: number): void {
    this.statuses.push(status);
  }

  onData(): void {}
}

describe('large bodies in pieces', () => {
  let server: Server;
  let client: GeminiClient;

  before(async () => {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => server.close());
  beforeEach(() => {
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    client = clientOf(address.port);
  });
  afterEach(() => client.close());

  function clientOf(port: number): GeminiClient {
    return new GeminiClient({
      geminiBaseUrl: `http://127.0.0.1:${port}`,
      connectTimeoutMs: 5_000,
      firstByteTimeoutMs: 5_000,
      idleTimeoutMs: 5_000,
      logLevel: 'info',
      modelAliases: new Map(),
      modelFallbacks: new Map(),
      strictParameters: false,
      emptyAnswers: 'retry',
      remoteMedia: 'refuse',
      googleMayStore: false,
      resumeStreams: false,
      keyAffinity: 'off',
    });
  }

  /** The next connection, with what has come of its first request. */
  async function connection(): Promise<{ socket: Socket; first: string; closed: Promise<unknown> }> {
    const [socket]: Socket[] = await once(server, 'connection');
    assert.ok(socket !== undefined);
    socket.on('error', () => undefined);
    const closed = once(socket, 'close');
    const [chunk]: Buffer[] = await once(socket, 'data');
    // The rest stays unread until the test says so.
    socket.pause();
    return { socket, first: chunk?.toString('latin1') ?? '', closed };
  }

  test('they arrive as one, of a length that is told', async () => {
    const heard = new Heard();
    const next = connection();
    client.call(request, heard);
    const { socket, first } = await next;
    const length = head.length + largeBytes + tail.length;
    assert.match(first, new RegExp(`\\r\\ncontent-length: ${length}\\r\\n`, 'i'));
    assert.doesNotMatch(first, /transfer-encoding/i);
    let received = first.length;
    const bodyStart = first.indexOf('\r\n\r\n') + 4;
    let last = '';
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
      last = chunk.subarray(-tail.length).toString('latin1');
      if (received === bodyStart + length) socket.write(answer('200 OK'));
    });
    socket.resume();
    assert.equal(await heard.over, 'end');
    assert.deepEqual(heard.statuses, [200]);
    assert.equal(last, tail);
  });

  test('one that is answered before it was read is over, and the next call gets a connection of its own', async () => {
    for (const status of ['429 Too Many Requests', '503 Service Unavailable']) {
      const heard = new Heard();
      const next = connection();
      client.call(request, heard);
      const { socket, closed } = await next;
      socket.write(answer(status));
      assert.equal(await heard.over, 'end');
      assert.deepEqual(heard.statuses, [Number(status.slice(0, 3))]);
      socket.resume();
      await closed;
    }
  });

  test('a call that is dropped meanwhile, or before it has begun, closes its connection, and is not heard of', async () => {
    const heard = new Heard();
    heard.onFault = () => assert.fail('it was dropped');
    const next = connection();
    const call = client.call(request, heard);
    const { socket, closed } = await next;
    call.abort();
    socket.resume();
    await closed;
    client.call(request, heard).abort();
    assert.deepEqual(heard.statuses, []);
  });

  test('a connection that is cut meanwhile, or cannot be made, is a fault', async () => {
    const cut = new Heard();
    const next = connection();
    client.call(request, cut);
    (await next).socket.destroy();
    assert.equal(await cut.over, 'fault');
    // Nobody listens on the port of discards.
    const nowhere = clientOf(9);
    const refused = new Heard();
    nowhere.call(request, refused);
    assert.equal(await refused.over, 'fault');
    await nowhere.close();
  });
});
