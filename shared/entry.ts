/**
 * Where the entry files of threads and child processes lie: TypeScript beside this file's folder under tsx,
 * JavaScript in `dist/` once bundled. Every bundle that calls this sits one folder below `dist/`, so the same
 * relative path serves both.
 */
export type EntryName =
  | 'gateway/main'
  | 'workers/translate-worker'
  | 'workers/writer-process'
  | 'workers/report-reader'
  | 'bench/simulator/main';

/** The URL of an entry file, in the form that this code itself runs in (`.ts` or `.js`). */
export function entryUrl(name: EntryName): URL {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  return new URL(`../${name}${extension}`, import.meta.url);
}
