/** The worker threads as the gateway watches them: who answers is lively, who does not is ended and replaced. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import pino from 'pino';
import { limits } from '../shared/limits.ts';
import type { WorkerOptions } from '../shared/worker-options.ts';
import { Dispatch } from './dispatch.ts';
import { eventually } from './e2e/harness.ts';

const options: WorkerOptions = {
  geminiBaseUrl: 'http://127.0.0.1:9',
  connectTimeoutMs: 1_000,
  firstByteTimeoutMs: 1_000,
  idleTimeoutMs: 1_000,
  logLevel: 'silent',
  modelAliases: new Map(),
  modelFallbacks: new Map(),
  strictParameters: false,
  emptyAnswers: 'pass',
  remoteMedia: 'gemini',
  googleMayStore: false,
  resumeStreams: false,
  keyAffinity: 'off',
};

describe('the watch over the workers', () => {
  const lost: number[] = [];
  const dispatch = new Dispatch(2, options, pino({ level: 'silent' }), {
    onMessage: () => {},
    onLost: ({ index }) => void lost.push(index),
  });

  before(() => dispatch.start());
  after(() => dispatch.stop());

  test('workers that come to their messages are not silent', async () => {
    assert.equal(dispatch.heartbeat(0), 0);
    await eventually('the pings are answered', () => dispatch.heartbeat(limits.workersSilentMsMax) === 0);
    assert.deepEqual(lost, []);
  });

  test('workers are not to blame for what the gateway itself has missed', async () => {
    await eventually('the last pings are answered', () => dispatch.heartbeat(1_000) === 0);
    // As after a pause of the whole process: the answers of both are there, but were not read yet.
    assert.ok(dispatch.heartbeat(1_000 + 10 * limits.workerStuckMsMax) <= limits.workersSilentMsMax);
    await eventually('their answers are read', () => dispatch.heartbeat(1_000 + 10 * limits.workerStuckMsMax) === 0);
    assert.deepEqual(lost, []);
  });

  test('C-3 a worker that is stuck is ended and replaced', async () => {
    await eventually('the last pings are answered', () => dispatch.heartbeat(1_000) === 0);
    // Both were just asked, and no message of theirs can come in between.
    for (let ms = 1_000; ms <= limits.workerStuckMsMax + 2_000; ms += 1_000) dispatch.heartbeat(1_000 + ms);
    await eventually('both are gone', () => lost.length === 2);
    await eventually('both are replaced', () => dispatch.isReady);
    assert.equal(dispatch.restarts, 2);
    await eventually('the new ones answer', () => dispatch.heartbeat(60_000) === 0);
  });

  test('a thread that does not get ready is ended, and another is started', async () => {
    let ended = 0;
    const starting = new Dispatch(1, options, pino({ level: 'silent' }), {
      onMessage: () => {},
      onLost: () => ended++,
    });
    void starting.start();
    try {
      // No message of the thread can come in between.
      starting.heartbeat(0);
      starting.heartbeat(limits.workerStartMsMax);
      starting.heartbeat(limits.workerStartMsMax + 1);
      await eventually('it is gone', () => ended === 1);
      await eventually('another is ready', () => starting.isReady);
    } finally {
      await starting.stop();
    }
  });
});
