import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CaseResult, ratioOf, toSubject } from './figures.ts';
import { toMarkdown } from './readme-table.ts';

const nginx = [{ per_second: 40_000, p50_ms: 1, p99_ms: 2, cpu_us: 10 }];
const gateway = [{ per_second: 12_000, p50_ms: 4, p99_ms: 9, cpu_us: 30, 'cpu_us gateway main': 30 }];
const peer = [{ per_second: 900, p50_ms: 60, p99_ms: 90, cpu_us: 1_200 }];

const kept = (result: CaseResult) => ({
  at: '',
  commit: 'abc1234',
  machine: 'a CPU, 2 cores',
  node: '20.0.0',
  threads: null,
  cpus: null,
  result,
});

const results: CaseResult[] = [
  {
    name: 'request',
    about: 'answers without streaming',
    unit: 'request',
    rounds: 1,
    subjects: [toSubject('nginx', nginx), toSubject('gateway', gateway), toSubject('@some/peer', peer)],
    ratios: { 'cpu gateway to nginx': ratioOf('cpu_us', gateway, nginx) },
  },
  {
    name: 'slow',
    about: 'slow streams',
    unit: 'event',
    rounds: 1,
    subjects: ['nginx', 'gateway'].map((name) =>
      toSubject(name, [
        { per_second: 250, first_event_p50_ms: 2.5, gap_p99_ms: 205.4, cpu_us: 5, rss_kb_per_stream: 18 },
      ]),
    ),
    ratios: {},
  },
  {
    name: 'writes',
    about: 'rows to their commit',
    unit: 'row',
    rounds: 1,
    subjects: [toSubject('writer', [{ rows_per_second: 90_000, cpu_us: 12.7 }])],
    ratios: {},
  },
];

test('loads stand beside nginx, other gateways in a table of their own, what stands for itself below', () => {
  assert.deepEqual(toMarkdown(results.map(kept)).split('\n'), [
    '| | gateway | nginx | CPU, gateway to nginx |',
    '|---|---|---|---|',
    '| answers without streaming | 12,000/s, p50 4.00, p99 9.00 ms, 30.0 µs a request | 40,000/s, p50 1.00, p99 2.00 ms, 10.0 µs a request | 3.00 (3.00–3.00) |',
    '| slow streams | first event p50 2.5 ms, gap p99 205 ms, 5.0 µs an event, 18 kB a stream | first event p50 2.5 ms, gap p99 205 ms, 5.0 µs an event, 18 kB a stream |  |',
    '',
    '| | gateway | @some/peer |',
    '|---|---|---|',
    '| answers without streaming | 12,000/s, 30.0 µs a request | 900/s, 1,200.0 µs a request |',
    '',
    '| | |',
    '|---|---|',
    '| rows to their commit | 90,000 rows/s, 12.7 µs of CPU a row |',
    '',
    'Measured on a CPU, 2 cores, Node 20.0.0, at commit abc1234.',
  ]);
});
