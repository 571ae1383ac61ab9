/** Reading a request's body, bounded: the size is checked when it is announced and again as the bytes come. */
import { isUtf8 } from 'node:buffer';
import { GatewayError } from '../shared/errors.ts';
import { limits } from '../shared/limits.ts';
import { WeighedSharedBuffer } from '../shared/weighed-memory.ts';
import type { BodyHold } from './body-memory.ts';
import type { Call } from './call.ts';

/** Of a body that is announced as larger, so much must have come before all of its memory is set aside. */
const firstBytes = 65_536;
/** Beyond that, memory counts as it is filled, in steps: until then the system has not given it out. */
const stepBytes = 262_144;
/** When all bodies together take too much memory, some are gone a moment later. */
const noRoomRetryMs = 2_000;

/**
 * Reads a JSON body. Small bodies come back as a string; larger ones as UTF-8 bytes in shared memory, which cross to a
 * worker, and to a second one after a crash, without another copy. Throws `unsupported_media_type`, `request_too_large`
 * and `invalid_json` (for bytes that are not UTF-8). Never settles when the client leaves first: nobody waits for it then.
 */
export function readJsonBody(call: Call, bytesMax: number, hold: BodyHold | null = null): Promise<string | Uint8Array> {
  return new Promise((resolve, reject) => {
    const refusal = refuseHead(call, bytesMax);
    if (refusal !== null) {
      reject(refusal);
      return;
    }
    const collected = new BodyCollector(call.contentLength, bytesMax, hold);
    let isRefused = false;
    call.down.res.onData((chunk, isLast) => {
      // What was refused goes on coming for a while.
      if (isRefused) return;
      const added = collected.add(chunk, isLast);
      if (added !== 'ok') {
        isRefused = true;
        // What follows of the body would be taken for the next request.
        call.down.closeAfterwards();
        reject(
          added === 'too_large' ? tooLarge(bytesMax) : new GatewayError('overloaded', { retryAfterMs: noRoomRetryMs }),
        );
        return;
      }
      if (!isLast) return;
      const body = collected.whole();
      if (body === null) reject(new GatewayError('invalid_json', { message: 'The request body is not valid UTF-8.' }));
      else resolve(body);
    });
  });
}

/** What speaks against a body before a byte of it was read. */
function refuseHead(call: Call, bytesMax: number): GatewayError | null {
  const { contentType, contentEncoding, contentLength } = call;
  const mediaType = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  // curl's -d without a header says form-encoded: a mistake worth naming, while no content type at all is let pass.
  if (mediaType !== '' && mediaType !== 'application/json') return new GatewayError('unsupported_media_type');
  if (contentEncoding !== '' && contentEncoding !== 'identity') return new GatewayError('unsupported_media_type');
  if (contentLength === null || contentLength <= bytesMax) return null;
  call.down.closeAfterwards();
  return tooLarge(bytesMax);
}

function tooLarge(bytesMax: number): GatewayError {
  return new GatewayError('request_too_large', {
    message: `The request body is larger than the ${bytesMax} bytes that this gateway accepts.`,
  });
}

/** Collects chunks: one alone is decoded as it lies, several go into shared memory sized by the announced length. */
class BodyCollector {
  readonly #bytesMax: number;
  readonly #announced: number;
  readonly #hold: BodyHold | null;
  #only: string | null = null;
  #isUtf8 = true;
  #buffer: Buffer | null = null;
  #length = 0;

  constructor(contentLength: number | null, bytesMax: number, hold: BodyHold | null) {
    this.#announced = contentLength ?? 0;
    this.#hold = hold;
    this.#bytesMax = bytesMax;
  }

  /** Takes a chunk, whose memory is gone when this returns. `no_room`: all bodies together take too much. */
  add(chunk: ArrayBuffer, isLast: boolean): 'ok' | 'too_large' | 'no_room' {
    if (this.#length + chunk.byteLength > this.#bytesMax) return 'too_large';
    const bytes = Buffer.from(chunk);
    if (isLast && this.#buffer === null && bytes.length <= limits.bodyStringBytesMax) {
      if (this.#hold?.growTo(bytes.length) === false) return 'no_room';
      this.#isUtf8 = isUtf8(bytes);
      this.#only = bytes.toString('utf8');
      return 'ok';
    }
    const buffer = this.#roomFor(bytes.length);
    if (buffer === null) return 'no_room';
    bytes.copy(buffer, this.#length);
    this.#length += bytes.length;
    return 'ok';
  }

  /** The whole body; null when it is not UTF-8. */
  whole(): string | Uint8Array | null {
    if (this.#only !== null) return this.#isUtf8 ? this.#only : null;
    const bytes = this.#buffer?.subarray(0, this.#length) ?? Buffer.alloc(0);
    if (!isUtf8(bytes)) return null;
    return bytes.length <= limits.bodyStringBytesMax ? bytes.toString('utf8') : bytes;
  }

  /** Null when there is no memory left for bodies. */
  #roomFor(more: number): Buffer | null {
    const needed = this.#length + more;
    const current = this.#buffer;
    const hasRoom = current !== null && current.length >= needed;
    const size = hasRoom ? current.length : this.#sizeFor(needed);
    const filled = needed > firstBytes ? Math.ceil(needed / stepBytes) * stepBytes : size;
    if (this.#hold?.growTo(Math.min(filled, size)) === false) return null;
    if (hasRoom) return current;
    let grown: Buffer;
    try {
      grown = Buffer.from(new WeighedSharedBuffer(size));
    } catch {
      return null;
    }
    current?.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
    return grown;
  }

  /** As announced; of what is not, ever twice as much, so that bytes that come one by one are not copied with each. */
  #sizeFor(needed: number): number {
    const expected = Math.max(this.#announced, 2 * (this.#buffer?.length ?? 0));
    if (needed <= firstBytes) return Math.max(needed, Math.min(firstBytes, expected));
    return needed <= this.#announced ? this.#announced : Math.min(this.#bytesMax, Math.max(needed, expected));
  }
}
