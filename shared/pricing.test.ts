import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Price } from './price.ts';
import { PriceBook } from './pricing.ts';
import { noUsage, type TokenUsage } from './usage.ts';

const november = Date.UTC(2026, 10, 25);
const day = 86_400_000;

function costOf(
  book: PriceBook,
  model: string | null,
  usage: Partial<TokenUsage>,
  more: { atMs?: number; calls?: number } = {},
) {
  const { atMs = november, calls = 1 } = more;
  return book.costOf({ atMs, models: [null, model], usage: { ...noUsage, ...usage }, calls });
}

function price(changes: Partial<Price>): Price {
  return {
    id: 'p',
    model: 'm',
    effectiveFromMs: november,
    rates: { input: 1_000_000, output: 2_000_000, cachedInput: null },
    long: null,
    source: 'operator',
    version: 1,
    ...changes,
  };
}

describe('costs', () => {
  const builtIn = new PriceBook();

  test('tokens by kind: cached ones are a part of the prompt, tools add to it, thoughts are output', () => {
    const million = 1_000_000;
    const cases: [Partial<TokenUsage>, number][] = [
      [{ prompt: million }, 0.75],
      [{ prompt: million, cached: million }, 0.075],
      [{ prompt: million, cached: million / 2 }, 0.4125],
      [{ toolPrompt: million }, 0.75],
      [{ thoughts: million }, 3.75],
      [{ output: million }, 3.75],
      [{ prompt: 7, cached: 1, toolPrompt: 2, thoughts: 3, output: 5 }, 0.000036075],
    ];
    for (const [usage, dollars] of cases)
      assert.equal(costOf(builtIn, 'gemini-3.8-flash', usage), Math.round(dollars * 1e9), JSON.stringify(usage));
  });

  test('a price holds from its day on', () => {
    const newYear = Date.UTC(2027, 0, 1);
    const usage = { prompt: 1_000_000 };
    assert.equal(costOf(builtIn, 'gemini-3.8-flash', usage, { atMs: newYear - 1 }), 750_000_000);
    assert.equal(costOf(builtIn, 'gemini-3.8-flash', usage, { atMs: newYear }), 1_500_000_000);
  });

  test('a prompt is long or not call by call', () => {
    const usage = { prompt: 200_001, output: 1_000 };
    assert.equal(costOf(builtIn, 'gemini-2.5-pro', { prompt: 200_000 }), 250_000_000);
    assert.equal(costOf(builtIn, 'gemini-2.5-pro', usage), 200_001 * 2_500 + 1_000 * 15_000);
    assert.equal(costOf(builtIn, 'gemini-2.5-pro', usage, { calls: 2 }), 200_001 * 1_250 + 1_000 * 10_000);
  });

  test('an unknown model has an unknown cost, and no tokens cost nothing', () => {
    assert.equal(costOf(builtIn, 'gemini-99', { prompt: 1 }), null);
    assert.equal(costOf(builtIn, null, { output: 1 }), null);
    assert.equal(costOf(builtIn, 'gemini-99', {}), 0);
    assert.equal(costOf(builtIn, 'gemma-4-31b-it', { prompt: 1_000 }), 0);
  });

  test("the operator's prices stand before the built-in ones, from their time on", () => {
    const book = new PriceBook([
      price({ model: 'gemini-3.8-flash' }),
      price({
        model: 'gemini-3.8-flash',
        effectiveFromMs: november + 10 * day,
        rates: { input: 3, output: 3, cachedInput: 1 },
      }),
      price({}),
    ]);
    const at = (ms: number): number | null =>
      costOf(book, 'gemini-3.8-flash', { prompt: 1_000_000, cached: 0 }, { atMs: ms });
    assert.equal(at(november - 1), 750_000_000);
    assert.equal(at(november), 1_000_000_000);
    assert.equal(at(november + 10 * day), 3_000);
    assert.equal(at(Date.UTC(2027, 5, 1)), 3_000, 'also when a built-in price changes later');
    assert.equal(costOf(book, 'm', { prompt: 1_000_000, cached: 500_000 }), 1_000_000_000, 'cached as input');
    assert.equal(costOf(book, 'm', { prompt: 1 }, { atMs: november - 1 }), null);
  });

  test('flex costs half, and what priority costs is not known', () => {
    assert.equal(costOf(builtIn, 'gemini-3.8-flash', { prompt: 1_000_000, tier: 'flex' }), 375_000_000);
    assert.equal(costOf(builtIn, 'gemini-3.8-flash', { prompt: 1_000_000, tier: 'priority' }), null);
  });

  test('the model that answered counts before the one that was called', () => {
    const usage = { ...noUsage, prompt: 1_000_000 };
    const cost = (models: (string | null)[]) => builtIn.costOf({ atMs: november, models, usage, calls: 1 });
    assert.equal(cost(['gemini-2.5-flash', 'gemini-3.8-flash']), 300_000_000);
    assert.equal(cost(['gemini-3.8-flash-042', 'gemini-3.8-flash']), 750_000_000);
  });
});
