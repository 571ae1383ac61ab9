import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { FakeClock } from '../shared/clock.ts';
import { limits } from '../shared/limits.ts';
import type { UsageRow } from '../shared/rows.ts';
import { noUsage } from '../shared/usage.ts';
import { UsageQueue } from './usage-queue.ts';

function rowWithId(id: string): UsageRow {
  return {
    id,
    atMs: 0,
    clientKeyId: 'c',
    geminiKeyId: null,
    endpoint: 'chat.completions',
    modelAsked: null,
    modelServed: null,
    stream: false,
    status: 200,
    termination: 'complete',
    endedBy: 'upstream',
    phase: 'calling',
    errorCode: null,
    errorMessage: null,
    errorParam: null,
    warnings: '',
    finishReason: 'stop',
    usage: noUsage,
    costNano: 0,
    firstTokenMs: null,
    durationMs: 1,
    attempts: [],
  };
}

describe('usage queue', () => {
  let clock: FakeClock;
  let sent: { seq: number; ids: string[] }[];
  let released: string[];
  let alerts: number[];
  let queue: UsageQueue;

  const add = (id: string): void => queue.add(rowWithId(id), () => released.push(id));

  beforeEach(() => {
    clock = new FakeClock();
    sent = [];
    released = [];
    alerts = [];
    queue = new UsageQueue(
      clock,
      (seq, rows) => sent.push({ seq, ids: rows.map((row) => row.id) }),
      (waiting) => alerts.push(waiting),
    );
  });

  test('rows of one turn leave in one batch, and their answers are released by its ack', async () => {
    queue.connect();
    add('a');
    add('b');
    await nextTurn();
    assert.deepEqual(sent, [{ seq: 1, ids: ['a', 'b'] }]);
    assert.deepEqual(released, []);
    queue.ack(1);
    assert.deepEqual(released, ['a', 'b']);
    assert.equal(queue.waiting, 0);
  });

  test('an ack covers every batch before it', async () => {
    queue.connect();
    for (const id of ['a', 'b', 'c']) {
      add(id);
      await nextTurn();
    }
    queue.ack(2);
    assert.deepEqual(released, ['a', 'b']);
    assert.equal(queue.waiting, 1);
  });

  test('after a restart of the writer, what it had not acknowledged goes again under the same number', async () => {
    queue.connect();
    add('a');
    await nextTurn();
    queue.disconnect();
    add('b');
    await nextTurn();
    queue.connect();
    assert.deepEqual(sent, [
      { seq: 1, ids: ['a'] },
      { seq: 1, ids: ['a'] },
      { seq: 2, ids: ['b'] },
    ]);
    queue.ack(2);
    assert.deepEqual(released, ['a', 'b'], 'each answer is released once');
  });

  test('a slow writer gets few batches at once; the rest waits and leaves together', async () => {
    queue.connect();
    for (let i = 0; i < 20; i++) {
      add(`r${i}`);
      await nextTurn();
    }
    assert.equal(sent.length, 4);
    queue.ack(4);
    assert.equal(sent.length, 5);
    assert.equal(sent[4]?.ids.length, 16);
  });

  test('after the grace an answer is released without its row, once and counted; the row still waits for its commit', async () => {
    queue.connect();
    add('a');
    await nextTurn();
    clock.advance(limits.commitGraceMs - 1);
    queue.releaseOverdue();
    assert.deepEqual(released, []);
    clock.advance(1);
    queue.releaseOverdue();
    queue.releaseOverdue();
    assert.deepEqual(released, ['a']);
    assert.equal(queue.releasedUncommitted, 1);
    assert.equal(queue.waiting, 1);
    queue.ack(1);
    assert.deepEqual(released, ['a']);
    assert.equal(queue.committed, 1);
  });

  test('rows that arrive while there is no writer are released after the grace too', () => {
    add('a');
    clock.advance(limits.commitGraceMs);
    queue.releaseOverdue();
    assert.deepEqual(released, ['a']);
  });

  test('it is full at its bound', () => {
    for (let i = 0; i < limits.rowsWaitingMax; i++) {
      assert.equal(queue.isFull, false);
      queue.add(rowWithId(`r${i}`), null);
    }
    assert.equal(queue.isFull, true);
  });

  test('at its bound it says so once a minute', () => {
    queue.releaseOverdue();
    for (let i = 0; i < limits.rowsWaitingMax; i++) queue.add(rowWithId(`r${i}`), null);
    assert.deepEqual(alerts, []);
    for (let second = 0; second < 150; second++) {
      queue.releaseOverdue();
      clock.advance(1_000);
    }
    assert.deepEqual(alerts, Array(3).fill(limits.rowsWaitingMax));
  });

  test('drained waits for the last ack, and says how many rows are left when that does not come', async () => {
    queue.connect();
    add('a');
    await nextTurn();
    const done = queue.drained(60_000);
    queue.ack(1);
    assert.equal(await done, 0);
    add('b');
    await nextTurn();
    assert.equal(await queue.drained(1), 1);
  });
});
