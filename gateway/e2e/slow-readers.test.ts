/** Many clients that read far slower than Gemini writes: its streams wait, the gateway's memory does not grow with them. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { residentBytes } from '../../bench/cpu-time.ts';
import { adminToken, makeClientKey, type RunningGateway, startGateway } from '../../bench/running-gateway.ts';
import { complete, eventually, expectQuiet, geminiKeys } from './harness.ts';
import { event, pour, RawUpstream, streamHead } from './raw-upstream.ts';

const readers = 100;
const streamBytes = 50 * 1024 * 1024;
const readBytesASecond = 1_024;
/** How long they read before they leave. */
const readingMs = 5_000;
/** What all of them together may add to the gateway's memory, garbage of its heaps included: they are 5 GB, and 8 MB of each fit into the kernel's buffers. */
const grownBytesMax = 400 * 1024 * 1024;

describe('slow readers', () => {
  const upstream = new RawUpstream();
  const piece = event('x'.repeat(4_096));
  let gateway: RunningGateway;
  let clientKey: string;
  /** By connection of the upstream: bytes that it was able to send. */
  const sent = new Map<Socket, number>();

  before(async () => {
    await upstream.start();
    upstream.on('torrent', (socket) => {
      socket.write(streamHead);
      sent.set(socket, 0);
      pour(socket, piece, streamBytes, sent);
    });
    gateway = await startGateway({
      env: { GEMINI_API_KEYS: geminiKeys(3).join(','), GEMINI_BASE_URL: upstream.url, WORKER_THREADS: '2' },
    });
    clientKey = (await makeClientKey(gateway.url, await adminToken(gateway.url), 'slow')).key;
  });
  after(async () => {
    await gateway.stop();
    upstream.stop();
  });

  test(`D-8 ${readers} readers of ${readBytesASecond} bytes a second, of streams of 50 MB`, async () => {
    // The heap comes to its working size first: what is held for the slow ones shows beside that.
    const fast = await Promise.all([1, 2].map(() => complete(gateway, clientKey, { model: 'torrent', stream: true })));
    for (const { text } of fast) assert.ok(text.endsWith('data: [DONE]\n\n') && text.length > streamBytes / 2);
    sent.clear();
    const before = residentBytes(gateway.pid);

    const body = JSON.stringify({ model: 'torrent', stream: true, messages: [{ role: 'user', content: 'Hello' }] });
    const request = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${clientKey}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    let cuts = 0;
    let readTotal = 0;
    const sockets = Array.from({ length: readers }, () => {
      const socket = connect({ host: '127.0.0.1', port: gateway.port }).pause();
      socket.on('close', () => cuts++);
      socket.on('error', () => undefined);
      socket.write(request);
      return socket;
    });
    const reading = setInterval(() => {
      for (const socket of sockets) readTotal += socket.read(readBytesASecond)?.length ?? 0;
    }, 1_000);
    const startedMs = performance.now();
    let most = 0;
    let earlier = -1;
    await eventually(
      'every stream waits for its reader',
      () => {
        most = Math.max(most, residentBytes(gateway.pid));
        const total = [...sent.values()].reduce((sum, bytes) => sum + bytes, 0);
        const areAllWaiting = sent.size === readers && [...sent.keys()].every((socket) => socket.writableNeedDrain);
        const isStill = total === earlier;
        earlier = total;
        return areAllWaiting && isStill && performance.now() - startedMs > readingMs;
      },
      60_000,
    );
    clearInterval(reading);
    assert.equal(cuts, 0, 'none of them was cut');
    assert.ok(readTotal >= readers * readBytesASecond, 'they did read');
    // On the average: one may send much before the word to pause, which a busy gateway gives late, reaches its worker.
    const perStream = [...sent.values()].reduce((sum, bytes) => sum + bytes, 0) / readers;
    assert.ok(perStream < streamBytes / 2, `Gemini was let send ${perStream} bytes a stream`);
    assert.ok(most - before < grownBytesMax, `grown by ${Math.round((most - before) / 1024 / 1024)} MB`);

    // Others are served meanwhile, and those who leave take their streams with them.
    assert.equal((await complete(gateway, clientKey, { model: 'other', stream: true })).status, 200);
    for (const socket of sockets) socket.destroy();
    await eventually('Gemini is told', () => [...sent.keys()].every((socket) => socket.destroyed), 2_000);
    await expectQuiet(gateway);
  });
});
