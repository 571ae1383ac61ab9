import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from './clock.ts';
import { fingerprint, makeIdSource, maskSecret, mintClientKey, randomFraction } from './ids.ts';
import { scrub } from './log.ts';

test('ids sort by time, also within a millisecond and when the clock goes back', () => {
  const clock = new FakeClock();
  const nextId = makeIdSource(clock);
  const ids: string[] = [];
  for (let i = 0; i < 70_000; i++) ids.push(nextId());
  clock.advance(5);
  ids.push(nextId());
  clock.advance(-60_000);
  ids.push(nextId());
  assert.deepEqual(ids, [...ids].sort());
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.every((id) => /^[0-9a-f]{32}$/.test(id)));
});

test('client keys are long, random and recognisable', () => {
  const keys = Array.from({ length: 1_000 }, mintClientKey);
  assert.equal(new Set(keys).size, keys.length);
  assert.ok(keys.every((key) => /^gp_[0-9a-f]{48}$/.test(key)));
});

test('a fingerprint is the SHA-256 of the key', () => {
  assert.equal(fingerprint('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});

test('a masked secret shows its ends only, and nothing of a short one', () => {
  assert.equal(maskSecret('AIzaSyABCDEFGHIJ1234'), 'AIzaS••••1234');
  assert.equal(maskSecret('short-one'), '••••');
});

test('whatever looks like a secret is scrubbed from logs', () => {
  const secrets = [
    'AIzaSyA-1234567890_abcdef',
    'AQ.Ab8RN6Jx-1234567890',
    `gp_${'a1'.repeat(24)}`,
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl',
  ];
  for (const secret of secrets) {
    const line = scrub(`{"msg":"Consumer 'api_key:${secret}' has been suspended."}`);
    assert.ok(!line.includes(secret), line);
    assert.match(line, /\[secret\]/);
  }
});

test('a random fraction lies in [0, 1) and spreads over it', () => {
  const fractions = Array.from({ length: 10_000 }, randomFraction);
  assert.ok(fractions.every((fraction) => fraction >= 0 && fraction < 1));
  const mean = fractions.reduce((sum, fraction) => sum + fraction, 0) / fractions.length;
  assert.ok(Math.abs(mean - 0.5) < 0.05, `mean ${mean}`);
});
