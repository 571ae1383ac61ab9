import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOptions } from './run-options.ts';

test('options and cases', () => {
  const options = parseOptions(['--rounds', '5', '--threads=2', '--cpus', '0', '--peers', 'request', 'slow']);
  assert.ok(typeof options === 'object');
  assert.deepEqual(
    [options.rounds, options.threads, options.cpus, options.peers, options.cases, options.isSaved],
    [5, 2, '0', true, ['request', 'slow'], true],
  );
  assert.equal(parseOptions(['--help']), 'help');
  assert.equal(parseOptions(['table']), 'table');
});

test('what is short, profiled or not to be saved is not kept', () => {
  for (const flags of [['--short'], ['--no-save'], ['--profile', 'somewhere'], ['--variant', 'LOG_LEVEL=silent']]) {
    const options = parseOptions(flags);
    assert.ok(typeof options === 'object' && !options.isSaved);
  }
});

test('a variant: another build, flags of node, settings', () => {
  const options = parseOptions([
    '--variant',
    'dist=old',
    '--variant',
    'node=--a --b=1',
    '--variant',
    'WORKER_THREADS=2',
  ]);
  assert.ok(typeof options === 'object');
  assert.deepEqual(options.variant, { dist: 'old', nodeArguments: ['--a', '--b=1'], env: { WORKER_THREADS: '2' } });
});

for (const wrong of [['--rounds', '0'], ['--threads', 'many'], ['--unheard-of'], ['--variant', 'no']])
  test(`refused: ${wrong.join(' ')}`, () => {
    assert.throws(() => parseOptions(wrong));
  });
