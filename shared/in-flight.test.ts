import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InFlight, InFlightIds } from './in-flight.ts';

test('property: what is in flight is found by its number, and nothing else is', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 20 }), { maxLength: 300 }), (steps) => {
      const ids = new InFlightIds();
      const inFlight = new InFlight<string>();
      const expected = new Map<number, string>();
      const over: number[] = [];
      for (const [at, step] of steps.entries()) {
        const taken = [...expected.keys()][step];
        if (taken === undefined) {
          const id = ids.next();
          assert.ok(!expected.has(id) && !over.includes(id), 'no number comes twice');
          expected.set(id, `item ${at}`);
          inFlight.put(id, `item ${at}`);
        } else {
          assert.equal(inFlight.take(taken), expected.get(taken));
          ids.release(taken);
          expected.delete(taken);
          over.push(taken);
        }
        assert.equal(inFlight.size, expected.size);
        for (const [id, item] of expected) assert.equal(inFlight.get(id), item);
        for (const id of over) assert.deepEqual([inFlight.get(id), inFlight.take(id)], [null, null]);
        assert.deepEqual(inFlight.all().sort(), [...expected.values()].sort());
      }
    }),
  );
});

test('numbers may come in any order, as they do where several share the work', () => {
  const ids = Array.from({ length: 100 }, (_, n) => [n, new InFlightIds()] as const).map(([n, source]) => {
    let id = 0;
    for (let i = 0; i <= n % 7; i++) {
      id = source.next();
      source.release(id);
    }
    return id + n;
  });
  const inFlight = new InFlight<number>();
  for (const id of ids.toReversed()) inFlight.put(id, id);
  for (const id of ids) assert.equal(inFlight.take(id), id);
  assert.equal(inFlight.size, 0);
});
