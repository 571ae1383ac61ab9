/**
 * `npm run bench [-- CASE …]`: the gateway beside nginx as a plain proxy to the same simulator, in alternating rounds of
 * one run, and what has no nginx to be compared with. `--help` names the options.
 */
import { adminAbout, runAdminLoad } from './admin-load.ts';
import { benchCases } from './cases.ts';
import { coldStartAbout, runColdStart } from './cold-start.ts';
import { dashboardAbout, runDashboard } from './dashboard.ts';
import type { CaseResult } from './figures.ts';
import { latencyAbout, runLatency } from './latency.ts';
import { runLoadCase } from './load-rounds.ts';
import { toMarkdown } from './readme-table.ts';
import { toText } from './report-text.ts';
import { describeRun, type KeptResult, keep, lastResults } from './results-file.ts';
import { parseOptions, type RunOptions, usage } from './run-options.ts';
import { openStand, type Stand } from './stand.ts';
import { runTranslation, translationAbout } from './translation.ts';
import { runWrites, writesAbout } from './writer-link.ts';

interface Entry {
  about: string;
  isShort: boolean;
  run: (stand: Stand) => Promise<CaseResult>;
}

const entries: Readonly<Record<string, Entry>> = {
  translation: { about: translationAbout, isShort: false, run: runTranslation },
  ...Object.fromEntries(
    Object.entries(benchCases).map(([name, benchCase]) => [
      name,
      {
        about: benchCase.about,
        isShort: benchCase.isShort ?? false,
        run: (stand: Stand) => runLoadCase(name, benchCase, stand),
      },
    ]),
  ),
  latency: { about: latencyAbout, isShort: true, run: runLatency },
  dashboard: { about: dashboardAbout, isShort: false, run: runDashboard },
  admin: { about: adminAbout, isShort: false, run: runAdminLoad },
  writes: { about: writesAbout, isShort: true, run: runWrites },
  start: { about: coldStartAbout, isShort: true, run: runColdStart },
};

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function casesToRun({ cases, isShort }: RunOptions): string[] {
  const unknown = cases.filter((name) => !(name in entries));
  if (unknown.length > 0)
    throw new Error(`unknown case: ${unknown.join(', ')}; there are ${Object.keys(entries).join(', ')}`);
  return Object.keys(entries).filter((name) =>
    cases.length > 0 ? cases.includes(name) : !isShort || entries[name]?.isShort,
  );
}

async function runCases(options: RunOptions): Promise<KeptResult[]> {
  const names = casesToRun(options);
  const stand = await openStand(options, options.isJson ? () => undefined : print);
  const results: KeptResult[] = [];
  const notWhole: string[] = [];
  try {
    for (const name of names) {
      const entry = entries[name];
      if (entry === undefined) continue;
      const result = await entry.run(stand);
      stand.print(`${toText(result)}\n`);
      const run = describeRun(result, options);
      results.push(run);
      if (options.isSaved) keep(run);
      if (result.subjects.some(({ figures }) => (figures['failed']?.max ?? 0) > 0)) notWhole.push(name);
    }
  } finally {
    await stand.stop();
  }
  if (notWhole.length > 0) {
    process.stderr.write(`there were answers that failed: ${notWhole.join(', ')}\n`);
    process.exitCode = 1;
  }
  return results;
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') {
    print(usage);
    for (const [name, { about }] of Object.entries(entries)) print(`  ${name.padEnd(14)} ${about}`);
  } else if (options === 'table') print(toMarkdown(lastResults(Object.keys(entries))));
  else {
    const results = await runCases(options);
    if (options.isJson) print(JSON.stringify(results, null, 2));
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
