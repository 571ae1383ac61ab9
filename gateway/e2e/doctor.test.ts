/**
 * The doctor before the real parts: it finds what is amiss and says what to do, exits with 1 for what keeps the gateway from
 * its work, costs no quota, and prints no secret.
 */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { geminiKeys, type Stack, startStack } from './harness.ts';
import { runTool, type ToolRun } from './operator-tool.ts';

const keys = geminiKeys(3);
const [goodKey = '', otherKey = '', storedKey = ''] = keys;

/** A port that nobody listens on. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : assert.fail();
}

describe('doctor', () => {
  let stack: Stack;
  let env: Record<string, string>;
  before(async () => {
    stack = await startStack({ keys: [goodKey] });
    env = {
      GEMINI_API_KEYS: goodKey,
      GEMINI_BASE_URL: stack.simulator.url,
      DATABASE_URL: `sqlite:${join(stack.gateway.folder, 'gemini_pool.db')}`,
      LISTEN_ADDR: `127.0.0.1:${stack.gateway.port}`,
      ADMIN_PASSWORD: 'a password of rain',
      JWT_SECRET: 'rain'.repeat(10),
    };
  });
  after(() => stack?.stop());

  const doctor = (more: Record<string, string> = {}, ...args: string[]): Promise<ToolRun> =>
    runTool('doctor', { cwd: stack.gateway.folder, env: { ...env, ...more }, args });

  test('where all is well it says so, with exit code 0', async () => {
    const { status, stdout, stderr } = await doctor();
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, /^ok +configuration +All settings can be read\./m);
    assert.match(stdout, /^ok +database +.* is whole and of the present schema\./m);
    assert.match(stdout, /^ok +gemini +Key AIzaT••••0000 works\./m);
    assert.match(stdout, /^ok +gateway +The gateway at .* is well\./m);
    assert.doesNotMatch(stdout, /^problem/m);
  });

  test('keys are asked for models only, which costs no quota', async () => {
    await stack.simulator.reset();
    await doctor();
    assert.deepEqual([...new Set((await stack.simulator.log()).map(({ method }) => method))], ['listModels']);
  });

  test('each refused key is named by its mask, with what to do', async () => {
    await stack.simulator.reset();
    await stack.simulator.script([
      { match: { key: goodKey, method: 'listModels' }, error: { preset: 'invalid_key' } },
      { match: { key: otherKey, method: 'listModels' }, error: { preset: 'leaked' } },
    ]);
    const { status, stdout } = await doctor({ GEMINI_API_KEYS: `${goodKey},${otherKey}` });
    assert.equal(status, 1);
    assert.match(stdout, /^problem +gemini +Key AIzaT••••0000 is refused by Google: invalid_key\.\n +→ Remove it/m);
    assert.match(
      stdout,
      /^problem +gemini +Key AIzaT••••0001 is refused by Google: leaked\.\n +→ Remove it: Google has/m,
    );
    await stack.simulator.reset();
  });

  test('every problem of the configuration is listed, and no secret', async () => {
    const { status, stdout, stderr } = await doctor({
      LISTEN_ADDR: 'nowhere',
      MAX_BODY_BYTES: 'much',
      GEMINI_API_KEYS: `${goodKey},not a key!`,
      ENCRYPTION_KEY: 'too-short-a-secret',
    });
    assert.equal(status, 1);
    for (const name of ['LISTEN_ADDR', 'MAX_BODY_BYTES', 'GEMINI_API_KEYS', 'ENCRYPTION_KEY'])
      assert.match(stdout, new RegExp(`^problem +configuration +${name} must be`, 'm'));
    assert.doesNotMatch(stdout + stderr, /too-short-a-secret|not a key!|AIzaTestKey/);
  });

  test('what is valid but not good is a warning, which is no failure', async () => {
    writeFileSync(join(stack.gateway.folder, '.env'), 'LOG_LEVEL=info\n');
    chmodSync(join(stack.gateway.folder, '.env'), 0o644);
    const { status, stdout } = await doctor({ JWT_SECRET: 'short' }, '--only', 'configuration');
    rmSync(join(stack.gateway.folder, '.env'));
    assert.equal(status, 0);
    assert.match(stdout, /^warning +configuration +JWT_SECRET is shorter/m);
    assert.match(stdout, /^warning +configuration +\.env can be read by other users.*\n +→ chmod 600 \.env/m);
    assert.doesNotMatch(stdout, /database/);
  });

  test('an upstream that cannot be reached, and one that is missing its keys', async () => {
    const unreachable = await doctor({ GEMINI_BASE_URL: `http://127.0.0.1:${await closedPort()}` }, '--only', 'gemini');
    assert.equal(unreachable.status, 1);
    assert.match(unreachable.stdout, /^problem +gemini +http:\/\/127\.0\.0\.1:\d+ cannot be reached: ECONNREFUSED/m);
    const keyless = await doctor({ GEMINI_API_KEYS: '' }, '--only', 'gemini');
    assert.equal(keyless.status, 1);
    assert.match(keyless.stdout, /^problem +gemini +There is no Gemini key/m);
  });

  test('something else on the port of the gateway, or nothing', async () => {
    const server = createServer((_request, response) => response.end('hello'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const other = await doctor({ LISTEN_ADDR: `127.0.0.1:${port}` }, '--only', 'gateway');
    assert.equal(other.status, 1);
    assert.match(other.stdout, /Something else than a gateway answers/);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    const nothing = await doctor({ LISTEN_ADDR: `127.0.0.1:${port}` }, '--only', 'gateway');
    assert.equal(nothing.status, 0);
    assert.match(nothing.stdout, /No gateway answers/);
  });

  test('stored keys are checked too, and a lost sealing key is seen before the next start', async () => {
    const added = await fetch(`${stack.gateway.url}/admin/api/gemini-keys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ key: storedKey }),
    });
    assert.ok(added.ok, await added.text());
    const found = await doctor();
    assert.equal(found.status, 0, found.stdout);
    assert.match(found.stdout, /Stored Gemini keys that can be unsealed: 1\./);
    assert.match(found.stdout, /Key AIzaT••••0002 works/);
    const sealedOtherwise = await doctor({ ENCRYPTION_KEY: 'ab'.repeat(32) }, '--only', 'database');
    assert.equal(sealedOtherwise.status, 1);
    assert.match(sealedOtherwise.stdout, /cannot be unsealed/);
    const elsewhere = join(stack.gateway.folder, 'copy.db');
    const copy = await runTool('backup', { cwd: stack.gateway.folder, env, args: [elsewhere] });
    assert.equal(copy.status, 0, copy.stderr);
    rmSync(`${elsewhere}.key`);
    const lost = await doctor({ DATABASE_URL: `sqlite:${elsewhere}` }, '--only', 'database');
    assert.equal(lost.status, 1);
    assert.match(lost.stdout, /copy\.db\.key is missing, which unseals the stored Gemini keys \(1\)/);
    assert.ok(!existsSync(`${elsewhere}.key`), 'the doctor made none');
  });

  for (const [what, prepare, says] of [
    [
      'of another program',
      (db: Database.Database) => db.exec('CREATE TABLE x (y)'),
      /is the database of another program/,
    ],
    [
      'of a newer version',
      (db: Database.Database) =>
        db.exec('PRAGMA application_id = 1197829456; PRAGMA user_version = 999; CREATE TABLE x (y)'),
      /was written by a newer version \(schema 999/,
    ],
  ] as const)
    test(`a database ${what}`, async () => {
      const path = join(stack.gateway.folder, `${what.replaceAll(' ', '-')}.db`);
      const database = new Database(path);
      prepare(database);
      database.close();
      const { status, stdout } = await doctor({ DATABASE_URL: `sqlite:${path}` }, '--only', 'database');
      assert.equal(status, 1);
      assert.match(stdout, says);
    });

  test('a database that is none, and one that is not there yet', async () => {
    const path = join(stack.gateway.folder, 'none.db');
    const missing = await doctor({ DATABASE_URL: `sqlite:${path}` }, '--only', 'database');
    assert.equal(missing.status, 0);
    assert.match(missing.stdout, /is not there yet; the first start makes it/);
    assert.ok(!existsSync(path));
    writeFileSync(path, 'rain'.repeat(1000));
    const garbage = await doctor({ DATABASE_URL: `sqlite:${path}` }, '--only', 'database');
    assert.equal(garbage.status, 1);
    assert.match(garbage.stdout, /cannot be read/);
    const nowhere = await doctor({ DATABASE_URL: 'sqlite:/no/such/folder/pool.db' }, '--only', 'database');
    assert.equal(nowhere.status, 1);
    assert.match(nowhere.stdout, /is not there/);
  });

  test('the health check of the container: 0 while the gateway is ready, else 1', async () => {
    const check = (port: number): Promise<ToolRun> =>
      runTool('health-check', { cwd: stack.gateway.folder, env: { LISTEN_ADDR: `0.0.0.0:${port}` } });
    assert.equal((await check(stack.gateway.port)).status, 0);
    assert.equal((await check(await closedPort())).status, 1);
  });
});
