/** What the image, deploy.sh, compose and the documents say of each other holds: paths, the user, what is let in. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startFlags } from '../bench/running-gateway.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const users = [
  'Dockerfile',
  'deploy.sh',
  'compose.yaml',
  'docs/deploy/gemini-pool.service',
  'docs/operations.md',
  'SECURITY.md',
];

describe('the image', () => {
  test('every program that is started in it, or from /opt, is one that the build makes', () => {
    const built = new Set(
      [...read('scripts/build.mjs').matchAll(/^ {2}'([\w/-]+)\.ts',$/gm)].map(([, entry]) => entry),
    );
    const started = users.flatMap((path) =>
      [...read(path).matchAll(/dist\/([\w/-]+)\.js/g)].map(([, entry = '']) => ({ path, entry })),
    );
    assert.ok(started.length >= 6);
    assert.deepEqual(
      started.filter(({ entry }) => !built.has(entry)),
      [],
    );
  });

  test('wherever the gateway is started, it is with the flags that its tests and its bench have', () => {
    const starts = ['package.json', 'Dockerfile', 'docs/deploy/gemini-pool.service'].flatMap((path) =>
      [...read(path).matchAll(/(?<=\bnode\b).*(?=dist\/gateway\/main\.js)/g)].map(([between]) => ({
        path,
        flags: between.match(/--[\w=-]+/g) ?? [],
      })),
    );
    assert.ok(starts.length >= 3);
    for (const { path, flags } of starts) assert.deepEqual(flags.slice(-startFlags.length), startFlags, path);
  });

  test('what goes in is named one by one: no settings, no database', () => {
    const [first, ...rest] = read('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    assert.equal(first, '*');
    const letIn = rest.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    assert.ok(
      letIn.every((name) => readdirSync(root).includes(name)),
      letIn.join(),
    );
    assert.ok(!letIn.some((name) => /env|\.db|data/.test(name)));
  });

  test('the user who owns the volume is the one that deploy.sh gives it to', () => {
    const user = /useradd --uid (\d+) --gid (\d+)/.exec(read('Dockerfile'));
    assert.ok(read('deploy.sh').includes(`-R ${user?.[1]}:${user?.[2]} /data`));
    assert.match(read('Dockerfile'), /^USER gemini-pool$/m);
  });

  test('the volume is the same for deploy.sh and compose', () => {
    const [, volume] = /^volume=(.+)$/m.exec(read('deploy.sh')) ?? [];
    assert.ok(read('compose.yaml').includes(`name: ${volume}\n`));
    assert.ok(read('compose.yaml').includes(`- ${volume}:/data\n`));
  });

  test('whoever stops the gateway waits longer than it takes to finish', () => {
    const drainMs = Number(/^DRAIN_TIMEOUT_MS=(\d+)$/m.exec(read('.env.example'))?.[1]);
    for (const [path, pattern] of [
      ['deploy.sh', /STOP_SECONDS:-(\d+)/],
      ['compose.yaml', /stop_grace_period: (\d+)s/],
      ['docs/deploy/gemini-pool.service', /TimeoutStopSec=(\d+)s/],
    ] as const)
      assert.ok(Number(pattern.exec(read(path))?.[1]) * 1_000 > drainMs + 10_000, path);
  });

  test('nginx lets bodies pass that the gateway takes, and waits longer than the gateway does', () => {
    const conf = read('docs/deploy/nginx.conf.template');
    const setting = (name: string): number =>
      Number(new RegExp(`^${name}=(\\d+)$`, 'm').exec(read('.env.example'))?.[1]);
    assert.equal(Number(/client_max_body_size (\d+)m;/.exec(conf)?.[1]) * 1024 * 1024, setting('MAX_BODY_BYTES'));
    assert.ok(Number(/proxy_read_timeout (\d+)s;/.exec(conf)?.[1]) * 1_000 > setting('REQUEST_TIMEOUT_MS'));
  });
});
