/** A log that can't be written costs its lines and nothing else. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../bench/nginx.ts';
import { eventually } from './harness.ts';

test('with standard output on a full disk the gateway serves, and ends when told to', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gemini-pool-full-'));
  const port = await freePort();
  const main = fileURLToPath(new URL('../main.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), main], {
    cwd: folder,
    env: { PATH: process.env['PATH'], LISTEN_ADDR: `127.0.0.1:${port}`, LOG_LEVEL: 'debug' },
    stdio: ['ignore', openSync('/dev/full', 'w'), 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
  try {
    const ask = (path: string): Promise<number> =>
      fetch(`http://127.0.0.1:${port}${path}`).then(
        ({ status }) => status,
        () => 0,
      );
    await eventually('it is ready', async () => (await ask('/ready')) === 200);
    for (let i = 0; i < 20; i++) assert.equal(await ask('/health'), 200);
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
  } finally {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
});
