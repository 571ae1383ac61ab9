/** A price as it is stored and reckoned with. */

/** Prices of a model in micro-dollars per million tokens. Thoughts are billed as output. */
export interface Rates {
  input: number;
  output: number;
  /** Null: cached tokens cost what others do. */
  cachedInput: number | null;
}

/** What a model costs from a time on, until its next entry. */
export interface Price {
  id: string;
  model: string;
  effectiveFromMs: number;
  rates: Rates;
  /** The rates of calls whose prompt has more than `promptTokens` tokens. */
  long: { promptTokens: number; rates: Rates } | null;
  source: 'built-in' | 'operator';
  /** Counts the changes of an operator's entry. */
  version: number;
}
