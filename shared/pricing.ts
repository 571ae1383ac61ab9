/**
 * What a request costs: pure functions over a price list. Amounts are whole numbers: prices in micro-dollars per million
 * tokens, costs in nano-dollars, so that sums over millions of rows are exact.
 */
import { builtInPrices } from './built-in-prices.ts';
import type { Price, Rates } from './price.ts';
import type { TokenUsage } from './usage.ts';

/** What is billed. */
export interface Billable {
  /** Wall milliseconds of the request's arrival: the price of that time counts. */
  atMs: number;
  /** The model that answered and the one that was called: the first that has a price counts. */
  models: readonly (string | null)[];
  usage: TokenUsage;
  /** Calls of Gemini that `usage` is the sum of: whether a prompt is long is a matter of each. */
  calls: number;
}

/** A price list: the operator's entries for a model stand in place of the built-in ones from their time on. */
export class PriceBook {
  readonly #operator: ReadonlyMap<string, readonly Price[]>;

  constructor(operator: readonly Price[] = []) {
    this.#operator = byModel(operator);
  }

  /** The entry that holds for a model at a time; null when the price is unknown. */
  at(model: string, ms: number): Price | null {
    return newestBefore(this.#operator.get(model), ms) ?? newestBefore(builtIn.get(model), ms);
  }

  /** Whether the model ever has a price: then it exists, and is no name that a client made up. */
  knows(model: string): boolean {
    return builtIn.has(model) || this.#operator.has(model);
  }

  /** Nano-dollars; null when no model of the request has a price, or none for its tier. What used no tokens cost nothing. */
  costOf({ atMs, models, usage, calls }: Billable): number | null {
    if (usage.prompt + usage.toolPrompt + usage.thoughts + usage.output === 0) return 0;
    // Said to be about twice as much, but how much exactly is not published.
    if (usage.tier === 'priority') return null;
    for (const model of models) {
      const price = model === null ? null : this.at(model, atMs);
      if (price !== null) return priced(usage, ratesFor(price, usage, calls));
    }
    return null;
  }

  /** All entries, by model and time; those of the operator and those that came with the program. */
  all(): Price[] {
    return [...builtInPrices, ...[...this.#operator.values()].flat()].sort(
      (a, b) => compare(a.model, b.model) || a.effectiveFromMs - b.effectiveFromMs || compare(b.source, a.source),
    );
  }
}

function ratesFor({ rates, long }: Price, usage: TokenUsage, calls: number): Rates {
  if (long === null) return rates;
  return (usage.prompt + usage.toolPrompt) / Math.max(1, calls) > long.promptTokens ? long.rates : rates;
}

function priced(usage: TokenUsage, { input, output, cachedInput }: Rates): number {
  const cached = Math.min(usage.cached, usage.prompt);
  // Micro-dollars per million tokens are pico-dollars per token.
  const pico =
    (usage.prompt - cached + usage.toolPrompt) * input +
    cached * (cachedInput ?? input) +
    (usage.thoughts + usage.output) * output;
  return Math.round((usage.tier === 'flex' ? pico / 2 : pico) / 1000);
}

function byModel(prices: readonly Price[]): Map<string, Price[]> {
  const map = new Map<string, Price[]>();
  for (const price of prices) {
    const entries = map.get(price.model);
    if (entries === undefined) map.set(price.model, [price]);
    else entries.push(price);
  }
  for (const entries of map.values()) entries.sort((a, b) => b.effectiveFromMs - a.effectiveFromMs);
  return map;
}

function newestBefore(newestFirst: readonly Price[] | undefined, ms: number): Price | null {
  return newestFirst?.find(({ effectiveFromMs }) => effectiveFromMs <= ms) ?? null;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const builtIn: ReadonlyMap<string, readonly Price[]> = byModel(builtInPrices);
