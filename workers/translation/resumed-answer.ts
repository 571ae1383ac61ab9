/**
 * A stream that Google cut, asked for again from where it stopped: the part that the client has goes back as a turn of
 * the model, and what the new answer repeats of it is left out.
 */
import type { GeminiRequest } from '../../shared/gemini-wire.ts';
import { familyOf } from './model-family.ts';
import { guessTokens } from './usage-mapping.ts';

const continueWords =
  'Your answer was interrupted. Continue it exactly where it stopped, in the middle of a word if need be, and repeat nothing of it.';

/**
 * The request for the rest of an answer of which the client has `text`. Null where there is no such request: structured
 * output can't be continued as text.
 */
export function resumedBody(model: string, body: string, text: string): string | null {
  // What this program has written itself.
  const request: GeminiRequest = JSON.parse(body);
  const { generationConfig, contents } = request;
  if (generationConfig?.responseMimeType !== undefined) return null;
  contents.push({ role: 'model', parts: [{ text }] });
  // Newer models refuse a last turn of their own.
  if (!familyOf(model).takesPrefill) contents.push({ role: 'user', parts: [{ text: continueWords }] });
  if (generationConfig?.maxOutputTokens !== undefined)
    generationConfig.maxOutputTokens = Math.max(1, generationConfig.maxOutputTokens - guessTokens(text.length));
  return JSON.stringify(request);
}

/** Fewer equal characters than these are chance, more are not looked for. */
const overlapMin = 16;
const overlapMax = 400;

/** Leaves out what the beginning of a text repeats of the end of another. */
export class OverlapTrimmer {
  readonly #tail: string;
  #pending = '';
  #isDone = false;

  constructor(text: string) {
    this.#tail = text.slice(-overlapMax);
  }

  /** Takes a piece; gives what is new, '' while that can't be told yet. */
  take(piece: string): string {
    if (this.#isDone) return piece;
    this.#pending += piece;
    const { length } = this.#pending;
    const start = this.#pending.slice(0, overlapMin);
    const mayOverlap = length < overlapMin ? this.#tail.includes(start) : this.#tail.lastIndexOf(start) >= 0;
    return mayOverlap && length < overlapMax ? '' : this.end();
  }

  /** What is left when nothing more comes. */
  end(): string {
    if (this.#isDone) return '';
    this.#isDone = true;
    const most = Math.min(this.#tail.length, this.#pending.length);
    for (let length = most; length >= overlapMin; length--)
      if (this.#tail.endsWith(this.#pending.slice(0, length))) return this.#pending.slice(length);
    return this.#pending;
  }
}
