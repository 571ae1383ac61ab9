/**
 * Loaded into a gateway under test ahead of its own code: the wall clock of all its threads is ahead by the number of
 * milliseconds in the file `clock-offset` of the working directory, which is the test's own. Timers and the monotonic
 * clock go on as they are, as when an operator sets a machine's time.
 */
import { readFileSync } from 'node:fs';

const realNow = Date.now;

function now() {
  try {
    return realNow() + Number(readFileSync('clock-offset', 'utf8'));
  } catch {
    return realNow();
  }
}

globalThis.Date = new Proxy(Date, {
  construct: (target, given) => Reflect.construct(target, given.length === 0 ? [now()] : given),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
});
