/**
 * What `npm start`, `npm run demo` and `npm test` run first, so that each works right after a clone: installs packages
 * that are missing or out of date, adapts uWebSockets.js to this host, and with `--build` bundles into `dist/`. Plain
 * JavaScript without packages, since there are none yet. Costs a few milliseconds when there is nothing to do.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { adaptInstalledUws } from './uws-adapt.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'node_modules');
/** Says for which lockfile and which Node the packages were installed. */
const stampPath = join(modules, '.gemini-pool-setup');
const lockPath = join(root, '.setup-lock');
const builtFrom = ['gateway', 'workers', 'shared', 'admin', 'bench', 'scripts/build.mjs', 'package-lock.json'];
const oldestNode = [20, 19];

function fail(/** @type {string} */ message) {
  process.stderr.write(`gemini-pool set-up: ${message}\n`);
  process.exitCode = 1;
  throw new SetupFailed(message);
}

/** Ends the set-up after its message was printed. */
class SetupFailed extends Error {}

function run(/** @type {string} */ command, /** @type {string[]} */ args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  return error === undefined && status === 0;
}

/** npm as it was called, or the one on the path. */
function npm(/** @type {string[]} */ args) {
  const script = process.env['npm_execpath'];
  return script?.endsWith('.js') ? run(process.execPath, [script, ...args]) : run('npm', args);
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = oldestNode;
  if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor))
    fail(`Node ${oldestNode.join('.')} or newer is needed; this is ${process.versions.node}.`);
}

function install() {
  const lockfile = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const [stampedLockfile, stampedAbi] = existsSync(stampPath) ? readFileSync(stampPath, 'utf8').split(' ') : [];
  const abi = process.versions.modules;
  if (stampedLockfile === lockfile && stampedAbi === abi) return;
  if (stampedLockfile !== lockfile) {
    process.stderr.write('gemini-pool set-up: installing packages; the first time takes a minute or two…\n');
    if (!npm(['ci', '--no-audit', '--no-fund']))
      fail(
        'npm ci failed. better-sqlite3 is compiled: it needs python3, make and g++ (Debian: apt-get install python3 make g++).',
      );
  } else if (!npm(['rebuild', 'better-sqlite3'])) {
    fail(`better-sqlite3 could not be built for Node ${process.versions.node}; it needs python3, make and g++.`);
  }
  try {
    adaptInstalledUws(join(modules, 'uWebSockets.js'));
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
  writeFileSync(stampPath, `${lockfile} ${abi}`);
}

/**
 * When a file or anything below a folder was last changed.
 * @returns {number}
 */
function changedMs(/** @type {string} */ path) {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  // A folder's own time tells of files that were removed.
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => changedMs(join(path, name))));
}

function build() {
  const bundle = join(root, 'dist', 'gateway', 'main.js');
  if (existsSync(bundle)) {
    const sources = Math.max(...builtFrom.map((path) => changedMs(join(root, path))));
    if (sources <= statSync(bundle).mtimeMs || !existsSync(join(modules, 'esbuild'))) return;
  }
  if (!run(process.execPath, [join(root, 'scripts', 'build.mjs')])) fail('the build failed.');
}

/** One set-up at a time: another that runs is waited for, one that died is taken over. */
function locked(/** @type {() => void} */ work) {
  for (;;) {
    try {
      mkdirSync(lockPath);
      writeFileSync(join(lockPath, 'pid'), String(process.pid));
      break;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      if (!isHeld()) rmSync(lockPath, { recursive: true, force: true });
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
  try {
    work();
  } finally {
    rmSync(lockPath, { recursive: true, force: true });
  }
}

/** Whether the process that made the lock is alive; a lock whose maker has not signed yet counts for a moment. */
function isHeld() {
  try {
    process.kill(Number(readFileSync(join(lockPath, 'pid'), 'utf8')), 0);
    return true;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) return false;
    if (error.code === 'EPERM') return true;
    return error.code === 'ENOENT' && existsSync(lockPath) && Date.now() - statSync(lockPath).mtimeMs < 1_000;
  }
}

try {
  locked(() => {
    checkNode();
    install();
    if (process.argv.includes('--build')) build();
  });
} catch (error) {
  if (!(error instanceof SetupFailed)) throw error;
}
