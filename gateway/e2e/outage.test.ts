/** U-18: Gemini answers 500 and 503 in bursts: short ones are bridged, long ones are not made worse by repetition. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { LogEntry } from '../../bench/simulator/scenario.ts';
import { complete, expectQuiet, geminiKeys, type Seen, type Stack, startStack, testModel } from './harness.ts';

const keys = geminiKeys(5);
/** Retries that are there whatever comes, and come back at one a second. */
const reserve = 10;

describe('U-18 bursts of 500 and 503', () => {
  let stack: Stack;

  before(async () => {
    stack = await startStack({ keys });
  });
  after(() => stack.stop());
  afterEach(async () => {
    await stack.simulator.reset();
    await expectQuiet(stack.gateway);
  });

  const ask = (text: string, stream = false): Promise<Seen> =>
    complete(stack.gateway, stack.clientKey, { stream, messages: [{ role: 'user', content: text }] });

  /** The calls that a request led to, by the text of its message. */
  const callsFor = (log: readonly LogEntry[], text: string): LogEntry[] =>
    log.filter(({ body }) => JSON.stringify(body).includes(`"${text}"`));

  for (const error of ['internal', 'overloaded'] as const)
    for (const stream of [false, true])
      test(`U-18 a burst of two (${error}, ${stream ? 'stream' : 'whole'}) is bridged, after pauses that grow`, async () => {
        await stack.simulator.script([{ match: { model: testModel }, times: 2, error }]);
        const seen = await ask('Hello', stream);
        assert.equal(seen.status, 200);
        assert.ok(!seen.isCut);
        const log = await stack.simulator.log();
        assert.deepEqual(
          log.map(({ status }) => status >= 500),
          [true, true, false],
        );
        // By half of what they are on average, so that a coarse timer does not matter.
        for (const [index, leastMs] of [100, 200].entries()) {
          const pauseMs = (log[index + 1]?.at ?? 0) - (log[index]?.at ?? 0);
          assert.ok(pauseMs >= leastMs, `${pauseMs} ms`);
        }
      });

  test('U-18 an outage: at most a fifth of the requests are made again, each a bounded number of times, not in step', async () => {
    await stack.simulator.script([
      ...keys.slice(0, 2).map((key) => ({ match: { key }, error: 'internal' as const })),
      { match: {}, error: 'overloaded' },
    ]);
    const waves = 3;
    const perWave = 100;
    const startedMs = performance.now();
    const texts: string[] = [];
    for (let wave = 0; wave < waves; wave++) {
      const answers = Array.from({ length: perWave }, (_, i) => {
        const text = `request ${wave} ${i}`;
        texts.push(text);
        return ask(text, i % 2 === 0);
      });
      for (const { status, text } of await Promise.all(answers)) {
        assert.ok(status === 502 || status === 503, `${status} ${text}`);
        assert.match(text, /"code":"(upstream_overloaded|upstream_error)"/);
      }
    }
    const seconds = Math.ceil((performance.now() - startedMs) / 1_000);
    const log = await stack.simulator.log();
    const retriesMax = (waves * perWave) / 5 + reserve + seconds;
    const retries = log.length - waves * perWave;
    assert.ok(retries > reserve / 2 && retries <= retriesMax, `${retries} retries, ${retriesMax} may be`);
    const calls = texts.map((text) => callsFor(log, text));
    assert.ok(calls.every(({ length }) => length >= 1 && length <= 4));
    const pauses = calls.flatMap(([first, second]) => (first && second ? [second.at - first.at] : []));
    // Of 250 ms or half as much more or less; none would be shorter if all were the same.
    assert.ok(Math.min(...pauses) < 249, `pauses in step: ${pauses}`);
    await stack.simulator.reset();
    const later = await Promise.all(keys.map((_, i) => ask(`later ${i}`)));
    assert.deepEqual(
      later.map(({ status }) => status),
      keys.map(() => 200),
    );
    assert.equal((await stack.simulator.stats()).answers.length, keys.length, 'no key was blamed: each has its turn');
  });
});
