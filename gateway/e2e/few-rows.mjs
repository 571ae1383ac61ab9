/**
 * Loaded into a gateway under test ahead of its own code: of usage rows that wait for their commit there may be only as
 * many as the file `rows-waiting-max` of the working directory says.
 */
import { readFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) {
  // The gateway's own sources come later, and with them what reads TypeScript.
  await import(import.meta.resolve('tsx'));
  const { limits } = await import('../../shared/limits.ts');
  Reflect.set(limits, 'rowsWaitingMax', Number(readFileSync('rows-waiting-max', 'utf8')));
}
