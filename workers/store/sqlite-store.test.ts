/** The store as the writer uses it: keys and rows committed together, a full disk, a connection that is lost. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ClientKey, noLimits } from '../../shared/client-key.ts';
import { fingerprint } from '../../shared/ids.ts';
import type { FromWriter, StoreOptions } from '../../shared/messages.ts';
import { makeRow, wrongSums } from '../e2e/usage-rows.ts';
import { type Connection, checkpoint, DatabaseRefused, openDatabase, openReadOnly } from './database.ts';
import { GroupCommit } from './group-commit.ts';
import { newestSchema } from './migrations.ts';
import { Sealer } from './sealing.ts';
import { openSqliteStore, SqliteStore } from './sqlite-store.ts';
import { StoreFault } from './store.ts';

const geminiSecret = 'AIzaSyA-not-a-real-key-0123456789abcdefg';

function clientKey(id: string, changes: Partial<ClientKey> = {}): ClientKey {
  return {
    id,
    name: `name of ${id}`,
    hash: fingerprint(id),
    masked: 'gp_••••',
    isActive: true,
    createdAtMs: 5,
    version: 1,
    note: '',
    expiresAtMs: null,
    limits: { ...noLimits },
    allowedModels: null,
    ...changes,
  };
}

describe('sqlite store', () => {
  let folder: string;
  let options: StoreOptions;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gemini-pool-store-'));
    options = { databasePath: join(folder, 'pool.db'), synchronous: 'normal', encryptionKey: null };
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const read = <T>(ask: (connection: Connection) => T): T => {
    const connection = openReadOnly(options.databasePath);
    try {
      return ask(connection);
    } finally {
      connection.close();
    }
  };
  const countRows = (): unknown => read((db) => db.prepare('SELECT count(*) FROM requests').pluck().get());

  test('client keys are made, changed and deleted; what they used stays', async () => {
    const { store } = openSqliteStore(options);
    const results = await store.commit(
      [makeRow({ clientKeyId: 'a' }), makeRow({ clientKeyId: 'b' })],
      [
        { op: 'create_client_key', clientKey: clientKey('a') },
        { op: 'create_client_key', clientKey: clientKey('b', { createdAtMs: 4, isActive: false }) },
        { op: 'create_client_key', clientKey: clientKey('c', { hash: fingerprint('a') }) },
        { op: 'create_client_key', clientKey: clientKey('a', { hash: fingerprint('d') }) },
        { op: 'update_client_key', id: 'a', changes: { name: 'new name' }, expectedVersion: null },
        { op: 'update_client_key', id: 'b', changes: { isActive: true }, expectedVersion: 1 },
        { op: 'update_client_key', id: 'b', changes: { isActive: false }, expectedVersion: 1 },
        { op: 'update_client_key', id: 'none', changes: { name: 'x' }, expectedVersion: null },
        { op: 'delete_client_key', id: 'none' },
      ],
    );
    assert.deepEqual(results, ['ok', 'ok', 'exists', 'exists', 'ok', 'ok', 'stale', 'missing', 'missing']);
    assert.deepEqual((await store.load(0)).clientKeys, [
      clientKey('b', { createdAtMs: 4, version: 2 }),
      clientKey('a', { name: 'new name', version: 2 }),
    ]);
    assert.deepEqual(await store.commit([], [{ op: 'delete_client_key', id: 'a' }]), ['ok']);
    assert.deepEqual((await store.load(0)).clientKeys, [clientKey('b', { createdAtMs: 4, version: 2 })]);
    assert.equal(countRows(), 2);
    assert.deepEqual(read(wrongSums), []);
    await store.close();
  });

  test('limits, notes, expiry and models of a client key are kept; what an update leaves out stays', async () => {
    const { store } = openSqliteStore(options);
    const limits = {
      requestsPerMinute: 1,
      tokensPerMinute: 2,
      tokensPerDay: 3,
      tokensPerMonth: 10 ** 12,
      costNanoPerDay: 10 ** 15,
      costNanoPerMonth: 6,
      concurrentStreams: 7,
    };
    const made = clientKey('a', { note: 'a\nb', expiresAtMs: 99, limits, allowedModels: ['m', 'n*'] });
    const changes = { limits: { tokensPerDay: null, concurrentStreams: 8 }, expiresAtMs: null, allowedModels: null };
    await store.commit([], [{ op: 'create_client_key', clientKey: made }]);
    assert.deepEqual((await store.load(0)).clientKeys, [made]);
    await store.commit([], [{ op: 'update_client_key', id: 'a', changes, expectedVersion: 1 }]);
    assert.deepEqual((await store.load(0)).clientKeys, [
      {
        ...made,
        limits: { ...limits, tokensPerDay: null, concurrentStreams: 8 },
        expiresAtMs: null,
        allowedModels: null,
        version: 2,
      },
    ]);
    await store.close();
  });

  test('Gemini keys come back after a restart, and stand in no file in the clear', async () => {
    const add = (id: string, key: string) =>
      ({ op: 'add_gemini_key', geminiKey: { id, key, source: 'stored' }, createdAtMs: 1 }) as const;
    const first = openSqliteStore(options).store;
    const results = await first.commit(
      [],
      [add('1', geminiSecret), add('2', geminiSecret), add('3', `${geminiSecret}3`)],
    );
    assert.deepEqual(results, ['ok', 'exists', 'ok']);
    for (const name of readdirSync(folder))
      assert.ok(!readFileSync(join(folder, name)).includes('AIzaSy'), `${name} holds a key`);
    await first.close();

    const second = openSqliteStore(options).store;
    assert.deepEqual((await second.load(0)).geminiKeys, [
      { id: '1', key: geminiSecret, source: 'stored' },
      { id: '3', key: `${geminiSecret}3`, source: 'stored' },
    ]);
    const removed = await second.commit(
      [],
      ['1', '1'].map((id) => ({ op: 'delete_gemini_key', id }) as const),
    );
    assert.deepEqual(removed, ['ok', 'missing']);
    await second.close();

    const otherKey = openSqliteStore({ ...options, encryptionKey: '00'.repeat(32) }).store;
    await assert.rejects(
      otherKey.load(0),
      ({ cause }) => cause instanceof DatabaseRefused && /sealed with another key.*ENCRYPTION_KEY/.test(cause.message),
    );
    await otherKey.close();
  });

  test('a commit is all or nothing, and says when its data is at fault', async () => {
    const { store } = openSqliteStore(options);
    const impossible = [
      makeRow({ status: Number.NaN }),
      makeRow({ durationMs: 1.5 }),
      // Not what the type says, as a bug may make it.
      JSON.parse('{"id":"x"}'),
    ];
    for (const row of impossible) {
      const commit = store.commit([makeRow(), row], [{ op: 'create_client_key', clientKey: clientKey('a') }]);
      await assert.rejects(commit, (error) => error instanceof StoreFault && error.isAboutData);
    }
    assert.equal(countRows(), 0);
    assert.deepEqual((await store.load(0)).clientKeys, []);
    await store.commit([makeRow()], []);
    assert.equal(countRows(), 1);
    assert.deepEqual(read(wrongSums), []);
    await store.close();
  });

  test('a late row of a minute whose sums were deleted begins them anew', async () => {
    const { store } = openSqliteStore({ ...options, retention: { requestDays: 1, minuteDays: 1, hourDays: 1 } });
    const dayMs = 86_400_000;
    await store.commit([makeRow({ atMs: 10 * dayMs })], []);
    while (await store.prune(20 * dayMs)) assert.equal(countRows(), 0);
    await store.commit([makeRow({ atMs: 10 * dayMs })], []);
    for (const table of ['rollups', 'gemini_key_rollups', 'overall_rollups'])
      assert.deepEqual(
        read((db) => db.prepare(`SELECT span, requests FROM ${table}`).raw().all()),
        [
          ['day', 2],
          ['hour', 1],
          ['minute', 1],
        ],
      );
    await store.close();
  });

  test('a full disk: rows wait, commands are refused; when there is space all rows land, without a restart', async () => {
    await openSqliteStore(options).store.close();
    const connections: Connection[] = [];
    const store = new SqliteStore({
      lock: { release: () => undefined },
      sealer: new Sealer(Buffer.alloc(32)),
      retention: { requestDays: 0, minuteDays: 0, hourDays: 0 },
      connect: () => {
        const connection = openDatabase(options.databasePath, 'normal', newestSchema);
        connection.pragma('max_page_count = 40');
        connections.push(connection);
        return connection;
      },
    });
    const sent: FromWriter[] = [];
    let retry: () => void = () => undefined;
    const commits = new GroupCommit({
      store,
      send: (message) => sent.push(message),
      onImpossible: (what) => assert.fail(what),
      onRecovered: async () => void (await store.load(0)),
      wait: (_ms, callback) => {
        retry = callback;
      },
    });
    const rows = 2_000;
    for (let seq = 1; seq <= rows / 50; seq++) {
      commits.addRows(
        seq,
        Array.from({ length: 50 }, () => makeRow()),
      );
      await nextTurn();
    }
    commits.addCommand(1, { op: 'create_client_key', clientKey: clientKey('a') });
    assert.deepEqual(
      sent.filter(({ t }) => t !== 'ack'),
      [
        { t: 'fault', code: 'SQLITE_FULL' },
        { t: 'result', id: 1, result: 'unavailable' },
      ],
    );
    const acks = sent.filter(({ t }) => t === 'ack').length;
    assert.ok(acks > 0 && acks < rows / 50, `${acks} commits fitted`);
    assert.equal(countRows(), acks * 50, 'what is acknowledged is there, and nothing else');

    retry();
    await nextTurn();
    assert.equal(sent.filter(({ t }) => t === 'fault').length, 1);
    connections[0]?.pragma('max_page_count = 1000000');
    retry();
    await commits.idle();
    assert.deepEqual(sent.slice(-2), [
      { t: 'fault', code: null },
      { t: 'ack', seq: rows / 50 },
    ]);
    assert.equal(countRows(), rows);
    assert.deepEqual(read(wrongSums), []);
    assert.equal(connections.length, 1);
    await store.close();
  });

  test('after a failed read the store connects anew, and works again once the file does', async () => {
    const { store } = openSqliteStore(options);
    await store.commit([makeRow()], []);
    // Everything goes from the log into the file, and the change makes the store's connection read it anew.
    const other = openDatabase(options.databasePath, 'normal', newestSchema);
    other.exec('UPDATE client_key_totals SET client_key_id = client_key_id');
    checkpoint(other);
    const root = other.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'client_key_totals'").pluck().get();
    other.close();
    const whole = readFileSync(options.databasePath);
    const broken = Buffer.from(whole).fill(0xa5, (Number(root) - 1) * 4_096, Number(root) * 4_096);

    writeFileSync(options.databasePath, broken, { flag: 'r+' });
    for (let i = 0; i < 3; i++)
      await assert.rejects(store.commit([makeRow()], []), { code: 'SQLITE_CORRUPT', isAboutData: false });
    writeFileSync(options.databasePath, whole, { flag: 'r+' });
    await store.commit([makeRow()], []);
    assert.equal(countRows(), 2);
    assert.deepEqual(read(wrongSums), []);
    await store.close();
  });
});
