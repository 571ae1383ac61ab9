/** A few seconds of the soak, so that it is known to work and to hold; `npm run test:soak` goes on for minutes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSoak } from './soak/soak-run.ts';

test('everything at once for a few seconds: what must hold, holds', async (context) => {
  const figures = await runSoak({ seconds: 12, seed: 20_261_125, clients: 12 });
  context.diagnostic(JSON.stringify(figures));
  assert.ok(figures.requests > 100, 'there was load');
  assert.ok(figures.gatewayKills + figures.writerKills > 1, 'something was killed');
});
