/**
 * What crosses the two pipes between the gateway and the writer: on one batches of rows, each a frame with its length
 * ahead; on the other, back, the numbers of the batches that are committed. Bytes only: who owns the pipes is elsewhere.
 */
import { type PackedRow, packRow, unpackRow } from './packed-rows.ts';
import type { UsageRow } from './rows.ts';

/**
 * The descriptors of the pipes in the writer process, and the entries of the child's `stdio` in the gateway. Two, since an
 * ack that a killed gateway can't take would end a pipe that has rows in it still.
 */
export const rowPipeFd = 3;
export const ackPipeFd = 4;

const lengthBytes = 4;
/** A double, so that the number never wraps. */
const seqBytes = 8;

/** A batch of rows as one frame: length of what follows, number of the batch, the rows as JSON. */
export function encodeRows(seq: number, rows: readonly UsageRow[]): Buffer {
  const text = JSON.stringify(rows.map(packRow));
  const bytes = seqBytes + Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(lengthBytes + bytes);
  frame.writeUInt32LE(bytes, 0);
  frame.writeDoubleLE(seq, lengthBytes);
  frame.write(text, lengthBytes + seqBytes);
  return frame;
}

/** Batches out of the bytes of `encodeRows`, wherever the pipe has split them. */
export class RowReader {
  readonly #onRows: (seq: number, rows: UsageRow[]) => void;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(onRows: (seq: number, rows: UsageRow[]) => void) {
    this.#onRows = onRows;
  }

  feed(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    // A large batch comes in many chunks: they are joined once it is whole.
    if (this.#bytes < this.#bytesNeeded()) return;
    let rest = this.#joined();
    for (;;) {
      const frame = takeFrame(rest);
      if (frame === null) break;
      rest = rest.subarray(lengthBytes + frame.length);
      const packed: PackedRow[] = JSON.parse(frame.toString('utf8', seqBytes));
      this.#onRows(frame.readDoubleLE(0), packed.map(unpackRow));
    }
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#bytes = rest.length;
  }

  /** Up to the end of the frame that was begun; only the first chunk is looked at, which nearly always has its length. */
  #bytesNeeded(): number {
    const [first] = this.#chunks;
    return first === undefined || first.length < lengthBytes ? lengthBytes : lengthBytes + first.readUInt32LE(0);
  }

  #joined(): Buffer {
    const [first] = this.#chunks;
    return first !== undefined && this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks, this.#bytes);
  }
}

function takeFrame(bytes: Buffer): Buffer | null {
  if (bytes.length < lengthBytes) return null;
  const end = lengthBytes + bytes.readUInt32LE(0);
  return bytes.length < end ? null : bytes.subarray(lengthBytes, end);
}

/** Says that all batches up to this one are committed. */
export function encodeAck(seq: number): Buffer {
  const bytes = Buffer.allocUnsafe(seqBytes);
  bytes.writeDoubleLE(seq, 0);
  return bytes;
}

/** Acks out of the bytes of `encodeAck`. Of several that came together only the last is told: it says all. */
export class AckReader {
  readonly #onAck: (seq: number) => void;
  #rest: Buffer | null = null;

  constructor(onAck: (seq: number) => void) {
    this.#onAck = onAck;
  }

  feed(chunk: Buffer): void {
    const bytes = this.#rest === null ? chunk : Buffer.concat([this.#rest, chunk]);
    const whole = bytes.length - (bytes.length % seqBytes);
    this.#rest = whole === bytes.length ? null : bytes.subarray(whole);
    if (whole > 0) this.#onAck(bytes.readDoubleLE(whole - seqBytes));
  }
}
