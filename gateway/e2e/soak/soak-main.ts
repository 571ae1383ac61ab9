/** `npm run test:soak [-- --seconds 240 --seed 1 --clients 24]`: the run of `soak.test.ts` at a length for people. */
import { parseArgs } from 'node:util';
import { runSoak } from './soak-run.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '240' },
    seed: { type: 'string', default: '1' },
    clients: { type: 'string', default: '24' },
  },
});
const figures = await runSoak({
  seconds: Number(values.seconds),
  seed: Number(values.seed),
  clients: Number(values.clients),
  onProgress: (text) => process.stdout.write(`${text}\n`),
});
process.stdout.write(`all holds (seed ${values.seed}): ${JSON.stringify(figures, null, 2)}\n`);
