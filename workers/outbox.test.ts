/** What crosses to the gateway, and when: all of one turn at once, a stream's chunks joined, or taken back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { limits } from '../shared/limits.ts';
import { Outbox } from './outbox.ts';

function open(): { outbox: Outbox; received: () => unknown } {
  const { port1, port2 } = new MessageChannel();
  port2.unref();
  return {
    outbox: new Outbox(port1),
    received: () => receiveMessageOnPort(port2)?.message,
  };
}

test('chunks of a turn are joined by stream, in the order in which the streams spoke', () => {
  const { outbox, received } = open();
  outbox.postFrames(1, 'a');
  outbox.postFrames(2, 'b');
  outbox.postFrames(1, 'c');
  outbox.post({ t: 'pong' });
  outbox.flush();
  assert.deepEqual(received(), [{ t: 'frames', id: 1, text: 'ac' }, { t: 'frames', id: 2, text: 'b' }, { t: 'pong' }]);
  outbox.flush();
  assert.equal(received(), undefined);
});

test('chunks are taken back as long as all of them are here', () => {
  const { outbox, received } = open();
  outbox.postFrames(1, 'a');
  outbox.postFrames(2, 'b');
  outbox.postFrames(1, 'c');
  assert.equal(outbox.takeBackFrames(1, 2), 'ac');
  assert.equal(outbox.takeBackFrames(1, 2), '');
  assert.equal(outbox.takeBackFrames(3, 0), '');
  outbox.flush();
  assert.deepEqual(received(), [{ t: 'frames', id: 2, text: 'b' }]);
  outbox.postFrames(2, 'd');
  outbox.flush();
  assert.deepEqual(received(), [{ t: 'frames', id: 2, text: 'd' }]);
});

test('it is full when too much is on its way, and calls back when enough of that was taken', () => {
  const { outbox } = open();
  const half = 'x'.repeat(limits.framesUntakenCharsMax / 2);
  let calls = 0;
  outbox.postFrames(1, half);
  outbox.postFrames(2, half);
  assert.equal(outbox.isFull, false);
  outbox.postFrames(2, 'y');
  assert.equal(outbox.isFull, true);
  outbox.whenTaken(() => calls++);
  outbox.taken(1);
  outbox.taken(half.length);
  assert.deepEqual([outbox.isFull, calls], [false, 1]);
  assert.equal(outbox.takeBackFrames(1, half.length), half);
  outbox.postFrames(3, half + half);
  assert.equal(outbox.isFull, false, 'what was taken back is not on its way');
});
