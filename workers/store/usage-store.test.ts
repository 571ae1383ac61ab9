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
  test('whatever is sent, once or again, each id has one row, the first, and every sum agrees with the rows', () => {
    fc.assert(
      fc.property(fc.array(fc.array(anyRow, { maxLength: 12 }), { maxLength: 8 }), fc.nat(), (batches, again) => {
        const { connection, usage } = openStore();
        const first = new Map<string, number>();
        // As after a restart of the writer: some batches come twice, in the same order.
        const resent = batches.slice(again % (batches.length + 1));
        for (const rows of [...batches, ...resent]) {
          const fresh = new Set(rows.map(({ id }) => id).filter((id) => !first.has(id)));
          for (const row of rows) if (!first.has(row.id)) first.set(row.id, row.durationMs);
          assert.equal(usage.insert(rows), fresh.size);
        }
        const stored = connection.prepare('SELECT id, duration_ms FROM requests').raw().all();
        assert.deepEqual(stored, [...first].sort());
        assert.deepEqual(wrongSums(connection), []);
        connection.close();
      }),
      { numRuns: 150 },
    );
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
