import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { describe, test } from 'node:test';
import { runLoad } from './http-load.ts';

const request = Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n');

async function withServer(
  answer: Parameters<typeof createServer>[1],
  run: (port: number) => Promise<void>,
): Promise<void> {
  const server: Server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  try {
    if (typeof address === 'object' && address !== null) await run(address.port);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('load generator', () => {
  test('counts every answer once, with its events and the gaps between them', async () => {
    await withServer(
      (_, response) => response.end('data: a\n\ndata: b\n\n'),
      async (port) => {
        // Chunked, as streams are.
        const load = { port, request, requests: 50, connections: 7, rampMs: 20 };
        const { completed, failed, latencies } = await runLoad(load);
        assert.deepEqual([completed, failed, latencies.length], [50, 0, 50]);
      },
    );
    await withServer(
      (_, response) => {
        response.write('data: a\n\n');
        response.end('data: b\n\n');
      },
      async (port) => {
        const { events, firstEvents, gaps } = await runLoad({ port, request, requests: 20, connections: 4, rampMs: 0 });
        assert.deepEqual([events, firstEvents.length, gaps.length], [40, 20, 20]);
      },
    );
  });

  test('an open load begins all of its requests, at most so many at once as are answered late', async () => {
    await withServer(
      (_, response) => response.end('{}'),
      async (port) => {
        const load = { port, request, requests: 100, perSecond: 2_000, connections: 0, rampMs: 0 };
        const { completed, failed, seconds } = await runLoad(load);
        assert.deepEqual([completed, failed], [100, 0]);
        // Ninety-nine pauses of half a millisecond lie between the first and the last.
        assert.ok(seconds >= 0.049, `${seconds} s`);
      },
    );
  });

  test('refusals and broken connections are failures, and the load still ends', async () => {
    let turn = 0;
    await withServer(
      (_, response) => {
        turn++;
        if (turn % 3 === 0) response.destroy();
        else response.writeHead(turn % 3 === 1 ? 200 : 503).end('{}');
      },
      async (port) => {
        const { completed, failed } = await runLoad({ port, request, requests: 30, connections: 3, rampMs: 0 });
        assert.deepEqual([completed, failed], [10, 20]);
      },
    );
  });

  test('a port where nobody listens', async () => {
    const { completed, failed } = await runLoad({ port: 1, request, requests: 5, connections: 2, rampMs: 0 });
    assert.deepEqual([completed, failed], [0, 5]);
  });
});
