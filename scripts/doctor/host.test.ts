/** What the doctor makes of a version of Node and of a limit of open files. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkFiles, checkNode } from './host.ts';

describe('the host, to the doctor', () => {
  for (const [requests, files, level] of [
    [20_000, 40_200, 'ok'],
    [20_000, 40_199, 'warning'],
    [100, 1_024, 'ok'],
    [20_000, Number.POSITIVE_INFINITY, 'ok'],
    [20_000, null, 'ok'],
  ] as const)
    test(`${files} open files for ${requests} requests: ${level}`, () => {
      assert.equal(checkFiles(requests, files).level, level);
    });

  test('the cure for too few files is a number that then passes', () => {
    const cure = checkFiles(20_000, 1_024).cure ?? '';
    assert.equal(checkFiles(20_000, Number(/ulimit -n (\d+)/.exec(cure)?.[1])).level, 'ok');
    assert.equal(checkFiles(Number(/MAX_CONCURRENT_REQUESTS to (\d+)/.exec(cure)?.[1]), 1_024).level, 'ok');
  });

  for (const [version, level] of [
    ['18.20.0', 'problem'],
    ['20.18.3', 'problem'],
    ['20.19.0', 'ok'],
    ['22.0.0', 'ok'],
    ['24.21.0', 'ok'],
  ] as const)
    test(`Node ${version}: ${level}`, () => {
      assert.equal(checkNode(version).level, level);
    });
});
