import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WeighedSharedBuffer } from './weighed-memory.ts';

test('shared memory that nobody holds any longer is given back while more of it is made', async () => {
  const bytes = 8 * 1024 * 1024;
  const buffers = 100;
  const before = process.memoryUsage.rss();
  let most = before;
  for (let made = 0; made < buffers; made++) {
    Buffer.from(new WeighedSharedBuffer(bytes)).fill(1);
    await new Promise((resolve) => setImmediate(resolve));
    most = Math.max(most, process.memoryUsage.rss());
  }
  assert.ok(most - before < (buffers * bytes) / 2, `grown by ${Math.round((most - before) / 1024 / 1024)} MB`);
});
