/** Bundles the product into `dist/`: one file an entry, packages left outside, plain JavaScript for plain node. */
import { rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Each lands at the same path below `dist/`, which is how they find each other. */
const entries = [
  'gateway/main.ts',
  'workers/translate-worker.ts',
  'workers/writer-process.ts',
  'workers/report-reader.ts',
  'bench/demo.ts',
  'bench/simulator/main.ts',
];

rmSync(join(root, 'dist'), { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: entries,
  outdir: 'dist',
  outbase: '.',
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: true,
  logLevel: 'warning',
});
// A build that took a while is still newer than every source it read.
const now = new Date();
utimesSync(join(root, 'dist', 'gateway', 'main.js'), now, now);
