/** Too much at once: what is above the bound is refused early and plainly, and what is being served does not suffer. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { complete, eventually, expectQuiet, metric, openDescriptors, startStack, testModel } from './harness.ts';

test('O-2 twice as many requests as may be in flight: the bound is served, the others are told to come again', async () => {
  const bound = 20;
  const stack = await startStack({ env: { MAX_CONCURRENT_REQUESTS: String(bound) } });
  try {
    await stack.simulator.script([{ match: { model: testModel }, text: 'Served.', holdUntilReleased: 'served' }]);
    let refused = 0;
    const answers = Array.from({ length: 2 * bound }, async (_, index) => {
      const seen = await complete(stack.gateway, stack.clientKey, { stream: index % 2 === 0 });
      if (seen.status === 503) refused++;
      return seen;
    });
    await eventually('the others are refused while the bound is busy', () => refused === bound);
    assert.equal(await metric(stack.gateway, 'gemini_pool_requests_in_flight'), bound);
    await eventually(
      'Gemini was asked for those within the bound',
      async () => (await stack.simulator.stats()).held['served'] === bound,
    );
    await stack.simulator.release('served');
    for (const seen of await Promise.all(answers)) {
      assert.ok(!seen.isCut);
      if (seen.status === 200) assert.match(seen.text, /Served\./);
      else {
        assert.match(seen.text, /"code":"overloaded"/);
        assert.ok(Number(seen.headers.get('retry-after')) >= 1, 'Retry-After');
      }
    }
    assert.equal((await complete(stack.gateway, stack.clientKey, {})).status, 200, 'and then there is room again');
    await expectQuiet(stack.gateway);
  } finally {
    await stack.stop();
  }
});

test('O-7 a flood of connections, beyond what the process may open, ends no stream, and passes', async () => {
  const descriptorsMax = 256;
  const stack = await startStack();
  const flood: Socket[] = [];
  try {
    await stack.simulator.script([
      { match: { model: testModel }, chunks: 4, chunkSize: 8, holdUntilReleased: 'flooded', holdAfterEvents: 2 },
    ]);
    const streams = Array.from({ length: 4 }, () => complete(stack.gateway, stack.clientKey, { stream: true }));
    await eventually('the streams flow', async () => (await stack.simulator.stats()).held['flooded'] === 4);
    execFileSync('prlimit', ['--pid', String(stack.gateway.pid), `--nofile=${descriptorsMax}:${descriptorsMax}`]);
    for (let i = 0; i < 2 * descriptorsMax; i++) {
      const socket = connect({ host: '127.0.0.1', port: stack.gateway.port });
      socket.on('error', () => undefined);
      flood.push(socket);
    }
    await eventually('no more can be opened', () => openDescriptors(stack.gateway.pid) === descriptorsMax);
    await stack.simulator.release('flooded');
    for (const seen of await Promise.all(streams))
      assert.ok(seen.text.endsWith('data: [DONE]\n\n'), 'a stream is whole');
    for (const socket of flood) socket.destroy();
    await stack.simulator.reset();
    assert.equal((await complete(stack.gateway, stack.clientKey, {})).status, 200);
    assert.equal(await metric(stack.gateway, 'gemini_pool_worker_restarts_total'), 0);
    assert.equal(await metric(stack.gateway, 'gemini_pool_writer_restarts_total'), 0);
    await expectQuiet(stack.gateway);
  } finally {
    for (const socket of flood) socket.destroy();
    await stack.stop();
  }
});
