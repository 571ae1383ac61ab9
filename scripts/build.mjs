/**
 * Bundles the product into `dist/`: one file an entry with most of its packages, plain JavaScript for plain node. Also says
 * whether `dist/` is up to date, for the set-up, which may ask before esbuild is installed.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildPanel } from './build-panel.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
/** Holds the hash of the sources that `dist/` was made from. */
const stampName = '.built-from';

/** Each lands at the same path below `dist/`, which is how they find each other. */
const entries = [
  'gateway/main.ts',
  'workers/translate-worker.ts',
  'workers/writer-process.ts',
  'workers/report-reader.ts',
  'scripts/backup.ts',
  'scripts/doctor.ts',
  'scripts/health-check.ts',
  'scripts/restore.ts',
  'bench/demo.ts',
  'bench/simulator/main.ts',
];

/** Packages that load files of their own. Looking for those of all others takes half of the time until the gateway listens. */
const leftOutside = ['better-sqlite3', 'pino', 'piscina', 'uWebSockets.js'];
/** Packages in the older format ask for Node's modules by it. */
const requireForPackages =
  "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

/** All that the bundles depend on; the lockfile for the version of esbuild, tsconfig since esbuild obeys it. */
const builtFrom = ['gateway', 'workers', 'shared', 'admin', 'bench', 'scripts', 'package-lock.json', 'tsconfig.json'];

/** Whether `dist/` has a bundle for each entry and the panel, from whatever sources. */
export function hasBundles() {
  const bundles = [...entries.map((entry) => entry.replace(/\.ts$/, '.js')), 'admin/manifest.json'];
  return bundles.every((bundle) => existsSync(join(dist, bundle)));
}

/** Whether `dist/` is complete and made from the sources as they are now. */
export function isUpToDate() {
  const stamp = join(dist, stampName);
  return hasBundles() && existsSync(stamp) && readFileSync(stamp, 'utf8') === hashSources();
}

/** By content: times say little after a checkout, a copy or an edit that came during a build. */
function hashSources() {
  const hash = createHash('sha256');
  const add = (/** @type {string} */ path) => {
    const full = join(root, path);
    if (statSync(full).isDirectory()) {
      // What the bench found is no source.
      for (const name of readdirSync(full).sort())
        if (name !== 'node_modules' && name !== 'results.jsonl') add(`${path}/${name}`);
    } else {
      const content = readFileSync(full);
      hash.update(`${path}\0${content.length}\0`).update(content);
    }
  };
  for (const path of builtFrom) if (existsSync(join(root, path))) add(path);
  return hash.digest('hex');
}

/** Builds beside `dist/` and swaps at the end, so that a build that fails leaves the one before it in place. */
async function bundle() {
  const missing = entries.filter((entry) => !existsSync(join(root, entry)));
  if (missing.length > 0) throw new Error(`there is no ${missing.join(', no ')}`);
  if (!existsSync(join(root, 'node_modules', 'esbuild')))
    throw new Error('esbuild is not installed; node scripts/setup.mjs installs it');
  const { build } = await import('esbuild');
  // Taken before anything is read: what is edited meanwhile makes the next set-up build again.
  const sources = hashSources();
  const fresh = `${dist}.${process.pid}`;
  try {
    await build({
      absWorkingDir: root,
      entryPoints: entries,
      outdir: fresh,
      outbase: '.',
      bundle: true,
      external: leftOutside,
      banner: { js: requireForPackages },
      platform: 'node',
      format: 'esm',
      target: 'node20',
      sourcemap: true,
      logLevel: 'warning',
    });
    await buildPanel(root, join(fresh, 'admin'));
    writeFileSync(join(fresh, stampName), sources);
    rmSync(dist, { recursive: true, force: true });
    renameSync(fresh, dist);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

const [, script] = process.argv;
if (script !== undefined && realpathSync(script) === fileURLToPath(import.meta.url)) {
  try {
    await bundle();
  } catch (error) {
    // esbuild has printed its own errors; what it throws begins with the same.
    const [problem] = (error instanceof Error ? error.message : String(error)).split('\n');
    process.stderr.write(`gemini-pool build: ${problem}\n`);
    process.exitCode = 1;
  }
}
