/** Images take memory while their request is in flight, and none afterwards: it does not wait for a collection that nothing calls for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { residentBytes } from '../../bench/cpu-time.ts';
import { complete, expectQuiet, startStack } from './harness.ts';

const images = 100;
const atOnce = 4;
const imageChars = 6_000_000;
/** All of them are 600 MB. */
const grownBytesMax = 300 * 1024 * 1024;

test(`${images} images of ${imageChars / 1e6} MB, ${atOnce} at once, leave no memory behind`, async () => {
  const stack = await startStack();
  try {
    const data = `iVBORw0KGgoAAAAN${'A'.repeat(imageChars - 16)}`;
    const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${data}` } };
    const messages = [{ role: 'user', content: [{ type: 'text', text: 'What is this?' }, image] }];
    const ask = async (): Promise<void> => {
      assert.equal((await complete(stack.gateway, stack.clientKey, { messages })).status, 200);
    };
    await ask();
    const before = residentBytes(stack.gateway.pid);
    let most = before;
    for (let asked = 0; asked < images; asked += atOnce) {
      await Promise.all(Array.from({ length: atOnce }, ask));
      most = Math.max(most, residentBytes(stack.gateway.pid));
    }
    assert.ok(most - before < grownBytesMax, `grown by ${Math.round((most - before) / 1024 / 1024)} MB`);
    await expectQuiet(stack.gateway);
  } finally {
    await stack.stop();
  }
});
