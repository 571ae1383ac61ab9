/** What a window keeps of amounts whose sum nobody asks for: a key without limits has such windows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { SlidingWindow } from './sliding-window.ts';

const slotMs = 50;
const dayMs = 86_400_000;
const keptBytesMax = 1024 * 1024;

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}

test('a day of amounts takes no more memory than a minute of them, whether their sum is asked for or not', () => {
  const window = new SlidingWindow();
  const before = heapBytes();
  for (let ms = 0; ms < dayMs; ms += slotMs) window.add(ms, 1);
  const kept = heapBytes() - before;
  assert.ok(kept < keptBytesMax, `${kept} bytes`);
  // A slot counts until its last moment is a minute old.
  assert.equal(window.sum(dayMs - slotMs), 60_000 / slotMs + 1);
});
