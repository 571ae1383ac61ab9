/** S-2: a failed login tells nothing of whether there is such a user: the same answer, for the same work. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { processCpuSeconds } from '../../bench/cpu-time.ts';
import { adminToken, startGateway } from '../../bench/running-gateway.ts';

/** So many failures on an account cost no wait. */
const tries = 5;

test('S-2 a wrong password takes as much work for a name that nobody has as for a user and the administrator', async () => {
  const gateway = await startGateway({ env: { TRUSTED_PROXIES: '127.0.0.1', WORKER_THREADS: '1' } });
  try {
    const token = await adminToken(gateway.url);
    const made = await fetch(`${gateway.url}/admin/api/users`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'ada', password: 'analytical engine', role: 'viewer' }),
    });
    assert.equal(made.status, 200);
    let places = 0;
    /** Seconds of CPU that a failed login took, of which waiting and what else this machine does are no part. */
    const fail = async (username: string): Promise<{ seconds: number; answer: string }> => {
      const before = processCpuSeconds(gateway.pid);
      const answer = await fetch(`${gateway.url}/admin/api/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': `203.0.113.${++places}` },
        body: JSON.stringify({ username, password: 'not the password' }),
      });
      const text = `${answer.status} ${[...answer.headers.keys()].sort()} ${await answer.text()}`;
      return { seconds: processCpuSeconds(gateway.pid) - before, answer: text };
    };
    const names = ['admin', 'ada', 'nobody'];
    const seconds = new Map<string, number[]>(names.map((name) => [name, []]));
    const answers = new Set<string>();
    for (let i = 0; i < tries; i++)
      for (const name of names) {
        const failed = await fail(name);
        seconds.get(name)?.push(failed.seconds);
        answers.add(failed.answer);
      }
    assert.equal(answers.size, 1, [...answers].join('\n'));
    assert.match([...answers].join(), /^401 /);
    const medians = names.map((name) => seconds.get(name)?.sort((a, b) => a - b)[tries >> 1] ?? 0);
    const [least, most] = [Math.min(...medians), Math.max(...medians)];
    // Without a hash to check it would be a hundredth; the machine's own noise is far less than this.
    assert.ok(least > 0.05 && most < 1.5 * least, `${names}: ${medians} s`);
  } finally {
    await gateway.stop();
  }
});
