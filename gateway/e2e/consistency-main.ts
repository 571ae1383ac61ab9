/** `npm run test:consistency [requests] [seed]`: the run of `consistency.test.ts` at a size for people, with its figures. */
import { runConsistency } from './consistency-run.ts';

const requests = Number(process.argv[2] ?? 100_000);
const seed = Number(process.argv[3] ?? 1);
const startedMs = performance.now();
const figures = await runConsistency({
  requests,
  kills: Math.max(4, Math.round(requests / 4_000)),
  clients: 32,
  seed,
  onProgress: (text) => process.stdout.write(`${text}\n`),
});
const seconds = Math.round((performance.now() - startedMs) / 1000);
process.stdout.write(`all accounts agree after ${seconds} s (seed ${seed}): ${JSON.stringify(figures)}\n`);
