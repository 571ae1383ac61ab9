/**
 * A worker thread that dies takes nothing with it but its own streams, and those end as errors: requests that have sent
 * nothing run again on another thread, and the client notices nothing.
 */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import OpenAI from 'openai';
import { processCpuSeconds } from '../../bench/cpu-time.ts';
import { eventually, metric, type Stack, startStack, testModel } from './harness.ts';

describe('loss of a worker thread', () => {
  let stack: Stack;

  before(async () => {
    // The hook ends a worker thread that is handed a body with a certain word in it: the product has no such door.
    stack = await startStack({
      preload: new URL('./thread-killer.mjs', import.meta.url).href,
    });
  });
  after(() => stack.stop());

  const ask = (content: string): Promise<OpenAI.Chat.ChatCompletion> =>
    stack.openai.chat.completions.create({ model: testModel, messages: [{ role: 'user', content }] });

  test('streams of other threads go on; those of the dead one end with an error; the thread is replaced', async () => {
    await stack.simulator.script([
      { match: { model: testModel, method: 'streamGenerateContent' }, chunks: 40, chunkSize: 8, intervalMs: 50 },
    ]);
    // Two workers, least-loaded first: the four streams are spread two and two.
    const streams = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const stream = await stack.openai.chat.completions.create({
          model: testModel,
          stream: true,
          messages: [{ role: 'user', content: 'Hello' }],
        });
        const chunks = stream[Symbol.asyncIterator]();
        await chunks.next();
        return chunks;
      }),
    );
    const outcomes = Promise.all(
      streams.map(async (chunks) => {
        try {
          let last = await chunks.next();
          while (!last.done) last = await chunks.next();
          return 'complete';
        } catch (error) {
          assert.ok(error instanceof OpenAI.APIError);
          return 'error';
        }
      }),
    );
    // It takes one thread down and then is answered by another.
    const completion = await ask('please die-once-first');
    assert.equal(completion.choices[0]?.finish_reason, 'stop');
    assert.deepEqual((await outcomes).sort(), ['complete', 'complete', 'error', 'error']);
    await eventually('the thread is replaced', async () => (await fetch(`${stack.gateway.url}/ready`)).status === 200);
    assert.ok((await metric(stack.gateway, 'gemini_pool_worker_restarts_total')) >= 1);
    assert.equal(await metric(stack.gateway, 'gemini_pool_leases'), 0);
  });

  test('a request that has sent nothing runs again elsewhere', async () => {
    await stack.simulator.reset();
    const completion = await ask('please die-once-second');
    assert.equal(completion.choices[0]?.finish_reason, 'stop');
  });

  test('a request that kills every thread it meets fails, and the gateway lives on', async () => {
    await assert.rejects(
      ask('please die-always'),
      (error) => error instanceof OpenAI.InternalServerError && error.code === 'worker_lost',
    );
    await eventually(
      'the threads are replaced',
      async () => (await fetch(`${stack.gateway.url}/ready`)).status === 200,
    );
    const completion = await ask('Hello');
    assert.equal(completion.choices[0]?.finish_reason, 'stop');
    assert.equal(await metric(stack.gateway, 'gemini_pool_requests_in_flight'), 0);
  });

  test('C-5 threads that die at their start: requests fail at once, no core is burnt, and it ends with its cause', async () => {
    const broken = join(stack.gateway.folder, 'threads-broken');
    const ready = async (): Promise<number> => (await fetch(`${stack.gateway.url}/ready`)).status;
    const restarts = (): Promise<number> => metric(stack.gateway, 'gemini_pool_worker_restarts_total');
    const before = await restarts();
    writeFileSync(broken, '');
    await assert.rejects(ask('please die-always'), OpenAI.InternalServerError);
    await eventually('it is not ready', async () => (await ready()) === 503);
    await eventually('starts were tried again', async () => (await restarts()) > before + 6);
    const startedMs = performance.now();
    const cpuSeconds = processCpuSeconds(stack.gateway.pid);
    const from = await restarts();
    await assert.rejects(ask('Hello'), (error) => error instanceof OpenAI.InternalServerError && error.status >= 500);
    await eventually('and again', async () => (await restarts()) > from + 4);
    const seconds = (performance.now() - startedMs) / 1_000;
    assert.ok((await restarts()) - from < 10 + seconds * 8, 'starts keep their distance');
    assert.ok(processCpuSeconds(stack.gateway.pid) - cpuSeconds < seconds * 2, 'there is no spinning');
    rmSync(broken);
    await eventually('it is ready again', async () => (await ready()) === 200);
    assert.equal((await ask('Hello')).choices[0]?.finish_reason, 'stop');
    assert.equal(await metric(stack.gateway, 'gemini_pool_requests_in_flight'), 0);
    assert.equal(await metric(stack.gateway, 'gemini_pool_leases'), 0);
  });
});
