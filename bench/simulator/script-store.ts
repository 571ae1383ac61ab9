/** The scenarios in force: which one answers a request, and how often it still may. */
import type { Scenario, ScenarioMatch } from './scenario.ts';
import { learnSignatures } from './signatures.ts';

interface Standing {
  scenario: Scenario;
  match: ScenarioMatch;
  weight: number;
  timesLeft: number;
}

export class ScriptStore {
  /** The most specific first; equals in the order in which they came. */
  #standing: Standing[] = [];

  /** Puts scenarios in force. */
  set(scenarios: readonly Scenario[], append: boolean): void {
    const added = scenarios.map((scenario): Standing => {
      const match = scenario.match ?? {};
      return { scenario, match, weight: weightOf(match), timesLeft: scenario.times ?? Number.POSITIVE_INFINITY };
    });
    this.#standing = [...(append ? this.#standing : []), ...added].sort((a, b) => b.weight - a.weight);
    for (const { events = [] } of scenarios) events.forEach(learnSignatures);
  }

  /** The scenario for this request, one of whose times it uses up; null for the default answer. */
  take(key: string, model: string, method: string): Scenario | null {
    for (const standing of this.#standing) {
      const { match } = standing;
      const matches =
        standing.timesLeft > 0 &&
        (match.key === undefined || match.key === key) &&
        (match.model === undefined || match.model === model) &&
        (match.method === undefined || match.method === method);
      if (!matches) continue;
      standing.timesLeft--;
      return standing.scenario;
    }
    return null;
  }

  reset(): void {
    this.#standing = [];
  }
}

/** A key tells more than a model, and a model more than a method. */
function weightOf({ key, model, method }: ScenarioMatch): number {
  return (key === undefined ? 0 : 4) + (model === undefined ? 0 : 2) + (method === undefined ? 0 : 1);
}
