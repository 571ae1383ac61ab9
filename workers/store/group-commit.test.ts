/**
 * The loop of the writer against a store that fails at will: everything is committed in the end, once and in order, and
 * acknowledged only then. Pauses are taken by hand.
 */
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import type { FromWriter, StoreCommand, StoreResult } from '../../shared/messages.ts';
import type { UsageRow } from '../../shared/rows.ts';
import { makeRow } from '../e2e/usage-rows.ts';
import { GroupCommit } from './group-commit.ts';
import { type Store, StoreFault } from './store.ts';

/** Keeps ids; what it can't take and when it fails is set by the test. */
class FakeStore implements Store {
  readonly ids: string[] = [];
  readonly applied: string[] = [];
  readonly commits: { rows: number; commands: number }[] = [];
  /** The code with which every commit fails, as a full disk makes it. */
  failing: string | null = null;
  isImpossible: (id: string) => boolean = () => false;
  duringCommit: () => Promise<void> = () => Promise.resolve();

  async prune(): Promise<never> {
    throw new Error('not asked here');
  }

  async load(): Promise<never> {
    throw new Error('not asked here');
  }

  async commit(rows: readonly UsageRow[], commands: readonly StoreCommand[]): Promise<StoreResult[]> {
    this.commits.push({ rows: rows.length, commands: commands.length });
    await this.duringCommit();
    if (this.failing !== null) throw new StoreFault(this.failing, false, null);
    const names = commands.map((command) => ('id' in command ? command.id : command.op));
    if ([...rows.map(({ id }) => id), ...names].some(this.isImpossible))
      throw new StoreFault('SQLITE_CONSTRAINT_NOTNULL', true, null);
    this.ids.push(...rows.map(({ id }) => id).filter((id) => !this.ids.includes(id)));
    this.applied.push(...names);
    return commands.map(() => 'ok');
  }

  async close(): Promise<void> {}
}

const remove = (id: string): StoreCommand => ({ op: 'delete_client_key', id });

describe('group commit', () => {
  let store: FakeStore;
  let sent: FromWriter[];
  let impossible: string[];
  let pauses: { ms: number; end: () => void }[];
  let recover: () => Promise<void>;
  let commits: GroupCommit;

  beforeEach(() => {
    recover = () => Promise.resolve();
    store = new FakeStore();
    sent = [];
    impossible = [];
    pauses = [];
    commits = new GroupCommit({
      store,
      send: (message) => sent.push(message),
      onImpossible: (what) => impossible.push(what),
      onRecovered: () => recover(),
      wait: (ms, end) => pauses.push({ ms, end }),
    });
  });

  const add = (seq: number, ...ids: string[]): void =>
    commits.addRows(
      seq,
      ids.map((id) => makeRow({ id })),
    );
  /** Ends the pause at hand and lets the try that follows run. */
  const retry = async (): Promise<void> => {
    pauses.shift()?.end();
    await nextTurn();
  };

  test('idle: what comes is committed and acknowledged in the same turn, without a pause', async () => {
    add(1, 'a');
    await nextTurn();
    assert.deepEqual(store.ids, ['a']);
    assert.deepEqual(sent, [{ t: 'ack', seq: 1 }]);
    assert.equal(pauses.length, 0);
  });

  test('all that came in one turn is one commit, with one ack, of the highest number', async () => {
    add(1, 'a');
    commits.addCommand(7, remove('x'));
    add(2, 'b', 'c');
    commits.addCommand(8, remove('y'));
    await nextTurn();
    assert.deepEqual(store.commits, [{ rows: 3, commands: 2 }]);
    assert.deepEqual(store.ids, ['a', 'b', 'c']);
    assert.deepEqual(sent, [
      { t: 'result', id: 7, result: 'ok' },
      { t: 'result', id: 8, result: 'ok' },
      { t: 'ack', seq: 2 },
    ]);
  });

  test('busy: what comes during a commit makes up the next one', async () => {
    let release: () => void = () => undefined;
    store.duringCommit = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    add(1, 'a');
    await nextTurn();
    add(2, 'b');
    add(3, 'c');
    await nextTurn();
    assert.equal(store.commits.length, 1);
    assert.deepEqual(sent, []);
    release();
    await nextTurn();
    release();
    await nextTurn();
    assert.deepEqual(store.commits, [
      { rows: 1, commands: 0 },
      { rows: 2, commands: 0 },
    ]);
    assert.deepEqual(sent, [
      { t: 'ack', seq: 1 },
      { t: 'ack', seq: 3 },
    ]);
  });

  test('a batch without rows is acknowledged', async () => {
    add(1);
    await nextTurn();
    assert.deepEqual(sent, [{ t: 'ack', seq: 1 }]);
  });

  test('full: the fault is told once, rows wait through pauses that grow to a bound, then all land in order', async () => {
    store.failing = 'SQLITE_FULL';
    add(1, 'a', 'b');
    await nextTurn();
    assert.deepEqual(sent, [{ t: 'fault', code: 'SQLITE_FULL' }]);
    const waited: number[] = [];
    for (let i = 0; i < 8; i++) {
      add(2 + i, `c${i}`);
      await nextTurn();
      waited.push(pauses[0]?.ms ?? 0);
      await retry();
    }
    assert.deepEqual(waited, [50, 100, 200, 400, 800, 1_000, 1_000, 1_000]);
    assert.equal(store.commits.length, 9, 'what comes in a pause does not end it');
    assert.equal(sent.length, 1);

    store.failing = null;
    await retry();
    assert.deepEqual(store.ids, ['a', 'b', 'c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7']);
    assert.deepEqual(sent.slice(1), [
      { t: 'fault', code: null },
      { t: 'ack', seq: 9 },
    ]);
    assert.equal(pauses.length, 0);
  });

  test('another fault is told as well', async () => {
    store.failing = 'SQLITE_FULL';
    add(1, 'a');
    await nextTurn();
    store.failing = 'SQLITE_IOERR_WRITE';
    await retry();
    assert.deepEqual(sent, [
      { t: 'fault', code: 'SQLITE_FULL' },
      { t: 'fault', code: 'SQLITE_IOERR_WRITE' },
    ]);
  });

  test('commands are refused when their commit fails, and at once during the fault; none of them is applied later', async () => {
    store.failing = 'SQLITE_BUSY';
    commits.addCommand(1, remove('x'));
    await nextTurn();
    commits.addCommand(2, remove('y'));
    assert.deepEqual(sent, [
      { t: 'fault', code: 'SQLITE_BUSY' },
      { t: 'result', id: 1, result: 'unavailable' },
      { t: 'result', id: 2, result: 'unavailable' },
    ]);
    store.failing = null;
    await retry();
    assert.deepEqual(store.applied, []);
    assert.deepEqual(sent.slice(3), [{ t: 'fault', code: null }], 'with nothing queued the fault still ends');
    commits.addCommand(3, remove('z'));
    await nextTurn();
    assert.deepEqual(sent.slice(4), [{ t: 'result', id: 3, result: 'ok' }]);
  });

  test('rows that no database could take are dropped and told, all others land, commands of the commit too', async () => {
    store.isImpossible = (id) => id.startsWith('bad');
    add(1, 'a', 'bad1', 'b', 'c');
    add(2, 'd', 'e', 'bad2');
    commits.addCommand(5, remove('x'));
    commits.addCommand(6, remove('bad3'));
    await nextTurn();
    assert.deepEqual(store.ids, ['a', 'b', 'c', 'd', 'e']);
    assert.deepEqual(store.applied, ['x']);
    assert.deepEqual(impossible, ['row bad1', 'row bad2', 'delete_client_key']);
    assert.deepEqual(sent, [
      { t: 'result', id: 5, result: 'ok' },
      { t: 'result', id: 6, result: 'unavailable' },
      { t: 'ack', seq: 2 },
    ]);
  });

  test('one impossible row among a thousand costs few commits', async () => {
    store.isImpossible = (id) => id === 'bad';
    add(1, ...Array.from({ length: 1_000 }, (_, i) => (i === 777 ? 'bad' : `r${i}`)));
    await nextTurn();
    assert.equal(store.ids.length, 999);
    assert.ok(store.commits.length < 30, `${store.commits.length} commits`);
  });

  test('when nothing can be committed, no row is dropped, whatever it is that seems wrong with them', async () => {
    store.isImpossible = () => true;
    const { commit } = store;
    store.commit = async (rows, commands) => {
      if (rows.length + commands.length === 0) throw new StoreFault('INVALID_VALUE', true, null);
      return commit.call(store, rows, commands);
    };
    add(1, 'a', 'b');
    await nextTurn();
    assert.deepEqual(impossible, []);
    assert.deepEqual(sent, [{ t: 'fault', code: 'INVALID_VALUE' }]);
    store.commit = commit;
    store.isImpossible = () => false;
    await retry();
    assert.deepEqual(store.ids, ['a', 'b']);
  });

  test('a fault is over once what the database holds was read anew, before any other command', async () => {
    store.failing = 'SQLITE_IOERR_FSYNC';
    add(1, 'a');
    await nextTurn();
    store.failing = null;
    recover = () => Promise.reject(new StoreFault('SQLITE_IOERR_READ', false, null));
    await retry();
    commits.addCommand(1, remove('x'));
    assert.deepEqual(sent, [
      { t: 'fault', code: 'SQLITE_IOERR_FSYNC' },
      { t: 'fault', code: 'SQLITE_IOERR_READ' },
      { t: 'result', id: 1, result: 'unavailable' },
    ]);
    sent = [];
    recover = async () => void sent.push({ t: 'ack', seq: -1 });
    await retry();
    commits.addCommand(2, remove('y'));
    await commits.idle();
    assert.deepEqual(sent, [
      { t: 'ack', seq: -1 },
      { t: 'fault', code: null },
      { t: 'ack', seq: 1 },
      { t: 'result', id: 2, result: 'ok' },
    ]);
    assert.deepEqual(store.ids, ['a']);
  });

  test('idle() waits for the last commit, through a fault too', async () => {
    await commits.idle();
    store.failing = 'SQLITE_FULL';
    add(1, 'a');
    let isIdle = false;
    const idle = commits.idle().then(() => {
      isIdle = true;
    });
    await nextTurn();
    assert.equal(isIdle, false);
    store.failing = null;
    await retry();
    await idle;
    assert.deepEqual(store.ids, ['a']);
  });

  test('however rows come and commits fail, nothing is acknowledged before it is stored, and all is stored once', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), rows: fc.nat({ max: 3 }) }),
      fc.record({ do: fc.constant('fail' as const), code: fc.constantFrom('SQLITE_FULL', 'SQLITE_BUSY', null) }),
      fc.record({ do: fc.constant('turn' as const) }),
      fc.record({ do: fc.constant('retry' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (script) => {
        const fake = new FakeStore();
        const waiting: (() => void)[] = [];
        const ends = new Map<number, number>();
        let made = 0;
        const loop = new GroupCommit({
          store: fake,
          send: (message) => {
            if (message.t === 'ack') assert.ok(fake.ids.length >= (ends.get(message.seq) ?? Number.NaN));
          },
          onImpossible: () => assert.fail('nothing is impossible here'),
          onRecovered: () => Promise.resolve(),
          wait: (_ms, end) => waiting.push(end),
        });
        for (const [seq, action] of script.entries()) {
          if (action.do === 'add') {
            const rows = Array.from({ length: action.rows }, () => makeRow({ id: `${made++}` }));
            ends.set(seq, made);
            loop.addRows(seq, rows);
          } else if (action.do === 'fail') fake.failing = action.code;
          else if (action.do === 'retry') waiting.shift()?.();
          else await nextTurn();
        }
        fake.failing = null;
        await nextTurn();
        waiting.shift()?.();
        await loop.idle();
        assert.deepEqual(
          fake.ids,
          Array.from({ length: made }, (_, i) => `${i}`),
        );
      }),
      { numRuns: 200 },
    );
  });
});
