/** Nothing grows with the number of requests: the heap of every thread and the descriptors are what they were long before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chanceOf } from './chance.ts';
import { complete, eventually, expectQuiet, openDescriptors, type Stack, startStack, testModel } from './harness.ts';

const warmUp = 2_000;
const requests = 10_000;
const clients = 24;
/** Caches fill and code is compiled, a little; a hundred bytes kept of each request would be a megabyte. */
const grownBytesMax = 1_500_000;
const descriptorsMore = 4;

test(`after ${requests} requests, a tenth of them left by their clients, no heap and no descriptor is kept`, async (context) => {
  const stack = await startStack({
    preload: new URL('./heap-probe.mjs', import.meta.url).href,
    env: { LOG_LEVEL: 'info' },
  });
  try {
    await stack.simulator.setLogging(false);
    await ask(stack, warmUp, 1);
    const before = await heaps(stack);
    const descriptors = openDescriptors(stack.gateway.pid);
    await ask(stack, requests, 2);
    const after = await heaps(stack);
    context.diagnostic(`heaps ${JSON.stringify([...before])}, then ${JSON.stringify([...after])}`);
    assert.equal(after.size, 3, 'the gateway and its workers have told');
    for (const [thread, bytes] of after) {
      const grown = bytes - (before.get(thread) ?? 0);
      assert.ok(grown < grownBytesMax, `thread ${thread} keeps ${Math.round(grown / 1_000)} kB more`);
    }
    await eventually('descriptors', () => openDescriptors(stack.gateway.pid) <= descriptors + descriptorsMore);
  } finally {
    await stack.stop();
  }
});

/** Whole answers, streams, errors of the client, and clients that leave; resolves once nothing is in flight. */
async function ask({ gateway, clientKey }: Stack, count: number, seed: number): Promise<void> {
  const chance = chanceOf(seed);
  let left = count;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (left-- > 0) {
        const roll = chance();
        const leave = roll < 0.1 ? AbortSignal.timeout(Math.ceil(chance() * 10)) : undefined;
        const content = `x`.repeat(chance() * 2_000);
        const body = roll > 0.95 ? { temperature: 99 } : { stream: roll < 0.5, messages: [{ role: 'user', content }] };
        await complete(gateway, clientKey, { model: testModel, ...body }, leave);
      }
    }),
  );
  await expectQuiet(gateway);
}

/** What is left of the heap of each thread after a collection, by thread. */
async function heaps({ gateway }: Stack): Promise<Map<number, number>> {
  const from = gateway.lines.length;
  const told = new Map<number, number>();
  gateway.process.kill('SIGUSR2');
  await eventually('every thread tells', () => {
    for (const line of gateway.lines.slice(from)) {
      const [, thread, bytes] = /^\{"heapOf":(\d+),"bytes":(\d+)\}$/.exec(line) ?? [];
      if (thread !== undefined) told.set(Number(thread), Number(bytes));
    }
    return told.size >= 3;
  });
  return told;
}
