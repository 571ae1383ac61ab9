/** The Grafana dashboard and the alert rules ask only for figures and labels that the gateway has. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Stack, startStack, testModel } from './harness.ts';

const folder = new URL('../../docs/deploy/', import.meta.url);
const read = (name: string): string => readFileSync(fileURLToPath(new URL(name, folder)), 'utf8');

/** Words of PromQL, and what Prometheus itself adds to every target. */
const words = new Set([
  ...['sum', 'by', 'rate', 'increase', 'histogram_quantile', 'label_values', 'up', 'le', 'job', 'instance'],
]);

/** Every `expr` and `query` of the dashboard, and every `expr` of the rules. */
function expressions(): string[] {
  const found: string[] = [];
  JSON.parse(read('grafana-dashboard.json'), (name, value) => {
    if ((name === 'expr' || name === 'query') && typeof value === 'string' && value !== 'prometheus') found.push(value);
    return value;
  });
  return [...found, ...[...read('alerts.yml').matchAll(/^ +expr: (.+)$/gm)].map(([, expr = '']) => expr)];
}

describe('dashboard and alert rules', () => {
  let stack: Stack;
  let exposed: string;
  before(async () => {
    stack = await startStack();
    await stack.openai.chat.completions.create({ model: testModel, messages: [{ role: 'user', content: 'Hello' }] });
    exposed = await (await fetch(`${stack.gateway.url}/metrics`)).text();
  });
  after(() => stack?.stop());

  test('there are panels and rules', () => {
    assert.ok(expressions().length > 30);
  });

  test('every name in them is a figure or a label of the gateway', () => {
    const figures = new Set([...exposed.matchAll(/^([a-z0-9_]+)(?:\{| )/gm)].map(([, name = '']) => name));
    const labels = new Set([...exposed.matchAll(/[{,]([a-z_]+)="/g)].map(([, name = '']) => name));
    const unknown = expressions().flatMap((expression) => {
      // Without texts, spans of time and Grafana's variables.
      const bare = expression.replaceAll(/"[^"]*"|\[[^\]]*\]|\$\w+/g, '');
      return [...bare.matchAll(/[a-z_][a-z0-9_]+/g)]
        .map(([name]) => name)
        .filter((name) => !words.has(name) && !figures.has(name) && !labels.has(name));
    });
    assert.deepEqual([...new Set(unknown)], []);
  });
});
