import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Effect, type LifeEvent, lifecycle, type Phase, type Transition } from './lifecycle.ts';

const events: LifeEvent[] = [
  'leased',
  'attempt_failed',
  'silence',
  'content',
  'blocked',
  'unblocked',
  'answered',
  'failed',
  'committed',
  'client_gone',
  'deadline',
  'thread_lost',
  'worker_quiet',
];

interface Step {
  from: Phase;
  event: LifeEvent;
  to: Phase;
  effects: readonly Effect[];
}

/** Drives the table with any events, then with what always comes in the end: the worker's last word and the commit. */
function drive(chosen: readonly LifeEvent[]): Step[] {
  const steps: Step[] = [];
  let phase: Phase = 'leasing';
  for (const event of [...chosen, 'failed', 'committed'] as const) {
    const transition: Transition | undefined = lifecycle[phase][event];
    if (transition === undefined) continue;
    steps.push({ from: phase, event, to: transition.to, effects: transition.effects });
    phase = transition.to;
  }
  return steps;
}

function property(check: (steps: Step[], effects: Effect[]) => void): void {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...events), { maxLength: 30 }), (chosen) => {
      const steps = drive(chosen);
      check(
        steps,
        steps.flatMap(({ effects }) => effects),
      );
    }),
    { numRuns: 2_000 },
  );
}

const count = (effects: readonly Effect[], ...wanted: Effect[]): number =>
  effects.filter((effect) => wanted.includes(effect)).length;

describe('life of a request, whatever happens in whatever order', () => {
  test('it comes to its end', () => {
    property((steps) => assert.equal(steps.at(-1)?.to, 'over'));
  });

  test('it has exactly one row', () => {
    property((_, effects) => assert.equal(count(effects, 'record'), 1));
  });

  test('the client gets at most one end, and none only when it has left', () => {
    property((steps, effects) => {
      const ends = count(effects, 'send_error', 'cut', 'release');
      const left = steps.some(({ event }) => event === 'client_gone');
      assert.ok(ends === 1 || (ends === 0 && left), `${ends} ends`);
    });
  });

  test('nothing is sent after the end', () => {
    property((_, effects) => {
      const end = effects.findIndex((effect) => count([effect], 'send_error', 'cut', 'release') === 1);
      if (end >= 0) assert.equal(count(effects.slice(end + 1), 'send_content', 'send_ping'), 0);
    });
  });

  test('an answer is released only after its row was handed over', () => {
    property((_, effects) => {
      if (effects.includes('release')) assert.ok(effects.indexOf('record') < effects.indexOf('release'));
    });
  });

  test('after content there is no other attempt, and no error answer with a status', () => {
    property((_, effects) => {
      const first = effects.indexOf('send_content');
      if (first >= 0) assert.equal(count(effects.slice(first), 'run_again', 'send_error'), 0);
    });
  });

  test('after a ping the head is out: a failure is an error event and a cut', () => {
    property((_, effects) => {
      const first = effects.indexOf('send_ping');
      if (first >= 0) assert.equal(count(effects.slice(first), 'send_error'), 0);
    });
  });

  test('a client that leaves stops its worker, unless that has finished', () => {
    property((steps) => {
      for (const { from, event, effects } of steps)
        if (event === 'client_gone' && from !== 'settling') assert.deepEqual(effects, ['cancel_worker']);
    });
  });

  test('pauses and resumes alternate', () => {
    property((_, effects) => {
      const turns = effects.filter((effect) => effect === 'pause_worker' || effect === 'resume_worker');
      for (const [i, turn] of turns.entries()) assert.equal(turn, i % 2 === 0 ? 'pause_worker' : 'resume_worker');
    });
  });

  test('once over, nothing changes anything', () => {
    for (const event of events) assert.equal(lifecycle.over[event], undefined);
  });
});
