/** What a run stands on: the simulator, nginx, and for each case a gateway of its own. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startNginx } from './nginx.ts';
import { pinProcess } from './pinning.ts';
import type { RunOptions, Variant } from './run-options.ts';
import { adminToken, makeClientKey, type RunningGateway, startGateway } from './running-gateway.ts';
import { type Simulator, startSimulator } from './simulator/client.ts';
import { postRequest, type Target } from './targets.ts';

export const benchKeys = Array.from({ length: 10 }, (_, index) => `AIzaBench${String(index).padStart(30, '0')}`);

export interface Stand {
  options: RunOptions;
  simulator: Simulator;
  simulatorPort: number;
  /** The simulator asked without anything between. */
  direct: Target;
  nginx: Target;
  /** For people: progress and figures, unless only JSON is wanted. */
  print: (line: string) => void;
  stop(): Promise<void>;
}

export interface GatewayTarget extends Target {
  gateway: RunningGateway;
  adminToken: string;
}

/** Starts simulator and nginx, and pins them and this process where the options say so. */
export async function openStand(options: RunOptions, print: (line: string) => void): Promise<Stand> {
  pinProcess(process.pid, options.loadCpus);
  const simulator = await startSimulator({ log: false });
  pinProcess(simulator.pid, options.loadCpus);
  const simulatorPort = Number(new URL(simulator.url).port);
  const nginx = await startNginx(simulatorPort, options.cpus);
  const [key = ''] = benchKeys;
  const request: Target['request'] = ({ gemini }) => postRequest(gemini, [`x-goog-api-key: ${key}`]);
  return {
    options,
    simulator,
    simulatorPort,
    direct: {
      name: 'direct',
      port: simulatorPort,
      pid: simulator.pid,
      processes: ['simulator', 'simulator'],
      request,
      stop: async () => undefined,
    },
    nginx: {
      name: 'nginx',
      port: nginx.port,
      pid: nginx.pid,
      processes: ['master', 'worker'],
      request,
      stop: nginx.stop,
    },
    print,
    stop: async () => {
      await nginx.stop();
      await simulator.stop();
    },
  };
}

/** A gateway as users run it, with a client key: bundled, everything on, logging at info; or a variant of that. */
export async function openGateway({ options, simulator }: Stand, variant?: Variant): Promise<GatewayTarget> {
  const { threads, cpus, profileFolder } = options;
  const profile = profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`];
  const gateway = await startGateway({
    bundled: variant?.dist === undefined ? true : resolve(variant.dist),
    forgetsLog: true,
    cpus,
    nodeArguments: [...profile, ...(variant?.nodeArguments ?? [])],
    env: {
      GEMINI_API_KEYS: benchKeys.join(','),
      GEMINI_BASE_URL: simulator.url,
      ...(threads === null ? {} : { WORKER_THREADS: String(threads) }),
      ...variant?.env,
    },
  });
  const token = await adminToken(gateway.url);
  const { key } = await makeClientKey(gateway.url, token, 'bench');
  return {
    name: variant === undefined ? 'gateway' : 'variant',
    port: gateway.port,
    pid: gateway.pid,
    processes: ['gateway', 'writer'],
    request: ({ openAi }) => postRequest(openAi, [`authorization: Bearer ${key}`]),
    gateway,
    adminToken: token,
    stop: gateway.stop,
  };
}

/** The bundle that a bare child process or thread runs, since it can't run TypeScript. */
export function bundlePath(entry: string): string {
  return fileURLToPath(new URL(`../dist/${entry}.js`, import.meta.url));
}
