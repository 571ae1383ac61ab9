/** The graceful end, and the ungraceful one: what was begun is finished or visibly cut, and nothing is left behind. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import OpenAI from 'openai';
import { eventually, readDatabase, startStack, testModel, writerPid } from './harness.ts';

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

test('SIGTERM: short streams finish, long ones end with an error at the deadline, rows are committed, exit 0', async () => {
  const stack = await startStack({ env: { DRAIN_TIMEOUT_MS: '1500' } });
  try {
    await stack.simulator.script([
      { match: { model: 'gemini-3.6-flash' }, chunks: 5, chunkSize: 8, intervalMs: 100 },
      { match: { model: testModel }, chunks: 1000, chunkSize: 8, intervalMs: 100 },
    ]);
    const open = async (model: string): Promise<AsyncIterator<OpenAI.Chat.ChatCompletionChunk>> => {
      const stream = await stack.openai.chat.completions.create({
        model,
        stream: true,
        messages: [{ role: 'user', content: 'Hi' }],
      });
      const chunks = stream[Symbol.asyncIterator]();
      await chunks.next();
      return chunks;
    };
    const outcome = async (chunks: AsyncIterator<OpenAI.Chat.ChatCompletionChunk>): Promise<string> => {
      try {
        for (let next = await chunks.next(); !next.done; next = await chunks.next());
        return 'complete';
      } catch (error) {
        return error instanceof OpenAI.APIError ? String(error.code) : 'other';
      }
    };
    const [short, long] = await Promise.all([open('gemini-3.6-flash'), open(testModel)]);
    const outcomes = Promise.all([outcome(short), outcome(long)]);
    stack.gateway.process.kill('SIGTERM');
    await eventually('new connections are refused', async () => {
      try {
        await fetch(`${stack.gateway.url}/ready`, { headers: { connection: 'close' } });
        return false;
      } catch {
        return true;
      }
    });
    assert.deepEqual(await outcomes, ['complete', 'shutting_down']);
    assert.equal(await stack.gateway.ended, 0);
    const rows = readDatabase(stack.gateway.folder, (database) =>
      database.prepare('SELECT termination FROM requests ORDER BY termination').pluck().all(),
    );
    assert.deepEqual(rows, ['complete', 'drained']);
  } finally {
    await stack.stop();
  }
});

test('a second signal ends the wait, and rows are committed all the same', async () => {
  const stack = await startStack({ env: { DRAIN_TIMEOUT_MS: '600000' } });
  try {
    await stack.simulator.script([{ match: { model: testModel }, chunks: 1000, chunkSize: 8, intervalMs: 100 }]);
    const stream = await stack.openai.chat.completions.create({
      model: testModel,
      stream: true,
      messages: [{ role: 'user', content: 'Hi' }],
    });
    const chunks = stream[Symbol.asyncIterator]();
    await chunks.next();
    const rest = assert.rejects(async () => {
      for (let next = await chunks.next(); !next.done; next = await chunks.next());
    }, OpenAI.APIError);
    stack.gateway.process.kill('SIGTERM');
    await eventually('the stop has begun', () => stack.gateway.lines.some((line) => line.includes('shutting down')));
    stack.gateway.process.kill('SIGINT');
    assert.equal(await stack.gateway.ended, 0);
    await rest;
    const rows = readDatabase(stack.gateway.folder, (database) =>
      database.prepare('SELECT termination FROM requests').pluck().all(),
    );
    assert.deepEqual(rows, ['drained']);
  } finally {
    await stack.stop();
  }
});

test('a gateway killed with -9 leaves no orphan', async () => {
  const stack = await startStack();
  try {
    const writer = writerPid(stack.gateway);
    assert.ok(writer !== null);
    stack.gateway.process.kill('SIGKILL');
    await stack.gateway.ended;
    await eventually('the writer is gone', () => !isAlive(writer), 2_000);
  } finally {
    await stack.stop();
  }
});
