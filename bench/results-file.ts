/** The results that are kept: one line of JSON each in `results.jsonl`, with the commit and the kind of machine. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { cpus, totalmem, type } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { CaseResult } from './figures.ts';
import type { RunOptions } from './run-options.ts';

export interface KeptResult {
  /** ISO 8601. */
  at: string;
  /** Short hash; with a plus sign when files differed from it. */
  commit: string;
  /** CPU model, cores, memory, operating system. */
  machine: string;
  node: string;
  /** Of the options, what changes figures; null for the default. */
  threads: number | null;
  cpus: string | null;
  result: CaseResult;
}

const path = fileURLToPath(new URL('./results.jsonl', import.meta.url));
const root = fileURLToPath(new URL('..', import.meta.url));

/** Puts a result into the form in which it is kept. */
export function describeRun(result: CaseResult, options: RunOptions): KeptResult {
  const [first] = cpus();
  const gigabytes = Math.round(totalmem() / 1024 ** 3);
  return {
    at: new Date().toISOString(),
    commit: commit(),
    machine: `${first?.model.trim() ?? 'unknown CPU'}, ${cpus().length} cores, ${gigabytes} GB, ${type()}`,
    node: process.versions.node,
    threads: options.threads,
    cpus: options.cpus ?? null,
    result,
  };
}

export function keep(run: KeptResult): void {
  appendFileSync(path, `${JSON.stringify(run)}\n`);
}

/** The last result of each case with default options, in the order of `names`. */
export function lastResults(names: readonly string[]): KeptResult[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  const kept = lines.map((line): KeptResult => JSON.parse(line));
  return names.flatMap((name) =>
    kept.filter(({ result, threads, cpus }) => result.name === name && threads === null && cpus === null).slice(-1),
  );
}

function commit(): string {
  const git = (...gitArguments: string[]): string =>
    spawnSync('git', gitArguments, { cwd: root, encoding: 'utf8' }).stdout?.trim() ?? '';
  const hash = git('rev-parse', '--short', 'HEAD');
  if (hash === '') return 'unknown';
  const sources = ['gateway', 'workers', 'shared', 'package-lock.json'];
  return git('status', '--porcelain', '--', ...sources) === '' ? hash : `${hash}+`;
}
