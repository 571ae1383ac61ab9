/** Puts targets under the load of a case in alternating rounds. */
import { type BenchCase, benchCases } from './cases.ts';
import { processCpuSeconds } from './cpu-time.ts';
import { type CaseResult, type Figures, ratioOf, toSubject } from './figures.ts';
import { type LoadOptions, type LoadResult, runLoad } from './http-load.ts';
import { startPeers } from './peers.ts';
import { quantile } from './samples.ts';
import { openGateway, type Stand } from './stand.ts';
import { type Target, TargetMeter } from './targets.ts';

const roundsUsual = 3;
const shortShare = 0.2;
/** Peers are so much slower that the same number of requests would take minutes. */
const peerShare = 0.1;
/** Enough for the compiler, which would otherwise be what is measured. */
export const warmUp = { connections: 64, requests: 5_000, rampMs: 0 } as const;

/** A target with the meter that was made while it was idle. */
export interface Metered {
  target: Target;
  meter: TargetMeter;
  /** Share of the requests that it is asked. */
  share: number;
}

export function metered(target: Target, share = 1): Metered {
  return { target, meter: new TargetMeter(target, target.name !== 'nginx'), share };
}

/** How many rounds a case has in this run. */
export function roundsOf({ options }: Stand, usual = roundsUsual): number {
  return options.rounds ?? (options.isShort ? 1 : usual);
}

/** One case on nginx, a gateway of its own, and peers if wanted. */
export async function runLoadCase(name: string, benchCase: BenchCase, stand: Stand): Promise<CaseResult> {
  const { options, simulator, nginx } = stand;
  await simulator.reset();
  const gateways = await openGateways(stand);
  const peers = options.peers && benchCase.isForPeers ? await startPeers(stand) : [];
  try {
    const subjects = [nginx, ...gateways].map((target) => metered(target));
    subjects.push(...peers.map((peer) => metered(peer, peerShare)));
    await warm(subjects, benchCase, stand);
    if (benchCase.scenario !== null) await simulator.script([benchCase.scenario]);
    const sized = options.isShort ? { ...benchCase, requests: Math.ceil(benchCase.requests * shortShare) } : benchCase;
    const rounds = roundsOf(stand, benchCase.rounds);
    const found = await alternate(subjects, rounds, (subject) => measure(subject, sized, stand));
    const of = (target: string): readonly Figures[] => found.get(target) ?? [];
    const ratios = Object.fromEntries(
      subjects
        .map(({ target }) => target.name)
        .filter((target) => target !== nginx.name)
        .map((target) => [`cpu ${target} to nginx`, ratioOf('cpu_us', of(target), of(nginx.name))]),
    );
    return {
      name,
      about: benchCase.about,
      unit: benchCase.unit,
      rounds,
      subjects: [...found].map(([target, figures]) => toSubject(target, figures)),
      ratios,
    };
  } finally {
    for (const target of [...gateways, ...peers]) await target.stop();
  }
}

/** The gateway, and a variant of it if wanted. */
export async function openGateways(stand: Stand): Promise<Target[]> {
  const { variant } = stand.options;
  const gateway = await openGateway(stand);
  if (variant === null) return [gateway];
  try {
    return [gateway, await openGateway(stand, variant)];
  } catch (error) {
    // It would keep this process waiting.
    await gateway.stop();
    throw error;
  }
}

/** Runs every subject once a round, in an order that turns around from round to round. */
export async function alternate<T extends { target: { name: string } }>(
  subjects: readonly T[],
  rounds: number,
  run: (subject: T) => Promise<Figures>,
): Promise<Map<string, Figures[]>> {
  const found = new Map<string, Figures[]>(subjects.map(({ target }) => [target.name, []]));
  for (let round = 0; round < rounds; round++)
    for (const subject of round % 2 === 0 ? subjects : subjects.toReversed())
      found.get(subject.target.name)?.push(await run(subject));
  return found;
}

/** Connections, the compiler and caches are warm before anything counts. Slow streams are warmed by fast ones. */
async function warm(subjects: readonly Metered[], benchCase: BenchCase, { simulator }: Stand): Promise<void> {
  const burst = benchCases['burst'];
  const isSlow = benchCase.unit === 'event';
  const scenario = isSlow ? (burst?.scenario ?? null) : benchCase.scenario;
  if (scenario !== null) await simulator.script([scenario]);
  for (const { target, share } of subjects) {
    const requests = isSlow ? warmUp.requests : Math.min(warmUp.requests, benchCase.requests);
    await runLoad({
      ...warmUp,
      requests: Math.ceil(requests * share),
      port: target.port,
      request: target.request(benchCase),
    });
  }
}

/** One round of one target. */
async function measure(subject: Metered, benchCase: BenchCase, stand: Stand): Promise<Figures> {
  const { share } = subject;
  const { connections, rampMs } = benchCase;
  const atLeast = benchCase.unit === 'event' ? connections : 1;
  const requests = Math.max(Math.min(atLeast, benchCase.requests), Math.ceil(benchCase.requests * share));
  return await measureLoad(subject, { requests, connections, rampMs }, benchCase, stand);
}

/** Runs a load and puts all that can be said about it into figures. */
export async function measureLoad(
  { target, meter }: Metered,
  load: Omit<LoadOptions, 'port' | 'request'>,
  benchCase: BenchCase,
  { simulator }: Stand,
): Promise<Figures> {
  const request = target.request(benchCase);
  const simulatorBefore = processCpuSeconds(simulator.pid);
  const loadBefore = process.cpuUsage();
  meter.begin();
  const result = await runLoad({ port: target.port, request, ...load });
  const { cpuSeconds, peakBytes } = meter.end();
  const { user, system } = process.cpuUsage(loadBefore);
  const units = Math.max(1, result.completed * benchCase.unitsPerRequest);
  const cpu = [...cpuSeconds].map(([thread, seconds]) => [`cpu_us ${thread}`, (seconds * 1e6) / units] as const);
  return {
    per_second: result.completed / result.seconds,
    ...times(result),
    cpu_us: cpu.reduce((sum, [, micros]) => sum + micros, 0),
    ...Object.fromEntries(cpu.filter(([, micros]) => micros >= 0.05)),
    rss_mb: peakBytes / 1e6,
    ...(benchCase.unit === 'event'
      ? { rss_kb_per_stream: (peakBytes - meter.idleBytes) / 1e3 / load.connections }
      : {}),
    failed: result.failed,
    load_cores: (user + system) / 1e6 / result.seconds,
    simulator_cores: (processCpuSeconds(simulator.pid) - simulatorBefore) / result.seconds,
  };
}

function times({ latencies, firstEvents, gaps }: LoadResult): Figures {
  const isStream = firstEvents.length > 0;
  return {
    p50_ms: quantile(latencies, 0.5),
    p99_ms: quantile(latencies, 0.99),
    p999_ms: quantile(latencies, 0.999),
    ...(isStream
      ? { first_event_p50_ms: quantile(firstEvents, 0.5), first_event_p99_ms: quantile(firstEvents, 0.99) }
      : {}),
    ...(isStream && gaps.length > 0
      ? { gap_p50_ms: quantile(gaps, 0.5), gap_p99_ms: quantile(gaps, 0.99), gap_p999_ms: quantile(gaps, 0.999) }
      : {}),
  };
}
