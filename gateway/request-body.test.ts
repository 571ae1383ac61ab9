/** Bodies as they come over real sockets, and what they take of the memory for all. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { after, before, describe, mock, test } from 'node:test';
import pino from 'pino';
import { BodyHold, BodyMemory } from './body-memory.ts';
import { eventually } from './e2e/harness.ts';
import { FrontServer } from './front-server.ts';
import { replyJson } from './reply.ts';
import { readJsonBody } from './request-body.ts';

const bytesMax = 1_048_576;
const memory = new BodyMemory(4 * bytesMax);

describe('bodies of requests', () => {
  const server = new FrontServer({
    routes: [
      {
        path: '/v1/echo',
        methods: {
          POST: async (call) => {
            const hold = memory.hold();
            call.down.whenGone(() => hold.release());
            try {
              const body = await readJsonBody(call, bytesMax, hold);
              replyJson(call.down, 200, { kind: typeof body, digest: digestOf(Buffer.from(body)) });
            } finally {
              hold.release();
            }
          },
        },
      },
    ],
    corsOrigins: [],
    nextId: () => 'id-1',
    closesConnections: () => false,
    log: pino({ level: 'silent' }),
  });
  let port = 0;

  before(async () => {
    port = await server.listen('127.0.0.1', 0);
  });
  after(() => server.close());

  const announce = (length: number) => open(`content-length: ${length}`);

  function open(header: string): { socket: Socket; answer: Promise<string> } {
    const socket = connect({ host: '127.0.0.1', port });
    socket.setNoDelay(true);
    socket.write(`POST /v1/echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${header}\r\n\r\n`);
    const answer = new Promise<string>((resolve) => {
      let text = '';
      socket.on('data', (data) => {
        text += data.toString();
      });
      socket.on('close', () => resolve(text));
    });
    return { socket, answer };
  }

  const sizes = [
    [1, 'string'],
    [65_535, 'string'],
    [65_536, 'string'],
    [65_537, 'object'],
    [262_144, 'object'],
    [700_001, 'object'],
    [bytesMax, 'object'],
  ] as const;
  for (const [size, kind] of sizes)
    for (const piece of [1_000, 65_536, 300_000, size])
      test(`${size} bytes in pieces of ${piece} arrive as they were sent`, async () => {
        const body = Buffer.from(randomBytes(size).toString('hex').slice(0, size));
        const { socket, answer } = announce(size);
        for (let at = 0; at < size; at += piece) {
          await new Promise((resolve) => socket.write(body.subarray(at, at + piece), resolve));
          // The server shall see the pieces as pieces.
          if (at / piece < 5) await new Promise((resolve) => setImmediate(resolve));
        }
        assert.ok((await answer).includes(`{"kind":"${kind}","digest":"${digestOf(body)}"}`));
        assert.equal(memory.bytes, 0);
      });

  test('a body that comes byte by byte is not moved with each of them', async () => {
    const { mock: growTo } = mock.method(BodyHold.prototype, 'growTo');
    const { socket, answer } = open('transfer-encoding: chunked');
    const body = Buffer.from(randomBytes(2_000).toString('hex'));
    for (const byte of body.toString()) socket.write(`1\r\n${byte}\r\n`);
    socket.write('0\r\n\r\n');
    assert.ok((await answer).includes(digestOf(body)));
    const sizes = new Set(growTo.calls.map(({ arguments: [bytes] }) => bytes));
    growTo.restore();
    assert.ok(growTo.callCount() > 100, 'it came in many pieces');
    assert.ok(sizes.size < 20, `its memory had ${sizes.size} sizes`);
  });

  test('who announces much and sends little takes little', async () => {
    const slow = Array.from({ length: 20 }, () => announce(bytesMax));
    for (const { socket } of slow) socket.write('x'.repeat(1_000));
    await eventually('all have begun', () => memory.requests === 20 && memory.bytes >= 20 * 1_000);
    assert.ok(memory.bytes <= 20 * 65_536, `${memory.bytes} bytes are held`);
    const whole = announce(bytesMax);
    const body = Buffer.alloc(bytesMax, 'y');
    whole.socket.write(body);
    assert.ok((await whole.answer).includes(digestOf(body)), 'there is room for a large one');
    for (const { socket } of slow) socket.destroy();
    await eventually('all is given back', () => memory.bytes === 0 && memory.requests === 0);
  });
});

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
