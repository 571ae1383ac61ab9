/**
 * `npm run bench [-- CASE …]`: the gateway beside nginx as a plain proxy to the same simulator, in alternating rounds of
 * one run. Prints requests a second, latencies, CPU a request or event, and the ratio of the CPU.
 */
import { type BenchCase, benchCases } from './cases.ts';
import { childPids, processCpuSeconds, threadCpuSeconds } from './cpu-time.ts';
import { type LoadResult, quantile, runLoad } from './http-load.ts';
import { startNginx } from './nginx.ts';
import { adminToken, makeClientKey, startGateway } from './running-gateway.ts';
import { startSimulator } from './simulator/client.ts';
import { benchTranslation } from './translation.ts';

const translationCase = 'translation';
const roundsFull = 3;
/** `--short`: one round of a tenth of the requests, to see that the bench works and roughly where things stand. */
const shortShare = 0.1;
const benchKeys = Array.from({ length: 10 }, (_, index) => `AIzaBench${String(index).padStart(30, '0')}`);

/** One target's figures in one round. */
interface Figures {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  firstEventP50Ms: number;
  cpuMicrosPerUnit: number;
  failed: number;
}

interface Target {
  name: string;
  port: number;
  pid: number;
  request: (benchCase: BenchCase) => string;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function post(path: string, headers: string, body: string): string {
  return `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${headers}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** CPU seconds of a process and its children. */
function treeCpuSeconds(pid: number): number {
  return [pid, ...childPids(pid)].reduce((sum, one) => sum + processCpuSeconds(one), 0);
}

async function measure(target: Target, benchCase: BenchCase): Promise<Figures> {
  const request = target.request(benchCase);
  const { connections, requests, rampMs } = benchCase;
  const before = treeCpuSeconds(target.pid);
  const result = await runLoad({ port: target.port, request, connections, requests, rampMs });
  const cpuSeconds = treeCpuSeconds(target.pid) - before;
  return toFigures(result, cpuSeconds, benchCase);
}

function toFigures(result: LoadResult, cpuSeconds: number, { unit }: BenchCase): Figures {
  const units = unit === 'event' ? result.events : result.completed;
  return {
    perSecond: result.completed / result.seconds,
    p50Ms: quantile(result.latenciesMs, 0.5),
    p99Ms: quantile(result.latenciesMs, 0.99),
    firstEventP50Ms: quantile(result.firstEventMs, 0.5),
    cpuMicrosPerUnit: (cpuSeconds * 1e6) / Math.max(1, units),
    failed: result.failed,
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function describe(name: string, all: readonly Figures[], { unit }: BenchCase): void {
  const of = (pick: (figures: Figures) => number, digits: number): string => median(all.map(pick)).toFixed(digits);
  const spread = all.map(({ cpuMicrosPerUnit }) => cpuMicrosPerUnit.toFixed(1)).join(' ');
  print(
    `  ${name.padEnd(8)} ${of((f) => f.perSecond, 0).padStart(7)} requests/s   p50 ${of((f) => f.p50Ms, 2)} ms   p99 ${of((f) => f.p99Ms, 2)} ms   ` +
      `first event p50 ${of((f) => f.firstEventP50Ms, 2)} ms   CPU ${of((f) => f.cpuMicrosPerUnit, 1)} µs a ${unit} (${spread})   failed ${all.reduce((sum, f) => sum + f.failed, 0)}`,
  );
}

function describeThreads(pid: number, before: ReadonlyMap<string, number>, units: number): void {
  const spent = [...threadCpuSeconds(pid)]
    .map(([thread, seconds]) => ({ thread, micros: ((seconds - (before.get(thread) ?? 0)) * 1e6) / units }))
    .filter(({ micros }) => micros >= 0.5)
    .sort((a, b) => b.micros - a.micros);
  print(
    `  threads of the gateway, µs a unit: ${spent.map(({ thread, micros }) => `${thread} ${micros.toFixed(1)}`).join(', ')}`,
  );
}

async function main(): Promise<void> {
  const isShort = process.argv.includes('--short');
  const rounds = isShort ? 1 : roundsFull;
  const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
  const names = [...Object.keys(benchCases), translationCase];
  const unknown = wanted.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    print(`unknown case: ${unknown.join(', ')}; there are ${names.join(', ')}`);
    process.exitCode = 1;
    return;
  }
  if (wanted.length === 0 || wanted.includes(translationCase)) benchTranslation(print);
  if (wanted.length === 1 && wanted.includes(translationCase)) return;
  const simulator = await startSimulator();
  const simulatorPort = Number(new URL(simulator.url).port);
  const nginx = await startNginx(simulatorPort);
  const gateway = await startGateway({
    bundled: true,
    env: { GEMINI_API_KEYS: benchKeys.join(','), GEMINI_BASE_URL: simulator.url },
  });
  const { key } = await makeClientKey(gateway.url, await adminToken(gateway.url), 'bench');
  const targets: Target[] = [
    {
      name: 'nginx',
      port: nginx.port,
      pid: nginx.pid,
      request: ({ model, stream, geminiBody }) =>
        post(
          `/v1beta/models/${model}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
          `x-goog-api-key: ${benchKeys[0] ?? ''}`,
          geminiBody,
        ),
    },
    {
      name: 'gateway',
      port: gateway.port,
      pid: gateway.pid,
      request: ({ openAiBody }) => post('/v1/chat/completions', `authorization: Bearer ${key}`, openAiBody),
    },
  ];
  try {
    for (const [name, fullCase] of Object.entries(benchCases)) {
      if (wanted.length > 0 && !wanted.includes(name)) continue;
      const benchCase = isShort ? { ...fullCase, requests: Math.ceil(fullCase.requests * shortShare) } : fullCase;
      print(`${name}: ${benchCase.about}`);
      await simulator.reset();
      await simulator.script([benchCase.scenario]);
      const byTarget = new Map<string, Figures[]>(targets.map((target) => [target.name, []]));
      const threadsBefore = threadCpuSeconds(gateway.pid);
      for (let round = 0; round <= rounds; round++) {
        for (const target of targets) {
          const figures = await measure(target, benchCase);
          // Round 0 warms up: connections, the compiler, caches.
          if (round > 0) byTarget.get(target.name)?.push(figures);
        }
      }
      for (const [target, all] of byTarget) describe(target, all, benchCase);
      describeThreads(gateway.pid, threadsBefore, benchCase.requests * (rounds + 1) * benchCase.unitsPerRequest);
      const cpu = (target: string): number => median((byTarget.get(target) ?? []).map((f) => f.cpuMicrosPerUnit));
      print(`  CPU of the gateway, its writer included, to nginx: ${(cpu('gateway') / cpu('nginx')).toFixed(2)}`);
    }
  } finally {
    await gateway.stop();
    await nginx.stop();
    await simulator.stop();
  }
}

await main();
