/** Too much at once: what is above the bound is refused early and plainly, and what is being served does not suffer. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import {
  complete,
  eventually,
  expectQuiet,
  metric,
  openDescriptors,
  readDatabase,
  type Seen,
  startStack,
  testModel,
  writerPid,
} from './harness.ts';

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

test('O-2 requests whose bodies are still to come count: no more of them are begun than may be in flight', async () => {
  const bound = 10;
  const stack = await startStack({ env: { MAX_CONCURRENT_REQUESTS: String(bound) } });
  const body = JSON.stringify({ model: testModel, messages: [{ role: 'user', content: 'Hello' }] });
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${stack.clientKey}\r\ncontent-length: ${body.length}\r\n\r\n`;
  const sockets: Socket[] = [];
  try {
    const answers = Array.from({ length: 2 * bound }, () => {
      const socket = connect({ host: '127.0.0.1', port: stack.gateway.port });
      sockets.push(socket);
      socket.on('error', () => undefined);
      const answer = { text: '' };
      socket.on('data', (chunk) => {
        answer.text += chunk.toString('latin1');
      });
      socket.write(head);
      return answer;
    });
    const refused = (): number =>
      answers.filter(({ text }) => /^HTTP\/1\.1 503 [\s\S]*"code":"overloaded"/.test(text)).length;
    await eventually('half are refused by their heads', () => refused() === bound);
    assert.equal(await metric(stack.gateway, 'gemini_pool_requests_in_flight'), 0, 'none of them is in flight yet');
    // Half of those that were let in send their bodies and are served, the others leave: then there is room again.
    const admitted = sockets.filter((_, index) => answers[index]?.text === '');
    for (const [index, socket] of admitted.entries()) {
      if (index % 2 === 0) socket.write(body);
      else socket.destroy();
    }
    const served = (): number => answers.filter(({ text }) => text.startsWith('HTTP/1.1 200 ')).length;
    await eventually('those are served', () => served() === bound / 2);
    await eventually(
      'there is room again',
      async () => (await complete(stack.gateway, stack.clientKey, {})).status === 200,
    );
    const together = await Promise.all(
      Array.from({ length: bound }, () => complete(stack.gateway, stack.clientKey, {})),
    );
    assert.deepEqual(
      together.map(({ status }) => status),
      together.map(() => 200),
      'for as many as before',
    );
    await expectQuiet(stack.gateway);
  } finally {
    for (const socket of sockets) socket.destroy();
    await stack.stop();
  }
});

test('O-4 a gateway that was held up refuses at once what is new, finishes what it has, and recovers in seconds', async () => {
  const streams = 80;
  const stack = await startStack();
  try {
    await stack.simulator.script([
      { match: { model: testModel }, chunks: 4, chunkSize: 8, holdUntilReleased: 'on', holdAfterEvents: 2 },
    ]);
    const open = Array.from({ length: streams }, () => complete(stack.gateway, stack.clientKey, { stream: true }));
    await eventually('all flow', async () => (await stack.simulator.stats()).held['on'] === streams);
    stack.gateway.process.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 700));
    stack.gateway.process.kill('SIGCONT');
    const ask = (): Promise<Seen> => complete(stack.gateway, stack.clientKey, { model: 'gemini-3.6-flash' });
    await eventually(
      'it refuses',
      async () => {
        const seen = await ask();
        return (
          seen.status === 503 && seen.text.includes('"overloaded"') && Number(seen.headers.get('retry-after')) >= 1
        );
      },
      1_000,
    );
    assert.equal((await fetch(`${stack.gateway.url}/health`)).status, 200);
    assert.ok((await metric(stack.gateway, 'gemini_pool_shed_total', 'event_loop')) >= 1);
    await eventually('it takes requests again', async () => (await ask()).status === 200, 3_000);
    await stack.simulator.release('on');
    for (const seen of await Promise.all(open)) assert.ok(seen.text.endsWith('data: [DONE]\n\n'), 'a stream is whole');
    await expectQuiet(stack.gateway);
  } finally {
    stack.gateway.process.kill('SIGCONT');
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
    // A writer that dies now can't be started again before the flood is over.
    const writer = writerPid(stack.gateway);
    assert.ok(writer !== null);
    process.kill(writer, 'SIGKILL');
    const failures = (): number =>
      stack.gateway.lines.filter((line) => line.includes('the writer process is gone and starts again')).length;
    await eventually('the start of a writer has failed several times', () => failures() > 3);
    await stack.simulator.release('flooded');
    for (const seen of await Promise.all(streams))
      assert.ok(seen.text.endsWith('data: [DONE]\n\n'), 'a stream is whole');
    for (const socket of flood) socket.destroy();
    await stack.simulator.reset();
    assert.equal((await complete(stack.gateway, stack.clientKey, {})).status, 200);
    assert.equal(await metric(stack.gateway, 'gemini_pool_worker_restarts_total'), 0);
    await expectQuiet(stack.gateway);
    assert.ok(failures() < 10, 'the starts keep their distance');
    const rows = readDatabase(stack.gateway.folder, (database) =>
      database.prepare('SELECT termination, count(*) AS rows FROM requests GROUP BY termination').all(),
    );
    assert.deepEqual(rows, [{ termination: 'complete', rows: 5 }], 'and no row is lost');
  } finally {
    for (const socket of flood) socket.destroy();
    await stack.stop();
  }
});
