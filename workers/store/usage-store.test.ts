import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { anyRow, makeRow, wrongSums } from '../e2e/usage-rows.ts';
import { migrate } from './migrations.ts';
import { UsageStore } from './usage-store.ts';

function openStore(): { connection: Database.Database; usage: UsageStore } {
  const connection = new Database(':memory:');
  migrate(connection);
  return { connection, usage: new UsageStore(connection) };
}

describe('usage store', () => {
  test('whatever is sent, once or again, with transactions that fail and restarts between: each id has one row, the first, and every sum agrees with the rows', () => {
    const batch = fc.record({
      rows: fc.array(anyRow, { maxLength: 12 }),
      fate: fc.constantFrom('committed', 'committed', 'failed', 'before a restart'),
    });
    fc.assert(
      fc.property(fc.array(batch, { maxLength: 8 }), fc.nat(), (batches, again) => {
        const { connection, ...opened } = openStore();
        let { usage } = opened;
        const first = new Map<string, number>();
        // As after a restart of the writer: some batches come twice, in the same order.
        const resent = batches.slice(again % (batches.length + 1));
        for (const { rows, fate } of [...batches, ...resent]) {
          const fresh = new Map<string, number>();
          for (const { id, durationMs } of rows) if (!first.has(id) && !fresh.has(id)) fresh.set(id, durationMs);
          connection.exec('BEGIN');
          assert.equal(usage.insert(rows), fresh.size);
          if (fate === 'failed') {
            connection.exec('ROLLBACK');
            usage.forget();
            continue;
          }
          connection.exec('COMMIT');
          for (const [id, durationMs] of fresh) first.set(id, durationMs);
          if (fate === 'before a restart') usage = new UsageStore(connection);
        }
        const stored = connection.prepare('SELECT id, duration_ms FROM requests').raw().all();
        assert.deepEqual(stored, [...first].sort());
        assert.deepEqual(wrongSums(connection), []);
        connection.close();
      }),
      { numRuns: 150 },
    );
  });

  test('rows of more minutes than are kept in memory, and of those again', () => {
    const { connection, usage } = openStore();
    const minutes = 9_000;
    const rowsOf = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => makeRow({ atMs: (from + i) * 60_000 }));
    for (let minute = 0; minute < minutes; minute += 500) usage.insert(rowsOf(minute, minute + 500));
    usage.insert(rowsOf(0, 100));
    usage.insert(rowsOf(minutes - 100, minutes));
    for (const table of ['rollups', 'gemini_key_rollups', 'overall_rollups']) {
      const sums = `SELECT span, sum(requests), sum(prompt_tokens) FROM ${table} GROUP BY span`;
      assert.deepEqual(
        connection.prepare(sums).raw().all(),
        ['day', 'hour', 'minute'].map((span) => [span, minutes + 200, (minutes + 200) * 7]),
      );
      const twice = `SELECT count(*) FROM ${table} WHERE span = 'minute' AND requests = 2`;
      assert.equal(connection.prepare(twice).pluck().get(), 200);
    }
  });

  test('a row is stored field by field', () => {
    const { connection, usage } = openStore();
    const row = makeRow({
      id: 'r',
      atMs: 1_764_000_000_123,
      stream: false,
      errorCode: 'upstream_cut',
      errorMessage: 'It broke.',
      errorParam: 'messages',
      warnings: 'seed, n',
      status: 502,
      costNano: null,
    });
    usage.insert([row]);
    assert.deepEqual(connection.prepare('SELECT * FROM requests').get(), {
      id: 'r',
      at_ms: 1_764_000_000_123,
      client_key_id: 'client-1',
      gemini_key_id: 'env-0123456789abcdef',
      endpoint: 'chat.completions',
      model_asked: 'gemini-3.8-flash',
      model_served: 'gemini-3.8-flash',
      stream: 0,
      status: 502,
      termination: 'complete',
      ended_by: 'upstream',
      phase: 'streaming',
      error_code: 'upstream_cut',
      error_message: 'It broke.',
      error_param: 'messages',
      warnings: 'seed, n',
      finish_reason: 'stop',
      prompt_tokens: 7,
      cached_tokens: 1,
      tool_prompt_tokens: 2,
      thoughts_tokens: 3,
      output_tokens: 5,
      tokens_estimated: 0,
      cost_nano: null,
      first_token_ms: 11,
      duration_ms: 13,
      attempts:
        '[{"geminiKeyId":"env-0123456789abcdef","model":"gemini-3.8-flash","startedMs":1,"waitMs":1,"durationMs":12,"status":200,"reason":"ok"}]',
    });
  });

  test('names that clients invent make no sums of their own', () => {
    const { connection, usage } = openStore();
    const rows = Array.from({ length: 50 }, (_, i) =>
      makeRow({ atMs: 0, modelAsked: `invented-${i}`, modelServed: null }),
    );
    usage.insert(rows);
    assert.deepEqual(connection.prepare('SELECT span, model, requests FROM rollups').raw().all(), [
      ['day', '', 50],
      ['hour', '', 50],
      ['minute', '', 50],
    ]);
  });
});
