/** The case `latency`: what the way through the gateway adds to a call, at a pace that leaves all of them idle time. */
import { type BenchCase, benchCases } from './cases.ts';
import { type CaseResult, type Figures, ratioOf, toSubject } from './figures.ts';
import { alternate, measureLoad, metered, openGateways, roundsOf, warmUp } from './load-rounds.ts';
import { spreadOf } from './samples.ts';
import type { Stand } from './stand.ts';

const perSecond = 1_000;
const roundSeconds = 5;
const shortSeconds = 1;

export const latencyAbout = `answers without streaming at ${perSecond.toLocaleString('en')} requests a second`;

export async function runLatency(stand: Stand): Promise<CaseResult> {
  const benchCase = benchCases['request'];
  if (benchCase?.scenario == null) throw new Error('the case request is gone');
  await stand.simulator.reset();
  await stand.simulator.script([benchCase.scenario]);
  const gateways = await openGateways(stand);
  try {
    const subjects = [stand.direct, stand.nginx, ...gateways].map((target) => metered(target));
    const seconds = stand.options.isShort ? shortSeconds : roundSeconds;
    const load = { requests: perSecond * seconds, perSecond, connections: 0, rampMs: 0 };
    for (const subject of subjects) await measureLoad(subject, warmUp, benchCase, stand);
    const rounds = roundsOf(stand);
    const found = await alternate(subjects, rounds, (subject) => measureLoad(subject, load, benchCase, stand));
    return toResult(found, rounds, benchCase);
  } finally {
    for (const target of gateways) await target.stop();
  }
}

/** Beside what each took, how much more than a direct call: the difference of the same percentile of the same round. */
function toResult(found: ReadonlyMap<string, Figures[]>, rounds: number, { unit }: BenchCase): CaseResult {
  const direct = found.get('direct') ?? [];
  const subjects = [...found].map(([name, figures]) => {
    const subject = toSubject(name, figures);
    if (name === 'direct') return subject;
    const added = ['p50_ms', 'p99_ms', 'p999_ms'].map((figure) => {
      const differences = figures.map((round, index) => (round[figure] ?? 0) - (direct[index]?.[figure] ?? 0));
      return [`added_${figure}`, spreadOf(differences)] as const;
    });
    return { name, figures: { ...subject.figures, ...Object.fromEntries(added) } };
  });
  const ratios = [...found]
    .filter(([name]) => name !== 'direct' && name !== 'nginx')
    .map(([name, figures]) => [`cpu ${name} to nginx`, ratioOf('cpu_us', figures, found.get('nginx') ?? [])] as const);
  return { name: 'latency', about: latencyAbout, unit, rounds, subjects, ratios: Object.fromEntries(ratios) };
}
