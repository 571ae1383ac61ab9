/** A whole answer of Gemini, collected up to its bound and handed on as text at its end. */
import { GatewayError } from '../shared/errors.ts';
import { limits } from '../shared/limits.ts';
import type { AnswerReader } from './attempt-loop.ts';

export class WholeBody implements AnswerReader {
  readonly #onText: (text: string) => void;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(onText: (text: string) => void) {
    this.#onText = onText;
  }

  feed(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > limits.upstreamBodyBytesMax)
      throw new GatewayError('upstream_protocol', {
        message: 'The answer of Gemini is larger than this gateway accepts.',
      });
    this.#chunks.push(chunk);
  }

  end(): null {
    const [first] = this.#chunks;
    const bytes = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks);
    this.#onText(bytes.toString('utf8'));
    return null;
  }
}
