/** Every request accounted for: clients, simulator, rows, rollups and totals agree, whatever is killed in between. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runConsistency } from './consistency-run.ts';

test('a few hundred random requests, aborts and kills: all accounts agree exactly', async (context) => {
  const figures = await runConsistency({ requests: 600, kills: 4, clients: 12, seed: 20_261_125 });
  context.diagnostic(JSON.stringify(figures));
  assert.equal(figures.requests, 600);
  assert.ok(figures.seenWhole > 300 && figures.errors > 10 && figures.aborted > 5, 'the load was mixed');
  assert.ok(figures.gatewayKills > 0 && figures.writerKills > 0, 'both were killed');
});
