/** The README's tables, from the last kept result of each case: what a load costs here, in nginx, and elsewhere. */
import type { CaseResult, Subject } from './figures.ts';
import { each } from './report-text.ts';
import type { KeptResult } from './results-file.ts';

/** Measured beside the gateway in other cases than loads, each with the figure that tells. */
const single: readonly [name: string, subject: string, figure: string, unit: string, digits: number][] = [
  ['writes', 'writer', 'rows_per_second', 'rows/s', 0],
  ['writes', 'writer', 'cpu_us', 'µs of CPU a row', 1],
  ['dashboard', 'dashboard', 'p50_ms', 'ms p50', 1],
  ['start', 'new database', 'listening_ms', 'ms', 0],
];

/** Markdown: a table of the loads, one of the other gateways where they were measured, and what stands for itself. */
export function toMarkdown(results: readonly KeptResult[]): string {
  const loads = results.map(({ result }) => result).filter((result) => find(result, 'nginx') !== null);
  const peers = [...new Set(loads.flatMap(({ subjects }) => subjects.map(({ name }) => name)))].filter((name) =>
    name.startsWith('@'),
  );
  const withPeers = loads.filter((result) => peers.some((peer) => find(result, peer) !== null));
  const commits = new Set(results.map(({ commit }) => commit));
  const machines = new Set(results.map(({ machine, node }) => `${machine}, Node ${node}`));
  return [
    '| | gateway | nginx | CPU, gateway to nginx |',
    '|---|---|---|---|',
    ...loads.map(loadRow),
    '',
    ...(peers.length === 0 ? [] : [...peerTable(withPeers, peers), '']),
    '| | |',
    '|---|---|',
    ...results.flatMap(({ result }) => singleRows(result)),
    '',
    `Measured on ${[...machines].join('; ')}, at commit ${[...commits].join(', ')}.`,
  ].join('\n');
}

function loadRow(result: CaseResult): string {
  const { about, ratios } = result;
  const ratio = ratios['cpu gateway to nginx'];
  const range = ratio === undefined ? '' : `${fixed(ratio.median, 2)} (${fixed(ratio.min, 2)}–${fixed(ratio.max, 2)})`;
  return `| ${about} | ${said(result, 'gateway')} | ${said(result, 'nginx')} | ${range} |`;
}

function peerTable(results: readonly CaseResult[], peers: readonly string[]): string[] {
  const cell = (result: CaseResult, name: string): string => {
    const figures = find(result, name)?.figures ?? {};
    const parts = [isPaced(figures) ? null : of(figures, 'per_second', '/s', 0), costOf(result, figures)];
    return parts.filter((part) => part !== null).join(', ');
  };
  return [
    `| | gateway | ${peers.join(' | ')} |`,
    `|---|---|${peers.map(() => '---|').join('')}`,
    ...results.map(
      (result) => `| ${result.about} | ${['gateway', ...peers].map((name) => cell(result, name)).join(' | ')} |`,
    ),
  ];
}

function singleRows(result: CaseResult): string[] {
  const parts = single
    .filter(([name]) => name === result.name)
    .map(([, subject, figure, unit, digits]) => of(find(result, subject)?.figures ?? {}, figure, ` ${unit}`, digits));
  return parts.length === 0 ? [] : [`| ${result.about} | ${parts.filter((part) => part !== null).join(', ')} |`];
}

/** What a subject did under a load, in words. */
function said(result: CaseResult, name: string): string {
  const figures = find(result, name)?.figures ?? {};
  const parts = isPaced(figures)
    ? [
        of(figures, 'first_event_p50_ms', ' ms', 1, 'first event p50 '),
        of(figures, 'gap_p99_ms', ' ms', 0, 'gap p99 '),
        costOf(result, figures),
        of(figures, 'rss_kb_per_stream', ' kB a stream', 0),
      ]
    : [
        of(figures, 'per_second', '/s', 0),
        of(figures, 'added_p50_ms', '', 2, 'added p50 ') ?? of(figures, 'p50_ms', '', 2, 'p50 '),
        of(figures, 'added_p99_ms', ' ms', 2, 'p99 ') ?? of(figures, 'p99_ms', ' ms', 2, 'p99 '),
        costOf(result, figures),
      ];
  return parts.filter((part) => part !== null).join(', ');
}

/** Streams that come at their own pace: how many there are a second says nothing. */
function isPaced(figures: Subject['figures']): boolean {
  return figures['rss_kb_per_stream'] !== undefined;
}

function costOf({ unit }: CaseResult, figures: Subject['figures']): string | null {
  return of(figures, 'cpu_us', ` µs ${each(unit)}`, 1);
}

function of(figures: Subject['figures'], figure: string, after: string, digits: number, before = ''): string | null {
  const median = figures[figure]?.median;
  return median === undefined ? null : `${before}${fixed(median, digits)}${after}`;
}

function fixed(value: number, digits: number): string {
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function find({ subjects }: CaseResult, name: string): Subject | null {
  return subjects.find((subject) => subject.name === name) ?? null;
}
