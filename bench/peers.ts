/**
 * Gateways of others, from npm, as they come: no auth, no pool, no ledger. Installed on demand into a folder of their own,
 * so that they are no part of this program. Versions are pinned in `peers/package.json`.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chatModel } from './cases.ts';
import { accepting, freePort } from './nginx.ts';
import { pinnedTo } from './pinning.ts';
import { benchKeys, type Stand } from './stand.ts';
import { postRequest, type Target } from './targets.ts';

const folder = fileURLToPath(new URL('./peers', import.meta.url));

interface Peer {
  name: string;
  /** Arguments for node, run in the peers' folder. */
  nodeArguments: (port: number, simulatorUrl: string) => string[];
  env: Record<string, string>;
  headers: (simulatorUrl: string) => string[];
  model: string;
}

const [geminiKey = ''] = benchKeys;

const peers: readonly Peer[] = [
  {
    name: '@portkey-ai/gateway',
    nodeArguments: (port) => [
      join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js'),
      `--port=${port}`,
      '--headless',
    ],
    env: { TRUSTED_CUSTOM_HOSTS: '127.0.0.1,localhost' },
    headers: (simulatorUrl) => [
      'x-portkey-provider: google',
      `x-portkey-custom-host: ${simulatorUrl}`,
      `authorization: Bearer ${geminiKey}`,
    ],
    model: chatModel,
  },
  {
    name: '@musistudio/llms',
    nodeArguments: (port, simulatorUrl) => ['--input-type=module', '--eval', llmsServer(port, simulatorUrl)],
    env: {},
    headers: () => [],
    model: `gemini,${chatModel}`,
  },
];

/** It is a library: a program of a few lines is what its users write. */
function llmsServer(port: number, simulatorUrl: string): string {
  const provider = {
    name: 'gemini',
    api_base_url: `${simulatorUrl}/v1beta/models/`,
    api_key: geminiKey,
    models: [chatModel],
    transformer: { use: ['gemini'] },
  };
  const initialConfig = { PORT: String(port), HOST: '127.0.0.1', providers: [provider] };
  const options = { useJsonFile: false, useEnvFile: false, initialConfig, logger: false };
  return `import { createRequire } from 'node:module';
const { default: Server } = createRequire(${JSON.stringify(join(folder, 'package.json'))})('@musistudio/llms');
await new Server(${JSON.stringify(options)}).start();`;
}

function install(print: (line: string) => void): void {
  if (existsSync(join(folder, 'node_modules', '.package-lock.json'))) return;
  print('installing the peers into bench/peers/node_modules…');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error('npm ci failed in bench/peers, see above');
}

/** Starts all of them, installing them first if need be. */
export async function startPeers({ simulator, options, print }: Stand): Promise<Target[]> {
  install(print);
  return await Promise.all(peers.map((peer) => startPeer(peer, simulator.url, options.cpus)));
}

async function startPeer(peer: Peer, simulatorUrl: string, cpus: string | undefined): Promise<Target> {
  const port = await freePort();
  const { command, commandArguments } = pinnedTo(cpus, [process.execPath, ...peer.nodeArguments(port, simulatorUrl)]);
  const child = spawn(command, commandArguments, {
    cwd: folder,
    env: { PATH: process.env['PATH'], NODE_ENV: 'production', ...peer.env },
    stdio: 'ignore',
  });
  await accepting(port, child);
  return {
    name: peer.name,
    port,
    pid: child.pid ?? 0,
    processes: ['peer', 'child'],
    request: ({ openAi }) =>
      postRequest(
        { ...openAi, body: JSON.stringify({ ...JSON.parse(openAi.body), model: peer.model }) },
        peer.headers(simulatorUrl),
      ),
    stop: () => stopped(child),
  };
}

function stopped(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
