/**
 * `deploy.sh` against a stand-in for docker that keeps containers and a volume in a file and records every call: what is
 * refused is refused before anything was touched, and whatever fails later, the old container runs again with its data.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const shellScripts = ['deploy.sh', '.ci/run'];
/** All that the script needs beside docker. */
const tools = ['bash', 'env', 'dirname', 'mktemp', 'awk', 'sed', 'grep', 'tail', 'rm'];

interface Container {
  running: boolean;
  workDir: string;
  env: string[];
  mounts: string[];
  /** Files of its own, by path. */
  files: Record<string, string>;
  restart?: string;
  /** Its arguments, as `docker run` got them. */
  args?: string[];
}

interface World {
  containers: Record<string, Container>;
  /** Files of the volume, by their path in a container. */
  volume: Record<string, string>;
  /** Faults to show. */
  faults: {
    daemon?: boolean;
    build?: boolean;
    configuration?: boolean;
    /** `docker run` of the gateway: `refused` as for a taken port, `ends`, or `hangs` without ever being ready. */
    start?: 'refused' | 'ends' | 'hangs';
    copy?: boolean;
    /** The image has a newer schema than the volume's database. */
    upgrade?: boolean;
  };
}

const standIn = `#!/usr/bin/env node
const { appendFileSync, readFileSync, writeFileSync } = require('node:fs');
const file = process.env.WORLD;
const world = JSON.parse(readFileSync(file, 'utf8'));
const [command, ...rest] = process.argv.slice(2);
appendFileSync(file + '.calls', process.argv.slice(2).join(' ') + '\\n');
const done = (code, text = '') => {
  writeFileSync(file, JSON.stringify(world));
  process.stdout.write(text);
  process.exit(code);
};
const refuse = (text) => { process.stderr.write(text + '\\n'); done(1); };
const { containers, volume, faults } = world;
const named = (name) => containers[name] ?? refuse('No such container: ' + name);
const after = (flag) => rest[rest.indexOf(flag) + 1];

function run() {
  const at = rest.indexOf('gemini-pool');
  const given = rest.slice(0, at);
  const asked = rest.slice(at + 1);
  if (given.includes('--detach')) {
    const name = after('--name');
    if (containers[name]) refuse('The name is in use: ' + name);
    const env = readFileSync(after('--env-file'), 'utf8').trim().split('\\n');
    given.forEach((text, i) => { if (text === '--env') env.push(given[i + 1]); });
    containers[name] = { running: faults.start !== 'refused', workDir: '/data', env, args: rest,
      mounts: ['/data gemini-pool-data'], files: {} };
    if (faults.start === 'refused') refuse('port is already allocated');
    if (faults.upgrade) volume['/data/gemini_pool.db'] = 'new schema';
    if (faults.start === 'ends') containers[name].running = false;
    return done(0, 'id\\n');
  }
  const entry = given.includes('--entrypoint') ? given[given.indexOf('--entrypoint') + 1] : null;
  if (entry === 'test') return done((volume[asked[1]] ?? '') === '' ? 1 : 0);
  if (entry === 'chown') return done(0);
  if (entry === 'rm') { for (const path of asked) delete volume[path]; return done(0); }
  if (entry === 'sh') { volume[asked.at(-1)] = readFileSync(0, 'utf8'); return done(0); }
  if (asked[1].endsWith('doctor.js')) return faults.configuration ? refuse('LISTEN_ADDR is wrong') : done(0);
  if (asked[1].endsWith('backup.js')) {
    if (!faults.upgrade) return done(0);
    volume['/data/backup.db'] = volume['/data/gemini_pool.db'];
    return done(0, '/data/backup.db\\n');
  }
  if (asked[1].endsWith('restore.js')) { volume['/data/gemini_pool.db'] = volume[asked[2]]; return done(0); }
  refuse('unknown run');
}

switch (command) {
  case 'info': faults.daemon ? refuse('Cannot connect') : done(0, 'json-file\\n'); break;
  case 'build': faults.build ? refuse('npm ci failed') : done(0); break;
  case 'run': run(); break;
  case 'container': {
    const found = named(rest.at(-1));
    const format = after('--format');
    if (!rest.includes('--format')) done(0, '[]');
    else if (format.includes('Running')) done(0, found.running + '\\n');
    else if (format.includes('WorkingDir')) done(0, found.workDir + '\\n');
    else if (format.includes('Env')) done(0, found.env.map((line) => line + '\\n').join(''));
    else done(0, found.mounts.map((line) => line + '\\n').join(''));
    break;
  }
  case 'stop': named(rest.at(-1)).running = false; done(0); break;
  case 'start': named(rest.at(-1)).running = true; done(0); break;
  case 'rename': containers[rest[1]] = named(rest[0]); delete containers[rest[0]]; done(0); break;
  case 'rm': {
    const found = named(rest.at(-1));
    if (found.running && !rest.includes('--force')) refuse('container is running');
    delete containers[rest.at(-1)]; done(0); break;
  }
  case 'cp': {
    const [name, path] = rest[0].split(':');
    const found = named(name).files[path];
    if (found === undefined || faults.copy) refuse('Could not find the file ' + path);
    writeFileSync(rest[1], found); done(0); break;
  }
  case 'exec': named(rest[0]).running && faults.start === undefined ? done(0) : refuse('not ready'); break;
  case 'logs': done(0, 'the last words of the gateway\\n'); break;
  case 'update': named(rest.at(-1)).restart = rest[1]; done(0); break;
  default: refuse('unknown command ' + command);
}
`;

/** The container that an earlier deployment left. */
const ours: Container = {
  running: true,
  workDir: '/data',
  env: ['DATABASE_URL=sqlite:/data/gemini_pool.db'],
  mounts: ['/data gemini-pool-data'],
  files: {},
};
/** That of the Rust program: a volume is there, but its database is not in it. */
const rust: Container = {
  running: true,
  workDir: '/usr/local/bin',
  env: ['GEMINI_API_KEYS=AIzaOne', 'DATABASE_URL=sqlite:./gemini_pool.db'],
  mounts: ['/data gemini-pool-data'],
  files: { '/usr/local/bin/gemini_pool.db': 'rust rows', '/usr/local/bin/gemini_pool.db-wal': 'rust log' },
};

describe('deploy.sh', () => {
  let folder: string;
  let project: string;
  let worldPath: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gemini-pool-deploy-'));
    project = join(folder, 'a project');
    worldPath = join(folder, 'world.json');
    mkdirSync(join(project, 'gemini-pool'), { recursive: true });
    mkdirSync(join(folder, 'bin'));
    copyFileSync(join(root, 'deploy.sh'), join(project, 'deploy.sh'));
    for (const tool of tools)
      symlinkSync(
        execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim(),
        join(folder, 'bin', tool),
      );
    symlinkSync(process.execPath, join(folder, 'bin', 'node'));
    // Time that nothing depends on.
    writeFileSync(join(folder, 'bin', 'sleep'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    writeFileSync(join(folder, 'bin', 'docker'), standIn, { mode: 0o755 });
    writeFileSync(join(project, '.env'), 'GEMINI_API_KEYS=AIzaOne\n');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function deploy(world: Partial<World> = {}, args: string[] = [], env: Record<string, string> = {}) {
    const start: World = structuredClone({ containers: {}, volume: {}, faults: {}, ...world });
    writeFileSync(worldPath, JSON.stringify(start));
    const { status, stdout, stderr } = spawnSync(join(project, 'deploy.sh'), args, {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: join(folder, 'bin'), WORLD: worldPath, TMPDIR: folder, READY_SECONDS: '3', ...env },
    });
    const after: World = JSON.parse(readFileSync(worldPath, 'utf8'));
    const callsPath = `${worldPath}.calls`;
    const calls = existsSync(callsPath) ? readFileSync(callsPath, 'utf8').trim().split('\n') : [];
    return { status, stdout, stderr, calls, after, start };
  }

  for (const script of shellScripts)
    test(`${script} has nothing that shellcheck minds`, () => {
      const { status, stdout, error } = spawnSync('shellcheck', [join(root, script)], { encoding: 'utf8' });
      assert.equal(error, undefined, 'shellcheck is needed: apt-get install shellcheck');
      assert.equal(status, 0, stdout);
    });

  test('the first time: builds, starts with volume, .env and restart policy, and prints the address', () => {
    const { status, stdout, stderr, calls, after } = deploy();
    assert.equal(status, 0, stderr);
    assert.match(stdout, /Panel: +http:\/\/127\.0\.0\.1:8080\/\n/);
    const container = after.containers['gemini-pool-container'];
    assert.equal(container?.running, true);
    assert.equal(container?.restart, 'unless-stopped');
    const args = container?.args?.join(' ') ?? '';
    assert.match(args, /--publish 8080:8080 --volume gemini-pool-data:\/data --read-only .*--cap-drop ALL/);
    assert.ok(container?.env.includes('GEMINI_API_KEYS=AIzaOne'));
    assert.ok(container?.env.includes('DATABASE_URL=sqlite:/data/gemini_pool.db'));
    assert.ok(
      calls.findIndex((call) => call.startsWith('build')) < calls.findIndex((call) => call.includes('--detach')),
    );
    assert.doesNotMatch(calls.join('\n'), /AIzaOne/, 'no secret is on a command line');
  });

  for (const [given, published, printed] of [
    ['9000', '9000:8080', 'http://127.0.0.1:9000/'],
    ['127.0.0.1:9000', '127.0.0.1:9000:8080', 'http://127.0.0.1:9000/'],
    ['010', '10:8080', 'http://127.0.0.1:10/'],
  ] as const)
    test(`the port ${given} is published as ${published}`, () => {
      const { status, stdout, after } = deploy({}, [given]);
      assert.equal(status, 0);
      assert.ok(stdout.includes(`${printed}\n`), stdout);
      assert.ok(after.containers['gemini-pool-container']?.args?.includes(published));
    });

  test('.env is read as Node reads it: quotes, comments and carriage returns are no part of a value', () => {
    writeFileSync(
      join(project, '.env'),
      [
        '# comment',
        'ADMIN_PASSWORD="with space # and sign"  # said',
        "JWT_SECRET='single'",
        'export LOG_LEVEL=warn # why',
        'METRICS_TOKEN=a#b\r',
        'MODEL_ALIASES=gpt-4o=gemini-3.8-flash',
        'ENCRYPTION_KEY=',
        'not a setting',
      ].join('\n'),
    );
    const { status, after } = deploy();
    assert.equal(status, 0);
    assert.deepEqual(after.containers['gemini-pool-container']?.env.slice(0, 6), [
      'ADMIN_PASSWORD=with space # and sign',
      'JWT_SECRET=single',
      'LOG_LEVEL=warn',
      'METRICS_TOKEN=a#b',
      'MODEL_ALIASES=gpt-4o=gemini-3.8-flash',
      'ENCRYPTION_KEY=',
    ]);
  });

  for (const [url, path] of [
    ['sqlite:./mine.db', '/data/mine.db'],
    ['sqlite:///data/deep/mine.db?mode=rwc', '/data/deep/mine.db'],
    ['sqlite:/usr/local/bin/mine.db', '/data/mine.db'],
    ['sqlite:/data/../mine.db', '/data/mine.db'],
    ['sqlite:/data/a/../../mine.db', '/data/mine.db'],
  ] as const)
    test(`the database of ${url} lies in the volume as ${path}`, () => {
      writeFileSync(join(project, '.env'), `DATABASE_URL=${url}\n`);
      const { status, after } = deploy();
      assert.equal(status, 0);
      assert.ok(after.containers['gemini-pool-container']?.env.includes(`DATABASE_URL=sqlite:${path}`));
    });

  test('the old place of .env is found', () => {
    rmSync(join(project, '.env'));
    writeFileSync(join(project, 'gemini-pool', '.env'), 'GEMINI_API_KEYS=AIzaOld\n');
    const { status, after } = deploy();
    assert.equal(status, 0);
    assert.ok(after.containers['gemini-pool-container']?.env.includes('GEMINI_API_KEYS=AIzaOld'));
  });

  test('the container before is stopped, then replaced, and removed once the new one is ready', () => {
    const { status, stderr, calls, after } = deploy({
      containers: { 'gemini-pool-container': ours },
      volume: { '/data/gemini_pool.db': 'rows' },
    });
    assert.equal(status, 0, stderr);
    assert.deepEqual(Object.keys(after.containers), ['gemini-pool-container']);
    assert.ok(after.containers['gemini-pool-container']?.args !== undefined, 'it is the new one');
    assert.equal(after.volume['/data/gemini_pool.db'], 'rows');
    const place = (what: RegExp): number => calls.findIndex((call) => what.test(call));
    assert.ok(place(/doctor\.js/) < place(/^stop/), 'the configuration was checked before anything was stopped');
    assert.ok(place(/^stop/) < place(/--detach/));
    assert.ok(place(/^exec/) < place(/^rm gemini-pool-container-previous/));
  });

  test('the database inside of an old container is copied into the volume before the container is removed', () => {
    const { status, stderr, calls, after } = deploy({ containers: { 'gemini-pool-container': rust } });
    assert.equal(status, 0, stderr);
    assert.equal(after.volume['/data/gemini_pool.db'], 'rust rows');
    assert.equal(after.volume['/data/gemini_pool.db-wal'], 'rust log');
    const place = (what: RegExp): number => calls.findIndex((call) => what.test(call));
    assert.ok(place(/^stop/) < place(/^cp/), 'at rest');
    assert.ok(calls.findLastIndex((call) => call.includes('--entrypoint sh')) < place(/--detach/));
    assert.deepEqual(Object.keys(after.containers), ['gemini-pool-container']);
  });

  test('an old container whose database is empty has nothing to copy', () => {
    const { status, after } = deploy({
      containers: { 'gemini-pool-container': { ...rust, files: { '/usr/local/bin/gemini_pool.db': '' } } },
    });
    assert.equal(status, 0);
    assert.deepEqual(after.volume, {});
  });

  const env = (text: string) => () => writeFileSync(join(project, '.env'), text);
  const refusals: { what: string; says: RegExp; prepare?: () => void; world?: Partial<World>; args?: string[] }[] = [
    { what: 'two arguments', args: ['1', '2'], says: /give at most a port/ },
    ...['0', '65536', '70000000000', 'http', '80a', '-1', ''].map((port) => ({
      what: `the port '${port}'`,
      args: [port],
      says: /is no port/,
    })),
    {
      what: 'a missing .env',
      prepare: () => rmSync(join(project, '.env')),
      says: /cp \.env\.example \.env.*GEMINI_API_KEYS, ADMIN_PASSWORD and JWT_SECRET/,
    },
    { what: 'a missing docker', prepare: () => rmSync(join(folder, 'bin', 'docker')), says: /docker is not installed/ },
    { what: 'a docker without its service', world: { faults: { daemon: true } }, says: /docker does not answer/ },
    { what: 'a build that fails', world: { faults: { build: true } }, says: /could not be built.*nothing was changed/ },
    {
      what: 'a wrong configuration',
      prepare: env('LISTEN_ADDR=x\n'),
      world: { faults: { configuration: true } },
      says: /LISTEN_ADDR is wrong\n.*configuration in \.env has problems.*nothing was changed/s,
    },
    {
      what: 'two databases to choose from',
      world: { containers: { 'gemini-pool-container': rust }, volume: { '/data/gemini_pool.db': 'newer' } },
      says: /inside of itself \(\/usr\/local\/bin\/gemini_pool\.db\).*Nothing was changed/,
    },
    {
      what: 'what an interrupted deployment left',
      world: { containers: { 'gemini-pool-container': ours, 'gemini-pool-container-previous': ours } },
      says: /an earlier deployment was interrupted/,
    },
  ];
  for (const { what, says, prepare, world = {}, args = [] } of refusals)
    test(`${what}: refused, and nothing was touched`, () => {
      prepare?.();
      const containers = world.containers ?? { 'gemini-pool-container': ours };
      const { status, stderr, calls, after, start } = deploy({ ...world, containers }, args);
      assert.equal(status, 1);
      assert.match(stderr, says);
      assert.deepEqual(after, start);
      assert.ok(!calls.some((call) => /^(stop|rm|rename|cp)\b|--detach/.test(call)), calls.join('\n'));
    });

  for (const start of ['refused', 'ends', 'hangs'] as const)
    for (const [whose, container, volume] of [
      ['ours', ours, { '/data/gemini_pool.db': 'rows' }],
      ['the Rust program', rust, {}],
    ] as const)
      test(`a new container that ${start}: that of ${whose} runs again, with its data`, () => {
        const { status, stderr, after } = deploy({
          containers: { 'gemini-pool-container': container },
          volume,
          faults: { start, upgrade: whose === 'ours' },
        });
        assert.equal(status, 1);
        assert.match(stderr, /The old container runs again\./);
        if (start !== 'refused') assert.match(stderr, /the last words of the gateway/);
        assert.deepEqual(after.containers, { 'gemini-pool-container': container });
        assert.equal(after.volume['/data/gemini_pool.db'], whose === 'ours' ? 'rows' : undefined);
      });

  test('a first container that does not get ready is removed', () => {
    const { status, stderr, after } = deploy({ faults: { start: 'hangs' } });
    assert.equal(status, 1);
    assert.match(stderr, /not ready within 3 seconds/);
    assert.deepEqual(after.containers, {});
  });

  test('a container that was stopped before stays stopped when the new one fails', () => {
    const stopped = { ...ours, running: false };
    const { status, after } = deploy({ containers: { 'gemini-pool-container': stopped }, faults: { start: 'ends' } });
    assert.equal(status, 1);
    assert.deepEqual(after.containers, { 'gemini-pool-container': stopped });
  });

  test('a database that cannot be copied out keeps its container', () => {
    const { status, stderr, after } = deploy({
      containers: { 'gemini-pool-container': rust },
      faults: { copy: true },
    });
    assert.equal(status, 1);
    assert.match(stderr, /could not be copied out/);
    assert.deepEqual(after.containers, { 'gemini-pool-container': rust });
  });

  test('a deployment that was interrupted after it set the old container aside begins from that one', () => {
    const { status, after } = deploy({ containers: { 'gemini-pool-container-previous': ours } });
    assert.equal(status, 0);
    assert.deepEqual(Object.keys(after.containers), ['gemini-pool-container']);
  });

  test('nothing of the secrets is left behind in temporary files', () => {
    chmodSync(join(project, '.env'), 0o600);
    deploy();
    deploy({ containers: { 'gemini-pool-container': rust }, faults: { start: 'ends' } });
    assert.equal(
      spawnSync('grep', ['-rl', 'rust rows', folder, '--exclude=world.json'], { encoding: 'utf8' }).stdout,
      '',
    );
    assert.equal(
      spawnSync('grep', ['-rl', 'AIzaOne', folder, '--exclude=world.json'], { encoding: 'utf8' }).stdout.trim(),
      join(project, '.env'),
    );
  });
});
