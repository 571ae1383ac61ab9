/** Reading a request's body, bounded: the size is checked when it is announced and again as the bytes come. */
import { isUtf8 } from 'node:buffer';
import { GatewayError } from '../shared/errors.ts';
import { limits } from '../shared/limits.ts';
import type { Call } from './call.ts';

/**
 * Reads a JSON body. Small bodies come back as a string; larger ones as UTF-8 bytes in shared memory, which cross to a
 * worker, and to a second one after a crash, without another copy. Throws `unsupported_media_type`, `request_too_large`
 * and `invalid_json` (for bytes that are not UTF-8). Never settles when the client leaves first: nobody waits for it then.
 */
export function readJsonBody(call: Call, bytesMax: number): Promise<string | Uint8Array> {
  return new Promise((resolve, reject) => {
    const refusal = refuseHead(call, bytesMax);
    if (refusal !== null) {
      reject(refusal);
      return;
    }
    const collected = new BodyCollector(call.contentLength, bytesMax);
    call.down.res.onData((chunk, isLast) => {
      if (!collected.add(chunk, isLast)) {
        // What follows of the body would be taken for the next request.
        call.down.closeAfterwards();
        reject(tooLarge(bytesMax));
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
  #only: string | null = null;
  #isUtf8 = true;
  #buffer: Buffer | null = null;
  #length = 0;

  constructor(contentLength: number | null, bytesMax: number) {
    this.#announced = contentLength ?? 0;
    this.#bytesMax = bytesMax;
  }

  /** Takes a chunk, whose memory is gone when this returns. False when the body is over its bound. */
  add(chunk: ArrayBuffer, isLast: boolean): boolean {
    if (this.#length + chunk.byteLength > this.#bytesMax) return false;
    const bytes = Buffer.from(chunk);
    if (isLast && this.#buffer === null && bytes.length <= limits.bodyStringBytesMax) {
      this.#isUtf8 = isUtf8(bytes);
      this.#only = bytes.toString('utf8');
      return true;
    }
    const buffer = this.#roomFor(bytes.length);
    bytes.copy(buffer, this.#length);
    this.#length += bytes.length;
    return true;
  }

  /** The whole body; null when it is not UTF-8. */
  whole(): string | Uint8Array | null {
    if (this.#only !== null) return this.#isUtf8 ? this.#only : null;
    const bytes = this.#buffer?.subarray(0, this.#length) ?? Buffer.alloc(0);
    if (!isUtf8(bytes)) return null;
    return bytes.length <= limits.bodyStringBytesMax ? bytes.toString('utf8') : bytes;
  }

  #roomFor(more: number): Buffer {
    const needed = this.#length + more;
    const current = this.#buffer;
    if (current !== null && current.length >= needed) return current;
    const size =
      current === null
        ? Math.max(needed, this.#announced)
        : Math.min(this.#bytesMax, Math.max(needed, current.length * 2));
    const grown = Buffer.from(new SharedArrayBuffer(size));
    current?.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
    return grown;
  }
}
