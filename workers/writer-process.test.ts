/**
 * The writer as a process of its own, forked as the gateway forks it: killed, interrupted, left alone, short of space.
 * Whatever happens, what it acknowledged is stored, and what is sent again is stored once.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import type { FromWriter, StoreOptions, ToWriter } from '../shared/messages.ts';
import { AckReader, ackPipeFd, encodeRows, rowPipeFd } from '../shared/row-pipe.ts';
import type { UsageRow } from '../shared/rows.ts';
import { makeRow, wrongSums } from './e2e/usage-rows.ts';
import { lockDatabase } from './store/database.ts';

const kills = 12;
const batchesBetweenMax = 40;
const rowsMax = 30;

/** A writer and what it said; `received` waits for what it is going to say. */
class TestWriter {
  readonly child: ChildProcess;
  readonly messages: FromWriter[] = [];
  readonly gone: Promise<[number | null, NodeJS.Signals | null]>;
  readonly #rowPipe: Socket;
  #onAck: ((seq: number) => void) | null = null;
  #watchers: { wanted: (message: FromWriter) => boolean; resolve: (message: FromWriter) => void }[] = [];

  constructor(options: StoreOptions) {
    this.child = fork(fileURLToPath(new URL('./writer-process.ts', import.meta.url)), [], {
      serialization: 'json',
      stdio: ['ignore', 'ignore', 'inherit', 'pipe', 'pipe', 'ipc'],
    });
    const rowPipe = this.child.stdio[rowPipeFd];
    const ackPipe = this.child.stdio[ackPipeFd];
    assert.ok(rowPipe instanceof Socket && ackPipe instanceof Socket);
    this.#rowPipe = rowPipe;
    const acks = new AckReader((seq) => this.#receive({ t: 'ack', seq }));
    ackPipe.on('data', (chunk: Buffer) => acks.feed(chunk));
    this.gone = new Promise((resolve) => this.child.once('exit', (code, signal) => resolve([code, signal])));
    // Sends that a kill overtakes.
    for (const line of [this.child, rowPipe, ackPipe]) line.on('error', () => undefined);
    this.child.on('message', (message: FromWriter) => this.#receive(message));
    this.send({ t: 'open', options });
  }

  #receive(message: FromWriter): void {
    this.messages.push(message);
    if (message.t === 'ack') this.#onAck?.(message.seq);
    for (const watcher of this.#watchers) if (watcher.wanted(message)) watcher.resolve(message);
    this.#watchers = this.#watchers.filter(({ wanted }) => !wanted(message));
  }

  send(message: ToWriter): void {
    if (message.t === 'rows') this.#rowPipe.write(encodeRows(message.seq, message.rows));
    else if (this.child.connected) this.child.send(message);
    if (message.t === 'stop') this.#rowPipe.end();
  }

  received(wanted: (message: FromWriter) => boolean): Promise<FromWriter> {
    const found = this.messages.find(wanted);
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve) => this.#watchers.push({ wanted, resolve }));
  }

  whenAcked(onAck: (seq: number) => void): void {
    this.#onAck = onAck;
  }

  ready(): Promise<FromWriter> {
    return this.received(({ t }) => t === 'ready');
  }

  acked(seq: number): Promise<FromWriter> {
    return this.received((message) => message.t === 'ack' && message.seq >= seq);
  }
}

function makeRows(count: number): UsageRow[] {
  return Array.from({ length: count }, (_, i) => makeRow({ clientKeyId: `client-${i % 3}` }));
}

/** What is stored, once the database was found whole and its sums right. */
function storedIds({ databasePath }: StoreOptions): Set<unknown> {
  const database = new Database(databasePath, { readonly: true });
  try {
    assert.equal(database.pragma('integrity_check', { simple: true }), 'ok');
    assert.deepEqual(wrongSums(database), []);
    return new Set(database.prepare('SELECT id FROM requests').pluck().all());
  } finally {
    database.close();
  }
}

describe('writer process', { concurrency: 2 }, () => {
  let folder: string;
  let databases = 0;
  const writers: TestWriter[] = [];

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'gemini-pool-writer-'));
  });
  after(() => {
    for (const { child } of writers) child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  const newDatabase = (): StoreOptions => ({
    databasePath: join(folder, `${databases++}.db`),
    synchronous: 'normal',
    encryptionKey: null,
  });
  const start = (options: StoreOptions): TestWriter => {
    const writer = new TestWriter(options);
    writers.push(writer);
    return writer;
  };

  test(`${kills} kill -9 while batches are sent: what was acked is there, what is sent again is there once`, async () => {
    const options = newDatabase();
    const sent = new Set<string>();
    const unacked = new Map<number, UsageRow[]>();
    /** Sent again as well: whose ack the gateway might not have seen. */
    let lastAcked: [number, UsageRow[]] | null = null;
    let seq = 0;
    let ackedRows = 0;
    for (let kill = 0; kill <= kills; kill++) {
      const writer = start(options);
      const settle = (upTo: number): void => {
        for (const [batch, rows] of unacked) {
          if (batch > upTo) return;
          ackedRows += rows.length;
          lastAcked = [batch, rows];
          unacked.delete(batch);
        }
      };
      await writer.ready();
      writer.whenAcked(settle);
      for (const [batch, rows] of [...(lastAcked === null ? [] : [lastAcked]), ...unacked])
        writer.send({ t: 'rows', seq: batch, rows });
      const batches = 1 + Math.floor(Math.random() * batchesBetweenMax);
      const killAfter = Math.floor(Math.random() * batches);
      for (let i = 0; i < batches; i++) {
        const rows = makeRows(1 + Math.floor(Math.random() * rowsMax));
        for (const { id } of rows) sent.add(id);
        unacked.set(++seq, rows);
        writer.send({ t: 'rows', seq, rows });
        // Now and then in step, now and then far ahead of its commits.
        if (Math.random() < 0.3) await writer.acked(seq);
        if (kill < kills && i === killAfter) writer.child.kill('SIGKILL');
        if (!writer.child.connected || writer.child.killed) break;
      }
      if (kill === kills) {
        await writer.acked(seq);
        writer.send({ t: 'stop' });
      }
      assert.deepEqual(await writer.gone, kill === kills ? [0, null] : [null, 'SIGKILL']);
      const stored = storedIds(options);
      const waiting = new Set([...unacked.values()].flat().map(({ id }) => id));
      const lost = [...sent].filter((id) => !stored.has(id) && !waiting.has(id));
      assert.deepEqual(lost, [], 'acked, but not stored');
    }
    assert.equal(unacked.size, 0);
    assert.equal(ackedRows, sent.size);
    assert.deepEqual(storedIds(options), sent);
  });

  test('when the gateway is killed, the writer commits what it was sent and leaves', async () => {
    const options = newDatabase();
    const batches = 200;
    // A gateway that says how far it got, and then waits to be killed.
    const script = `
      import { fork } from 'node:child_process';
      import { encodeRows, rowPipeFd } from ${JSON.stringify(import.meta.resolve('../shared/row-pipe.ts'))};
      import { makeRow } from ${JSON.stringify(import.meta.resolve('./e2e/usage-rows.ts'))};
      const writer = fork(${JSON.stringify(fileURLToPath(new URL('./writer-process.ts', import.meta.url)))}, [], {
        serialization: 'json',
        execArgv: ['--import', 'tsx'],
        stdio: ['ignore', 'ignore', 'inherit', 'pipe', 'pipe', 'ipc'],
      });
      let sent = 0;
      const wasSent = () => ++sent === ${batches} && process.stdout.write('sent');
      writer.once('message', () => {
        for (let seq = 1; seq <= ${batches}; seq++)
          writer.stdio[rowPipeFd].write(encodeRows(seq, Array.from({ length: 20 }, () => makeRow())), wasSent);
      });
      writer.send({ t: 'open', options: ${JSON.stringify(options)} });`;
    const gateway = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    for await (const chunk of gateway.stdout) {
      said += String(chunk);
      if (said.endsWith('sent')) break;
    }
    assert.equal(said, 'sent');
    gateway.kill('SIGKILL');
    // The lock is free when the writer is gone.
    lockDatabase(options.databasePath, 10_000).release();
    assert.ok(!existsSync(`${options.databasePath}-wal`), 'it left the database tidy');
    assert.equal(storedIds(options).size, batches * 20);
  });

  test("signals are for the gateway to heed; its 'stop' commits what was sent before, and leaves a tidy database", async () => {
    const options = newDatabase();
    const writer = start(options);
    await writer.ready();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) writer.child.kill(signal);
    for (let seq = 1; seq <= 50; seq++) writer.send({ t: 'rows', seq, rows: makeRows(10) });
    writer.send({ t: 'command', id: 1, command: { op: 'delete_client_key', id: 'none' } });
    writer.send({ t: 'stop' });
    assert.deepEqual(await writer.gone, [0, null]);
    await writer.acked(50);
    await writer.received((message) => message.t === 'result' && message.result === 'missing');
    assert.ok(!existsSync(`${options.databasePath}-wal`));
    assert.equal(storedIds(options).size, 500);
  });

  test('what it can not open it names in one line, and leaves as it was', async () => {
    const options = newDatabase();
    writeFileSync(options.databasePath, 'not a database');
    const writer = start(options);
    const fatal = await writer.received(({ t }) => t === 'fatal');
    assert.ok(fatal.t === 'fatal' && fatal.message.includes(`${options.databasePath} is not an SQLite database`));
    assert.deepEqual(await writer.gone, [1, null]);
    assert.equal(readFileSync(options.databasePath, 'utf8'), 'not a database');
  });

  test('a second writer waits for the first to die, and gives up when it does not', async () => {
    const options = newDatabase();
    const first = start(options);
    await first.ready();
    const second = start(options);
    const fatal = await second.received(({ t }) => t === 'fatal');
    assert.ok(fatal.t === 'fatal' && /in use by another gateway/.test(fatal.message));
    assert.deepEqual(await second.gone, [1, null]);
    const third = start(options);
    first.child.kill('SIGKILL');
    await third.ready();
    third.send({ t: 'rows', seq: 1, rows: makeRows(1) });
    await third.acked(1);
    third.send({ t: 'stop' });
    assert.deepEqual(await third.gone, [0, null]);
  });

  test('when no file may grow, rows wait and commands are refused; once they may, all land, in the same process', async () => {
    const options = newDatabase();
    const writer = start(options);
    await writer.ready();
    writer.send({ t: 'rows', seq: 1, rows: makeRows(100) });
    await writer.acked(1);
    const limitFileSize = (bytes: number | 'unlimited'): unknown =>
      execFileSync('prlimit', ['--pid', String(writer.child.pid), `--fsize=${bytes}:unlimited`]);
    limitFileSize(statSync(`${options.databasePath}-wal`).size + 10_000);
    for (let seq = 2; seq <= 100; seq++) writer.send({ t: 'rows', seq, rows: makeRows(20) });
    const fault = await writer.received(({ t }) => t === 'fault');
    assert.ok(fault.t === 'fault' && /^SQLITE_(IOERR|FULL)/.test(fault.code ?? ''), JSON.stringify(fault));
    writer.send({ t: 'command', id: 1, command: { op: 'delete_client_key', id: 'none' } });
    const refused = await writer.received(({ t }) => t === 'result');
    assert.deepEqual(refused, { t: 'result', id: 1, result: 'unavailable' });
    limitFileSize('unlimited');
    await writer.received((message) => message.t === 'fault' && message.code === null);
    await writer.acked(100);
    assert.equal(storedIds(options).size, 100 + 99 * 20);
    writer.send({ t: 'stop' });
    assert.deepEqual(await writer.gone, [0, null]);
  });
});
