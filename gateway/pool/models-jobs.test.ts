import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptySlot } from '../dispatch.ts';
import { ModelsJobs } from './models-jobs.ts';

test('jobs fail with the thread that had them, and no others', async () => {
  const slots = [0, 1].map(emptySlot);
  const posted: number[] = [];
  const jobs = new ModelsJobs({
    leastLoaded: () => slots[posted.length] ?? assert.fail(),
    post: (_slot, message) => void posted.push('id' in message ? message.id : 0),
  });
  const [one, other] = [jobs.ask('AIza-1'), jobs.ask('AIza-2')];
  const [lost] = slots;
  assert.ok(lost !== undefined);
  jobs.threadLost(lost);
  assert.deepEqual(await one, { error: { code: 'worker_lost' }, outcome: { kind: 'neutral', reason: 'worker_lost' } });
  jobs.receive(posted[1] ?? 0, { models: [] });
  assert.deepEqual(await other, { models: [] });
});
