/** How many tokens the simulated model thinks, by what the request asks for. */
import type { GenerationConfig } from './gemini-request.ts';
import type { Model } from './model-catalogue.ts';

const tokensByLevel: Readonly<Record<string, number>> = { MINIMAL: 0, LOW: 16, MEDIUM: 32, HIGH: 64, XHIGH: 128 };
const dynamicBudgetTokens = 32;

/** Tokens of thought; a budget bounds them, a level chooses them. */
export function thoughtsTokensOf(model: Model, { thinkingConfig = {} }: GenerationConfig): number {
  const { thinkingLevel, thinkingBudget } = thinkingConfig;
  if (model.thinkingBudget !== null) {
    const isOffByDefault = model.id.includes('lite');
    if (thinkingBudget === undefined) return isOffByDefault ? 0 : dynamicBudgetTokens;
    return thinkingBudget < 0 ? dynamicBudgetTokens : Math.min(thinkingBudget, dynamicBudgetTokens);
  }
  if (model.thinkingLevels.length === 0) return 0;
  return tokensByLevel[thinkingLevel ?? defaultLevel(model)] ?? 0;
}

function defaultLevel({ id, thinkingLevels }: Model): string {
  if (thinkingLevels.includes('MINIMAL') && (id.includes('lite') || !thinkingLevels.includes('MEDIUM')))
    return 'MINIMAL';
  return id.includes('pro') || id.includes('hydrogen') || id === 'gemini-3-flash-preview' ? 'HIGH' : 'MEDIUM';
}
