/** Tokens of one request, by kind, as they are counted in answers, rows and totals alike. */
export interface TokenUsage {
  /** Tokens of the prompt, cached ones included. */
  prompt: number;
  /** The part of `prompt` that came from a cache. */
  cached: number;
  /** Extra prompt tokens of built-in tools, not part of `prompt`. */
  toolPrompt: number;
  /** Thinking, billed as output. */
  thoughts: number;
  /** Visible output, thoughts excluded. */
  output: number;
  /** True when Gemini gave no figures and the numbers were estimated. */
  estimated: boolean;
  /** How they are billed, where that is not the standard way: half the price, or one that is not published. */
  tier?: 'flex' | 'priority';
}

export const noUsage: Readonly<TokenUsage> = Object.freeze({
  prompt: 0,
  cached: 0,
  toolPrompt: 0,
  thoughts: 0,
  output: 0,
  estimated: false,
});
