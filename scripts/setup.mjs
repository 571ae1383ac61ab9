/**
 * What `npm start`, `npm run demo` and `npm test` run first, so that each works right after a clone: installs packages
 * that are missing or out of date, adapts uWebSockets.js to this host, and with `--build` bundles into `dist/`. Plain
 * JavaScript without packages, since there are none yet. Costs some milliseconds, and writes nothing, when nothing is to do.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasBundles, isUpToDate } from './build.mjs';
import { adaptInstalledUws } from './uws-adapt.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'node_modules');
const lockfilePath = join(root, 'package-lock.json');
/** Says for which lockfile, kind of host and Node the packages were installed. */
const stampPath = join(modules, '.gemini-pool-setup');
/** Says which file of uWebSockets.js was found to be adapted. */
const adaptedPath = join(modules, '.gemini-pool-adapted');
const lockPath = join(root, '.setup-lock');
const oldestNode = [20, 19];
/** A lock that its maker has not signed after this long was left by one that died. */
const unsignedLockMs = 5_000;
const compilerHint =
  'better-sqlite3 is compiled, which takes python3, make and g++ (Debian, Ubuntu: apt-get install python3 make g++).';

function say(/** @type {string} */ message) {
  process.stderr.write(`gemini-pool set-up: ${message}\n`);
}

/** Runs a command to its end, with this Node as the one that it and what it starts find. */
function run(/** @type {string} */ command, /** @type {string[]} */ args) {
  const { PATH = '', CXXFLAGS = '' } = process.env;
  const env = {
    ...process.env,
    PATH: `${dirname(process.execPath)}${delimiter}${PATH}`,
    // For the compilation of better-sqlite3; see `sqliteAborts`.
    CXXFLAGS: `${CXXFLAGS} -include "${join(root, 'scripts', 'sqlite-object-wrap.h')}"`.trim(),
  };
  const { status, error } = spawnSync(command, args, { cwd: root, env, stdio: ['ignore', 2, 2] });
  return error === undefined && status === 0;
}

/** npm as it was called, or the one on the path. */
function npm(/** @type {string[]} */ args) {
  const script = process.env['npm_execpath'];
  return script !== undefined && basename(script) === 'npm-cli.js'
    ? run(process.execPath, [script, ...args])
    : run('npm', args);
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = oldestNode;
  if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor))
    throw new Error(`Node ${oldestNode.join('.')} or newer is needed; this is ${process.versions.node}.`);
}

function wantedStamp() {
  const lockfile = createHash('sha256').update(readFileSync(lockfilePath)).digest('hex');
  return { lockfile, host: `${process.platform}-${process.arch}`, abi: process.versions.modules };
}

function isInstalled() {
  return existsSync(stampPath) && readFileSync(stampPath, 'utf8') === Object.values(wantedStamp()).join(' ');
}

function install() {
  const { lockfile, host, abi } = wantedStamp();
  const stamp = existsSync(stampPath) ? readFileSync(stampPath, 'utf8') : '';
  if (!stamp.startsWith(`${lockfile} ${host} `) && !isInstalledByNpm()) {
    say('installing packages; the first time takes a minute or two…');
    if (!npm(['ci', '--no-audit', '--no-fund']))
      throw new Error(`npm ci failed, see above. If it was better-sqlite3:\n${compilerHint}`);
  }
  // A ready-made binary will do, unless it is one that may abort.
  if (!sqliteOpens()) rebuildSqlite(['rebuild', 'better-sqlite3']);
  if (sqliteAborts()) rebuildSqlite(['explore', 'better-sqlite3', '--', 'npm', 'run', 'build-release']);
  writeFileSync(stampPath, `${lockfile} ${host} ${abi}`);
}

function rebuildSqlite(/** @type {string[]} */ command) {
  say(`building better-sqlite3 for Node ${process.versions.node}…`);
  if (!npm(command))
    throw new Error(`better-sqlite3 could not be built for Node ${process.versions.node}.\n${compilerHint}`);
  if (!sqliteOpens())
    throw new Error(
      `better-sqlite3 was built, but does not open with Node ${process.versions.node}. Does npm's setting nodedir ` +
        'or ignore-scripts keep it from being built for this one?',
    );
}

/**
 * Whether npm's own record says that all of the lockfile is there, as after an `npm ci` by hand: then installing again
 * would only take what others may be using away from them. Development packages may all be absent, as in production.
 */
function isInstalledByNpm() {
  const record = join(modules, '.package-lock.json');
  if (!existsSync(record)) return false;
  const present = readPackages(record);
  const wanted = Object.entries(readPackages(lockfilePath)).filter(([path]) => path !== '');
  const isProduction = !wanted.some(([path, { dev }]) => dev === true && path in present);
  return wanted.every(([path, { version, integrity, dev, optional }]) => {
    const found = present[path];
    if (found === undefined) return optional === true || (dev === true && isProduction);
    return found.version === version && found.integrity === integrity && existsSync(join(root, path));
  });
}

/** @returns {Record<string, { version?: string; integrity?: string; dev?: boolean; optional?: boolean }>} */
function readPackages(/** @type {string} */ path) {
  return JSON.parse(readFileSync(path, 'utf8')).packages;
}

/** Tried in a process of its own: a binary for another Node or host may take its process down. */
function sqliteOpens() {
  const script = "new (require('better-sqlite3'))(':memory:').close()";
  return spawnSync(process.execPath, ['--eval', script], { cwd: root, stdio: 'ignore' }).status === 0;
}

/**
 * Whether it was compiled without `sqlite-object-wrap.h` where it needs that, and so may abort its process at any time.
 * Compilers of Windows take that header in another way, so there it is left as it is.
 */
function sqliteAborts() {
  if (process.platform === 'win32') return false;
  const binary = join(modules, 'better-sqlite3', 'build', 'Release', 'better_sqlite3.node');
  return existsSync(binary) && readFileSync(binary).includes('RemoveEnvironmentCleanupHook');
}

/**
 * Asked each time, as packages may come from another host, and without the lock, as the file is swapped in one step. One
 * that is adapted loads everywhere, so as long as it is the same file, neither it nor the host is looked at again.
 */
function adapt() {
  const packageDir = join(modules, 'uWebSockets.js');
  const { platform, arch, versions } = process;
  const identify = () => {
    const file = statSync(join(packageDir, `uws_${platform}_${arch}_${versions.modules}.node`), {
      throwIfNoEntry: false,
    });
    return file === undefined ? '' : `${file.dev} ${file.ino} ${file.size} ${file.ctimeMs}`;
  };
  if (existsSync(adaptedPath) && readFileSync(adaptedPath, 'utf8') === identify()) return;
  if (adaptInstalledUws(packageDir) === 'not_needed') return;
  try {
    writeFileSync(adaptedPath, identify());
  } catch (error) {
    // Only saves time: where nothing can be written, the file is looked at each time.
    if (codeOf(error) !== 'EACCES' && codeOf(error) !== 'EROFS') throw error;
  }
}

function build() {
  if (isUpToDate()) return;
  if (existsSync(join(modules, 'esbuild'))) {
    locked(() => {
      if (!isUpToDate() && !run(process.execPath, [join(root, 'scripts', 'build.mjs')]))
        throw new Error('the build failed, see above.');
    });
  } else if (!hasBundles()) {
    throw new Error('dist/ is missing or incomplete, and esbuild is not installed to make it: npm ci --include=dev');
  }
}

/** One set-up at a time: another that runs is waited for, one that died is taken over. */
function locked(/** @type {() => void} */ work) {
  for (let told = false; !takeLock(); ) {
    const holder = readHolder(lockPath);
    if (isGone(holder)) {
      dropLock(holder);
      continue;
    }
    if (holder !== '' && !told) {
      say(`waiting for another set-up, process ${holder}; if there is none, remove ${lockPath}`);
      told = true;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
  try {
    work();
  } finally {
    rmSync(lockPath, { recursive: true, force: true });
  }
}

function takeLock() {
  try {
    mkdirSync(lockPath);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
  try {
    writeFileSync(join(lockPath, 'pid'), String(process.pid));
  } catch (error) {
    rmSync(lockPath, { recursive: true, force: true });
    throw error;
  }
  return true;
}

/** The process that signed a lock, as text; empty if none has. */
function readHolder(/** @type {string} */ path) {
  try {
    return readFileSync(join(path, 'pid'), 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return '';
    throw error;
  }
}

function isGone(/** @type {string} */ holder) {
  if (holder === '') {
    const made = statSync(lockPath, { throwIfNoEntry: false });
    return made !== undefined && Date.now() - made.mtimeMs > unsignedLockMs;
  }
  const pid = Number(holder);
  // Process numbers come again, in containers after each restart: this process can't have made it.
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return true;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return codeOf(error) === 'ESRCH';
  }
}

/** Takes away the lock of a holder that died, unless another did so and holds it now: then it goes back. */
function dropLock(/** @type {string} */ holder) {
  const aside = `${lockPath}.${process.pid}`;
  try {
    renameSync(lockPath, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  if (readHolder(aside) === holder) rmSync(aside, { recursive: true, force: true });
  else renameSync(aside, lockPath);
}

function codeOf(/** @type {unknown} */ error) {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

try {
  checkNode();
  if (!isInstalled())
    locked(() => {
      if (!isInstalled()) install();
    });
  adapt();
  if (process.argv.includes('--build')) build();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
