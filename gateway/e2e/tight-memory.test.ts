/** O-6: the nearer memory comes to its limit, the more is refused; what is being served goes on, and then all is as before. */
import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { limits } from '../../shared/limits.ts';
import { complete, eventually, expectQuiet, metric, type Seen, type Stack, startStack, testModel } from './harness.ts';

/** A model that is never held, beside the one whose streams are. */
const otherModel = 'gemini-3.6-flash';
const largeText = 'x'.repeat(limits.bodyStringBytesMax);

describe('O-6 memory', () => {
  let stack: Stack;

  before(async () => {
    stack = await startStack({ preload: new URL('./memory-share.mjs', import.meta.url).href });
  });
  after(() => stack.stop());

  function setShare(share: number): void {
    const path = join(stack.gateway.folder, 'memory-share');
    // At one stroke: the gateway may read it at any moment.
    writeFileSync(`${path}.new`, String(share));
    renameSync(`${path}.new`, path);
  }

  const ask = (content = 'Hello'): Promise<Seen> =>
    complete(stack.gateway, stack.clientKey, { model: otherModel, messages: [{ role: 'user', content }] });

  /** Sends a request twice over one connection; resolves with the number of answers before the gateway closed it, 2 if it did not. */
  function answersOfOneConnection(): Promise<number> {
    const request = 'GET /ready HTTP/1.1\r\nhost: x\r\n\r\n';
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: stack.gateway.port });
      let text = '';
      const answers = (): number => text.split('HTTP/1.1 200 ').length - 1;
      socket.on('connect', () => socket.write(request));
      socket.on('data', (chunk) => {
        const before = answers();
        text += chunk.toString('latin1');
        if (before === 0 && answers() === 1) socket.write(request);
        if (answers() === 2) socket.destroy();
      });
      socket.on('error', (error) => (answers() === 0 ? reject(error) : undefined));
      socket.on('close', () => resolve(answers()));
    });
  }

  function assertRefused({ status, text, headers }: Seen): void {
    assert.equal(status, 503);
    assert.match(text, /"code":"overloaded"/);
    assert.ok(Number(headers.get('retry-after')) >= 1);
  }

  const health = async (): Promise<string> => {
    const answer = await fetch(`${stack.gateway.url}/health`);
    assert.equal(answer.status, 200);
    return await answer.text();
  };

  test('O-6 keep-alive goes first, then large bodies, then all; /health answers throughout, streams end whole', async () => {
    const { gateway, clientKey, simulator } = stack;
    assert.equal((await ask(largeText)).status, 200);
    assert.equal(await answersOfOneConnection(), 2);
    await simulator.script([
      { match: { model: testModel }, chunks: 4, chunkSize: 8, holdUntilReleased: 'tight', holdAfterEvents: 2 },
    ]);
    const streams = Array.from({ length: 4 }, () => complete(gateway, clientKey, { stream: true }));
    await eventually('the streams flow', async () => (await simulator.stats()).held['tight'] === 4);

    setShare(0.9);
    await eventually('connections are closed after their answer', async () => (await answersOfOneConnection()) === 1);
    assert.equal((await ask(largeText)).status, 200);
    assert.match(await health(), /"status":"ok"/);

    setShare(0.93);
    await eventually('large bodies are refused', async () => (await ask(largeText)).status === 503);
    assertRefused(await ask(largeText));
    assert.equal((await ask()).status, 200);
    assert.equal(await metric(gateway, 'gemini_pool_shed_total', 'memory'), 0);

    setShare(0.97);
    await eventually('all is refused', async () => (await ask()).status === 503);
    assertRefused(await ask());
    assert.ok((await metric(gateway, 'gemini_pool_shed_total', 'memory')) >= 2);
    assert.match(await health(), /"degraded".*too much to do \(memory\)/);

    await simulator.release('tight');
    for (const seen of await Promise.all(streams))
      assert.ok(seen.text.endsWith('data: [DONE]\n\n'), 'a stream is whole');

    setShare(0.5);
    await eventually('all is served again', async () => (await ask(largeText)).status === 200);
    assert.equal(await answersOfOneConnection(), 2);
    assert.match(await health(), /"status":"ok"/);
    await expectQuiet(gateway);
  });
});
