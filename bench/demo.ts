/**
 * `npm run demo`: the whole program on one machine, with the simulator in Google's place. Makes a client key and prints a
 * curl line that works as it is pasted. Everything it stores lies in a temporary folder.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adminToken, makeClientKey, type RunningGateway, startGateway } from './running-gateway.ts';
import { type Simulator, startSimulator } from './simulator/client.ts';

const model = 'gemini-3.8-flash';
const demoPort = 8080;
const adminPassword = 'matrix-rain';
const simulatedKeys = ['AIzaSimulatedKeyOne', 'AIzaSimulatedKeyTwo', 'AIzaSimulatedKeyThree'];

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** The gateway on the usual port, or on a free one when something else has that. */
async function startOnSomePort(folder: string, simulatorUrl: string): Promise<RunningGateway> {
  const start = (port: number): Promise<RunningGateway> =>
    startGateway({
      folder,
      env: {
        LISTEN_ADDR: `127.0.0.1:${port}`,
        GEMINI_API_KEYS: simulatedKeys.join(','),
        GEMINI_BASE_URL: simulatorUrl,
        ADMIN_PASSWORD: adminPassword,
      },
    });
  try {
    return await start(demoPort);
  } catch (error) {
    if (!(error instanceof Error && error.message.includes('cannot listen'))) throw error;
    print(`Port ${demoPort} is taken, so the demo uses another.`);
    return await start(0);
  }
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'gemini-pool-demo-'));
  let gateway: RunningGateway | null = null;
  let simulator: Simulator | null = null;
  let isEnding = false;
  const end = async (exitCode: number): Promise<void> => {
    if (isEnding) return;
    isEnding = true;
    await gateway?.stop();
    await simulator?.stop();
    rmSync(folder, { recursive: true, force: true });
    process.exit(exitCode);
  };
  process.on('SIGINT', () => void end(0));
  process.on('SIGTERM', () => void end(0));
  try {
    simulator = await startSimulator();
    await simulator.script([{ match: { method: 'streamGenerateContent' }, chunkSize: 12, intervalMs: 60 }]);
    gateway = await startOnSomePort(folder, simulator.url);
    const { key } = await makeClientKey(gateway.url, await adminToken(gateway.url, 'admin', adminPassword), 'demo');
    introduce(gateway.url, key);
    const how = await gateway.ended;
    if (!isEnding) print(`The gateway has ended (${how}).\n${gateway.lines.slice(-20).join('\n')}`);
    await end(0);
  } catch (error) {
    print(`The demo could not start: ${error instanceof Error ? error.message : String(error)}`);
    await end(1);
  }
}

function introduce(url: string, key: string): void {
  print(`
gemini-pool is running. Panel: ${url}/   user: admin   password: ${adminPassword}

Its answers come from a SIMULATOR of the Gemini API, not from Google: they show how the gateway behaves,
not what a model knows. For real answers set GEMINI_API_KEYS in .env and use npm start.

Paste this into another terminal and watch the answer stream:

curl -N ${url}/v1/chat/completions \\
  -H "Authorization: Bearer ${key}" \\
  -H "Content-Type: application/json" \\
  -d '{"model":"${model}","stream":true,"messages":[{"role":"user","content":"Hello, who are you?"}]}'

OpenAI clients: base_url ${url}/v1   api_key ${key}

Ctrl-C ends the demo and forgets everything.`);
}

await main();
