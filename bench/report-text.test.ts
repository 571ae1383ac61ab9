import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CaseResult, ratioOf, toSubject } from './figures.ts';
import { toText } from './report-text.ts';

const nginx = [{ per_second: 40_000, p50_ms: 1, cpu_us: 10, failed: 0 }];
const gateway = [
  { per_second: 12_000, p50_ms: 4, cpu_us: 30, 'cpu_us gateway main': 20, 'cpu_us writer main': 10, failed: 0 },
];
const result: CaseResult = {
  name: 'request',
  about: 'answers without streaming',
  unit: 'event',
  rounds: 1,
  subjects: [toSubject('nginx', nginx), toSubject('gateway', gateway)],
  ratios: { 'cpu gateway to nginx': ratioOf('cpu_us', gateway, nginx) },
};

test('text names every subject, its CPU by thread, and the ratio', () => {
  const text = toText(result);
  for (const part of [
    'nginx',
    '12000/s',
    'CPU 30.0 µs an event = gateway main 20.0 + writer main 10.0',
    'to nginx: 3.00',
  ])
    assert.ok(text.includes(part), `${part} is not in:\n${text}`);
});
