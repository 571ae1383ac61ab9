/**
 * Loaded into a gateway under test ahead of its own code: at SIGUSR2 every thread collects its garbage and writes what is
 * left of its heap to standard output, a line `{"heapOf":THREAD,"bytes":N}` each.
 */
import { writeSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
const channel = new BroadcastChannel('heap-probe');

function report() {
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  writeSync(1, `${JSON.stringify({ heapOf: threadId, bytes: heapUsed + arrayBuffers })}\n`);
}

channel.onmessage = report;
channel.unref();
if (isMainThread)
  process.on('SIGUSR2', () => {
    channel.postMessage(null);
    report();
  });
