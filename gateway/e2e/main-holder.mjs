/** Loaded into a gateway under test: at SIGUSR2 its own thread stands still for as long as there is a file `hold`. */
import { existsSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) {
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  process.on('SIGUSR2', () => {
    while (existsSync('hold')) Atomics.wait(nothing, 0, 0, 20);
  });
}
