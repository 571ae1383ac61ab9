/**
 * Google's prices as this version of the program knows them: dollars per million tokens of the standard paid tier, text
 * input, as published in November 2026. Audio input, image output and other tiers cost otherwise: models that are mostly
 * called for those are left out, so that their cost is unknown rather than wrong.
 */
import type { Price, Rates } from './price.ts';

/** Input, cached input, output. */
type Dollars = readonly [input: number, cached: number, output: number];

interface Listed {
  models: readonly string[];
  /** From the first day on; later prices with the day (UTC) from which they hold. */
  from: readonly (readonly [day: string | null, dollars: Dollars])[];
  long?: { promptTokens: number; dollars: Dollars };
}

const flashIntroduction: Listed['from'] = [
  [null, [0.75, 0.075, 3.75]],
  ['2027-01-01', [1.5, 0.15, 7.5]],
];

const listed: readonly Listed[] = [
  {
    models: ['gemini-4-argon'],
    from: [
      [null, [2, 0.1, 10]],
      ['2026-12-01', [4, 0.2, 20]],
    ],
  },
  {
    models: ['gemini-3.8-flash', 'gemini-flash-latest', 'gemini-3.7-flash', 'gemini-3.6-flash'],
    from: flashIntroduction,
  },
  { models: ['gemini-3.5-flash'], from: [[null, [1.5, 0.15, 9]]] },
  { models: ['gemini-3.5-flash-lite', 'gemini-flash-lite-latest'], from: [[null, [0.3, 0.03, 2.5]]] },
  {
    models: ['gemini-3.1-pro-preview', 'gemini-3.1-pro-preview-customtools', 'gemini-pro-latest'],
    from: [[null, [2, 0.2, 12]]],
    long: { promptTokens: 200_000, dollars: [4, 0.4, 18] },
  },
  { models: ['gemini-3.1-flash-lite'], from: [[null, [0.25, 0.025, 1.5]]] },
  { models: ['gemini-3-flash-preview'], from: [[null, [0.5, 0.05, 3]]] },
  {
    models: ['gemini-2.5-pro'],
    from: [[null, [1.25, 0.125, 10]]],
    long: { promptTokens: 200_000, dollars: [2.5, 0.25, 15] },
  },
  { models: ['gemini-2.5-flash'], from: [[null, [0.3, 0.03, 2.5]]] },
  { models: ['gemini-2.5-flash-lite'], from: [[null, [0.1, 0.01, 0.4]]] },
  { models: ['gemma-4-26b-a4b-it', 'gemma-4-31b-it'], from: [[null, [0, 0, 0]]] },
  { models: ['gemini-embedding-001'], from: [[null, [0.15, 0.15, 0]]] },
  { models: ['gemini-embedding-2', 'gemini-embedding-2-preview'], from: [[null, [0.2, 0.2, 0]]] },
];

export const builtInPrices: readonly Price[] = listed.flatMap(({ models, from, long }) =>
  models.flatMap((model) =>
    from.map(
      ([day, dollars]): Price => ({
        id: `built-in:${model}:${day ?? 'first'}`,
        model,
        effectiveFromMs: day === null ? 0 : Date.parse(`${day}T00:00:00Z`),
        rates: toRates(dollars),
        long: long === undefined ? null : { promptTokens: long.promptTokens, rates: toRates(long.dollars) },
        source: 'built-in',
        version: 1,
      }),
    ),
  ),
);

function toRates([input, cached, output]: Dollars): Rates {
  const micro = (dollars: number): number => Math.round(dollars * 1_000_000);
  return { input: micro(input), output: micro(output), cachedInput: micro(cached) };
}
