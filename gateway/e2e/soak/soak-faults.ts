/** What goes wrong in the soak: weathers of Google's, one at a time, drawn by the seed. */
import type { Project, Scenario } from '../../../bench/simulator/scenario.ts';
import type { Chance } from '../chance.ts';

export interface Weather {
  name: string;
  scenarios: Scenario[];
}

const fast: Scenario = { match: {}, chunks: 6, intervalMs: 5 };

/** Some of the keys, the others are spared. */
function some(keys: readonly string[], chance: Chance, scenario: Omit<Scenario, 'match'>): Scenario[] {
  return keys.filter(() => chance() < 0.4).map((key) => ({ match: { key }, ...scenario }));
}

/** Without a text of its own the simulator repeats the prompt: then answers that went astray are found. */
const echoes: Scenario = { match: {}, intervalMs: 2 };

const weathers: readonly ((keys: readonly string[], chance: Chance) => Weather)[] = [
  () => ({ name: 'fair', scenarios: [fast] }),
  () => ({ name: 'echoes', scenarios: [echoes] }),
  (keys, chance) => ({ name: 'echoes and cuts', scenarios: [...some(keys, chance, { cutAfterEvents: 3 }), echoes] }),
  (keys, chance) => ({
    name: 'rate limits',
    scenarios: [...some(keys, chance, { error: { preset: 'rate_limit_tokens', retryDelay: '1s' } }), fast],
  }),
  (keys, chance) => ({
    name: 'exhausted without a word',
    scenarios: [...some(keys, chance, { times: 2, error: { status: 429, body: shortRest } }), fast],
  }),
  () => ({ name: 'overloaded at times', scenarios: [{ match: {}, times: 12, error: 'overloaded' }, fast] }),
  (keys, chance) => ({ name: 'internal errors', scenarios: [...some(keys, chance, { error: 'internal' }), fast] }),
  () => ({ name: 'cuts before content', scenarios: [{ ...fast, times: 15, cutAfterEvents: 0 }, fast] }),
  () => ({ name: 'cuts after content', scenarios: [{ ...fast, times: 15, cutAfterEvents: 2 }, fast] }),
  () => ({ name: 'silence in the midst', scenarios: [{ ...fast, times: 6, hangAfterEvents: 2 }, fast] }),
  () => ({ name: 'error events', scenarios: [{ ...fast, times: 15, errorEventAfter: 2 }, fast] }),
  () => ({ name: 'no finish reason', scenarios: [{ ...fast, times: 15, endWithoutFinish: true }, fast] }),
  () => ({ name: 'garbage', scenarios: [{ ...fast, times: 15, garbageEvent: { after: 1 } }, fast] }),
  () => ({ name: 'pieces', scenarios: [{ ...fast, splitBytes: 7 }] }),
  () => ({ name: 'torrents', scenarios: [{ match: {}, chunks: 40, chunkSize: 40_000 }] }),
  () => ({ name: 'without usage', scenarios: [{ ...fast, withoutUsage: true }] }),
  () => ({ name: "clients' mistakes", scenarios: [{ match: {}, times: 15, error: 'bad_request' }, fast] }),
];

const shortRest = {
  error: { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'Please retry in 0.5s.' },
};

export function drawWeather(keys: readonly string[], chance: Chance): Weather {
  const draw = weathers[Math.floor(chance() * weathers.length)] ?? weathers[0];
  return draw?.(keys, chance) ?? { name: 'fair', scenarios: [fast] };
}

/** Keys in projects of two or three, with quotas that the load comes near to. */
export function soakProjects(keys: readonly string[]): Project[] {
  const projects = Array.from({ length: 8 }, (_, n): Project => ({ name: `p${n}`, keys: [], quota: { rpm: 2_000 } }));
  for (const [index, key] of keys.entries()) projects[index % projects.length]?.keys.push(key);
  return projects;
}
