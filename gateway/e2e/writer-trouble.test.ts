/** A writer that can't write: clients are served all the same, nothing is dropped, and all rows land once it can. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import {
  complete,
  eventually,
  expectQuiet,
  metric,
  readDatabase,
  type Stack,
  startStack,
  writerPid,
} from './harness.ts';

/** Requests that are made while nothing can be stored. */
const requests = 30;

interface Trouble {
  what: string;
  begin: (stack: Stack, pid: number) => void;
  end: (stack: Stack, pid: number) => void;
  /** What /health says meanwhile; null when a gateway can't know. */
  reason: RegExp | null;
}

const limitFileSize = (pid: number, bytes: number | 'unlimited'): void => {
  execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`]);
};

const troubles: Trouble[] = [
  {
    what: 'W-2 the writer is frozen',
    begin: (_, pid) => process.kill(pid, 'SIGSTOP'),
    end: (_, pid) => process.kill(pid, 'SIGCONT'),
    reason: null,
  },
  {
    what: 'W-4 the disk is full',
    begin: ({ gateway }, pid) => limitFileSize(pid, statSync(join(gateway.folder, 'gemini_pool.db-wal')).size),
    end: (_, pid) => limitFileSize(pid, 'unlimited'),
    reason: /the database cannot be written \(SQLITE_(IOERR|FULL)\w*\)/,
  },
];

describe('trouble of the writer', { concurrency: true }, () => {
  for (const { what, begin, end, reason } of troubles)
    test(`${what}: answers come after their grace, changes are refused, all rows land`, async () => {
      const stack = await startStack();
      const { gateway, clientKey, adminToken } = stack;
      try {
        assert.equal((await complete(gateway, clientKey, {})).status, 200);
        const pid = writerPid(gateway);
        assert.ok(pid !== null);
        begin(stack, pid);
        const change = fetch(`${gateway.url}/admin/api/api-keys`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${adminToken}` },
          body: JSON.stringify({ key_name: 'too late' }),
        });
        const answers = Array.from({ length: requests }, (_, i) =>
          complete(gateway, clientKey, { stream: i % 2 === 0 }),
        );
        await eventually('the rows wait', async () => (await metric(gateway, 'gemini_pool_rows_waiting')) === requests);
        assert.equal((await change).status, 503);
        if (reason !== null) {
          const health = JSON.stringify(await (await fetch(`${gateway.url}/health`)).json());
          assert.match(health, reason);
        }
        const ids = new Set<unknown>();
        for (const seen of await Promise.all(answers)) {
          assert.equal(seen.status, 200);
          assert.ok(!seen.isCut, 'the answer is whole');
          ids.add(seen.headers.get('x-request-id'));
        }
        assert.equal(await metric(gateway, 'gemini_pool_released_uncommitted_total'), requests);
        const stored = (): Set<unknown> =>
          readDatabase(
            gateway.folder,
            (database) => new Set(database.prepare('SELECT id FROM requests').pluck().all()),
          );
        assert.equal(stored().size, 1, 'none of them is stored yet');
        end(stack, pid);
        await expectQuiet(gateway);
        assert.deepEqual(
          [...ids].filter((id) => !stored().has(id)),
          [],
        );
        assert.equal(stored().size, requests + 1);
        assert.equal(writerPid(gateway), pid, 'by the same writer');
        await eventually('health is well', async () =>
          JSON.stringify(await (await fetch(`${gateway.url}/health`)).json()).includes('"ok"'),
        );
        assert.equal((await complete(gateway, clientKey, {})).status, 200);
      } finally {
        await stack.stop();
      }
    });
});
