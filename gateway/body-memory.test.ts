import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BodyMemory } from './body-memory.ts';

const kib = 1_024;

describe('memory of bodies', () => {
  test('large bodies leave a part of it to small ones', () => {
    const memory = new BodyMemory(800 * kib);
    const large = memory.hold();
    assert.equal(large.growTo(700 * kib), true);
    assert.equal(large.growTo(701 * kib), false, 'the rest is not for it');
    assert.equal(memory.hold().growTo(65 * kib), false, 'nor for another');
    assert.equal(memory.hold().growTo(64 * kib), true);
    assert.equal(memory.hold().growTo(64 * kib), false, 'nothing is left');
    assert.equal(memory.bytes, 764 * kib);
  });

  test('what is held is given back once, and a body that is over takes nothing more', () => {
    const memory = new BodyMemory(800 * kib);
    const hold = memory.hold();
    assert.equal(hold.growTo(10), true);
    assert.equal(hold.growTo(5), true, 'less than it has is no change');
    assert.deepEqual([memory.bytes, memory.requests], [10, 1]);
    hold.release();
    hold.release();
    assert.equal(hold.growTo(20), false);
    assert.deepEqual([memory.bytes, memory.requests], [0, 0]);
  });
});
