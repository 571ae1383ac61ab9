/**
 * Loaded into a gateway under test ahead of its own code: a worker thread that parses a body with `die-always` in it ends
 * at once; one that meets `die-once-NAME` ends only if it is the first, over all threads, to meet that name. While there is
 * a file `threads-broken` in the gateway's working directory, no worker thread gets beyond its start.
 */
import { closeSync, existsSync, openSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

/** True for the first caller only: the file is made in the gateway's working directory, which is the test's own. */
function isFirst(/** @type {string} */ name) {
  try {
    closeSync(openSync(`met-${name}`, 'wx'));
    return true;
  } catch {
    return false;
  }
}

if (!isMainThread) {
  if (existsSync('threads-broken')) process.exit(1);
  const parse = JSON.parse;
  JSON.parse = (text, reviver) => {
    if (typeof text === 'string') {
      const once = /die-once-(\w+)/.exec(text)?.[1];
      if (text.includes('die-always') || (once !== undefined && isFirst(once))) process.exit(1);
    }
    return parse(text, reviver);
  };
}
