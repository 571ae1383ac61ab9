/** Whatever rows are sent, and wherever the pipe splits their bytes, the same rows come out in the same batches. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyRow, makeRow } from '../workers/e2e/usage-rows.ts';
import { AckReader, encodeAck, encodeRows, RowReader } from './row-pipe.ts';
import type { UsageRow } from './rows.ts';

type Batch = [seq: number, rows: UsageRow[]];

/** Gives bytes piece by piece, the pieces' sizes in turn. */
function feedInPieces(bytes: Buffer, sizes: readonly number[], feed: (piece: Buffer) => void): void {
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const end = at + (sizes[i % sizes.length] ?? 1);
    feed(bytes.subarray(at, end));
    at = end;
  }
}

const anySizes = fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 5 });
const anySeq = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });

test('rows come out as they went in', () => {
  const anyBatches = fc.array(fc.tuple(anySeq, fc.array(anyRow, { maxLength: 4 })), { maxLength: 6 });
  fc.assert(
    fc.property(anyBatches, anySizes, (batches, sizes) => {
      const read: Batch[] = [];
      const reader = new RowReader((seq, rows) => read.push([seq, rows]));
      feedInPieces(Buffer.concat(batches.map(([seq, rows]) => encodeRows(seq, rows))), sizes, (piece) =>
        reader.feed(piece),
      );
      assert.deepEqual(read, JSON.parse(JSON.stringify(batches)));
    }),
  );
});

test('a tier, and text beyond ASCII', () => {
  const row = makeRow({
    errorMessage: '密钥 𝄞 \u2028 "quoted"',
    usage: { prompt: 1, cached: 0, toolPrompt: 0, thoughts: 0, output: 2, estimated: true, tier: 'flex' },
  });
  const read: Batch[] = [];
  new RowReader((seq, rows) => read.push([seq, rows])).feed(encodeRows(7, [row]));
  assert.deepEqual(read, [[7, [row]]]);
});

test('of acks that come together the last is told, and each that comes alone', () => {
  fc.assert(
    fc.property(fc.array(anySeq, { minLength: 1, maxLength: 20 }), anySizes, (seqs, sizes) => {
      const told: number[] = [];
      const reader = new AckReader((seq) => told.push(seq));
      feedInPieces(Buffer.concat(seqs.map(encodeAck)), sizes, (piece) => reader.feed(piece));
      assert.equal(told.at(-1), seqs.at(-1));
      assert.ok(told.every((seq) => seqs.includes(seq)));
    }),
  );
  const told: number[] = [];
  const reader = new AckReader((seq) => told.push(seq));
  for (const seq of [1, 2, 3]) reader.feed(encodeAck(seq));
  assert.deepEqual(told, [1, 2, 3]);
});
