/** A restart takes the port again at once, whatever connections were open when the one before ended. */
import assert from 'node:assert/strict';
import { type AddressInfo, connect, createServer } from 'node:net';
import { test } from 'node:test';
import { startGateway } from '../../bench/running-gateway.ts';
import { complete, geminiKeys, startStack } from './harness.ts';

test('the port of a gateway that had open connections is free for the next one, and taken while it has it', async () => {
  const port = await freePort();
  const listen = { LISTEN_ADDR: `127.0.0.1:${port}` };
  const stack = await startStack({ env: listen });
  try {
    const { folder } = stack.gateway;
    const kept = connect({ host: '127.0.0.1', port });
    kept.write('GET /ready HTTP/1.1\r\nhost: x\r\n\r\n');
    await new Promise((resolve) => kept.once('data', resolve));
    stack.gateway.process.kill('SIGTERM');
    assert.equal(await stack.gateway.ended, 0);
    const env = {
      ...listen,
      GEMINI_API_KEYS: geminiKeys(3).join(','),
      GEMINI_BASE_URL: stack.simulator.url,
    };
    const again = await startGateway({ folder, env });
    try {
      assert.equal((await complete(again, stack.clientKey, {})).status, 200);
      await assert.rejects(startGateway({ env }), /cannot listen on 127\.0\.0\.1/);
    } finally {
      await again.stop();
    }
  } finally {
    await stack.stop();
  }
});

/** A port that nobody has, fixed as an operator's is. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
