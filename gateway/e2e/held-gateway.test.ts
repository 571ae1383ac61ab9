/** The gateway's own thread stands still while its workers go on: they read no more of Gemini than fits on the way to it. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { adminToken, makeClientKey, startGateway } from '../../bench/running-gateway.ts';
import { complete, eventually, expectQuiet, geminiKeys } from './harness.ts';
import { event, pour, RawUpstream, streamHead } from './raw-upstream.ts';

const streams = 8;
const streamBytes = 60 * 1024 * 1024;
/** Of all of them: what one worker may have on its way, and the kernel's buffers of eight connections. */
const readBytesMax = 100 * 1024 * 1024;

test(`while the gateway stands still, ${streams} streams stop at their source; then all of them end whole`, async () => {
  const upstream = new RawUpstream();
  await upstream.start();
  const piece = event('x'.repeat(16_384));
  const sent = new Map<Socket, number>();
  let mayGoOn = false;
  upstream.on('torrent', (socket) => {
    socket.write(streamHead);
    sent.set(socket, 0);
    socket.write(event('The beginning.'));
    const timer = setInterval(() => {
      if (!mayGoOn) return;
      clearInterval(timer);
      pour(socket, piece, streamBytes, sent);
    }, 10);
  });
  const gateway = await startGateway({
    env: { GEMINI_API_KEYS: geminiKeys(streams).join(','), GEMINI_BASE_URL: upstream.url, WORKER_THREADS: '1' },
    preload: fileURLToPath(new URL('main-holder.mjs', import.meta.url)),
  });
  const hold = join(gateway.folder, 'hold');
  try {
    const clientKey = (await makeClientKey(gateway.url, await adminToken(gateway.url), 'held')).key;
    const open = Array.from({ length: streams }, () =>
      complete(gateway, clientKey, { model: 'torrent', stream: true }),
    );
    await eventually('all have begun', () => sent.size === streams);
    writeFileSync(hold, '');
    gateway.process.kill('SIGUSR2');
    await eventually('it stands still', async () => {
      const answer = await fetch(`${gateway.url}/health`, { signal: AbortSignal.timeout(200) }).catch(() => null);
      return answer === null;
    });
    mayGoOn = true;
    const total = (): number => [...sent.values()].reduce((sum, bytes) => sum + bytes, 0);
    let earlier = -1;
    let stillSinceMs = 0;
    await eventually('nothing is read for a second', () => {
      if (total() !== earlier) stillSinceMs = performance.now();
      earlier = total();
      return [...sent.keys()].every((socket) => socket.writableNeedDrain) && performance.now() - stillSinceMs > 1_000;
    });
    assert.ok(total() < readBytesMax, `Gemini was let send ${total()} bytes`);
    rmSync(hold);
    for (const { text } of await Promise.all(open)) {
      assert.ok(text.endsWith('data: [DONE]\n\n'), 'a stream is whole');
      assert.ok(text.length > streamBytes * 0.9, 'with all of its text');
    }
    await expectQuiet(gateway);
  } finally {
    rmSync(hold, { force: true });
    await gateway.stop();
    upstream.stop();
  }
});
