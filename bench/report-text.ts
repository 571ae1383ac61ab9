/** Results as text for people. */
import type { CaseResult, Subject } from './figures.ts';
import type { Spread } from './samples.ts';

interface Label {
  before: string;
  after: string;
  digits: number;
}

/** In the order of printing; a figure without a label is a thread's CPU or not for people. */
const labels: Readonly<Record<string, Label>> = {
  per_second: { before: '', after: '/s', digits: 0 },
  rows_per_second: { before: '', after: ' rows/s', digits: 0 },
  listening_ms: { before: 'listening after', after: ' ms', digits: 0 },
  query_p50_ms: { before: 'p50', after: ' ms', digits: 2 },
  query_p99_ms: { before: 'p99', after: ' ms', digits: 2 },
  p50_ms: { before: 'p50', after: ' ms', digits: 2 },
  p99_ms: { before: 'p99', after: ' ms', digits: 2 },
  p999_ms: { before: 'p99.9', after: ' ms', digits: 2 },
  added_p50_ms: { before: 'added p50', after: ' ms', digits: 2 },
  added_p99_ms: { before: 'added p99', after: ' ms', digits: 2 },
  added_p999_ms: { before: 'added p99.9', after: ' ms', digits: 2 },
  single_p50_ms: { before: 'one row to its ack p50', after: ' ms', digits: 3 },
  single_p99_ms: { before: 'p99', after: ' ms', digits: 3 },
  admin_p50_ms: { before: 'admin p50', after: ' ms', digits: 2 },
  admin_p99_ms: { before: 'admin p99', after: ' ms', digits: 2 },
  first_event_p50_ms: { before: 'first event p50', after: ' ms', digits: 2 },
  first_event_p99_ms: { before: 'p99', after: ' ms', digits: 2 },
  gap_p50_ms: { before: 'gap p50', after: ' ms', digits: 2 },
  gap_p99_ms: { before: 'p99', after: ' ms', digits: 2 },
  gap_p999_ms: { before: 'p99.9', after: ' ms', digits: 2 },
  rss_mb: { before: 'RSS', after: ' MB', digits: 0 },
  rss_kb_per_stream: { before: 'RSS above idle', after: ' kB a stream', digits: 1 },
  failed: { before: 'failed', after: '', digits: 0 },
};
const threadPrefix = 'cpu_us ';

function withRange({ median, min, max }: Spread, digits: number): string {
  const [middle, low, high] = [median, min, max].map((value) => value.toFixed(digits));
  return low === high ? `${middle}` : `${middle} (${low}–${high})`;
}

/** A unit with its article. */
export function each(unit: string): string {
  return `${/^[aeiou]/.test(unit) ? 'an' : 'a'} ${unit}`;
}

/** A result as a paragraph. */
export function toText({ name, about, unit, rounds, subjects, ratios }: CaseResult): string {
  const of = rounds === 1 ? 'one round' : `medians of ${rounds} rounds, ranges in brackets`;
  const lines = [`${name}: ${about}; ${of}`];
  for (const subject of subjects) lines.push(...subjectLines(subject, unit));
  for (const [what, spread] of Object.entries(ratios)) lines.push(`  ${what}: ${withRange(spread, 2)}`);
  const load = subjects.map(({ figures }) => figures['load_cores']?.max ?? 0);
  if (load.length > 0 && Math.max(...load) > 0)
    lines.push(
      `  cores busy: load generator ${inTurn(subjects, 'load_cores')}, simulator ${inTurn(subjects, 'simulator_cores')}`,
    );
  return lines.join('\n');
}

function inTurn(subjects: readonly Subject[], figure: string): string {
  return subjects.map(({ figures }) => (figures[figure]?.median ?? 0).toFixed(2)).join(' / ');
}

function subjectLines({ name, figures }: Subject, unit: string): string[] {
  const said = Object.entries(labels).flatMap(([figure, { before, after, digits }]) => {
    const spread = figures[figure];
    return spread === undefined ? [] : [`${before} ${spread.median.toFixed(digits)}${after}`.trim()];
  });
  const lines = [`  ${name.padEnd(14)} ${said.join('  ')}`];
  const cpu = figures['cpu_us'];
  if (cpu === undefined) return lines;
  const threads = Object.entries(figures)
    .filter(([figure]) => figure.startsWith(threadPrefix))
    .map(([figure, { median }]) => `${figure.slice(threadPrefix.length)} ${median.toFixed(1)}`);
  const split = threads.length > 1 ? ` = ${threads.join(' + ')}` : '';
  lines.push(`  ${''.padEnd(14)} CPU ${withRange(cpu, 1)} µs ${each(unit)}${split}`);
  return lines;
}
