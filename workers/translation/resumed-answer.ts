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
