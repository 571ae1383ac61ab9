import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limits } from '../shared/limits.ts';
import { type Load, type Overload, overloadOf } from './overload.ts';

const calm: Load = { lateMs: 0, workersSilentMs: 0, memoryShare: 0.4, inFlight: 1_000 };
const none: Overload = { refusesAll: null, refusesLargeBodies: false, closesConnections: false };

describe('what a load calls for', () => {
  const cases: [what: string, load: Partial<Load>, overload: Partial<Overload>][] = [
    ['nothing', {}, {}],
    ['an event loop that is late', { lateMs: limits.eventLoopLateMsMax + 1 }, { refusesAll: 'event_loop' }],
    ['one that was late for a moment', { lateMs: limits.eventLoopLateMsMax }, {}],
    [
      'workers that do not get to their messages',
      { workersSilentMs: limits.workersSilentMsMax + 1 },
      { refusesAll: 'workers' },
    ],
    ['the same with hardly a request in flight', { lateMs: 5_000, workersSilentMs: 5_000, inFlight: 3 }, {}],
    ['memory that gets tight', { memoryShare: 0.86 }, { closesConnections: true }],
    ['memory that is short', { memoryShare: 0.93 }, { closesConnections: true, refusesLargeBodies: true }],
    [
      'memory that is full, however few requests there are',
      { memoryShare: 0.96, inFlight: 0 },
      { closesConnections: true, refusesLargeBodies: true, refusesAll: 'memory' },
    ],
  ];
  for (const [what, load, overload] of cases)
    test(what, () => assert.deepEqual(overloadOf({ ...calm, ...load }), { ...none, ...overload }));
});
