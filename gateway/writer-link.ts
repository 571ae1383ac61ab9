/**
 * The gateway's end of the writer process: starts it, starts it again when it dies, and carries rows and acks over
 * pipes, commands and their results over the channel of a forked process. The writer leaves when they close, so a killed
 * gateway leaves no orphan.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { entryUrl } from '../shared/entry.ts';
import { GatewayError } from '../shared/errors.ts';
import { limits } from '../shared/limits.ts';
import type { Logger } from '../shared/log.ts';
import type { FromWriter, StoreCommand, StoredState, StoreOptions, StoreResult, ToWriter } from '../shared/messages.ts';
import { AckReader, ackPipeFd, encodeRows, rowPipeFd } from '../shared/row-pipe.ts';
import type { UsageRow } from '../shared/rows.ts';

/** What comes over the channel: everything but acks. */
type ChannelMessage = Exclude<FromWriter, { t: 'ack' }>;

interface WriterEvents {
  /** What the database holds: at the start, after each restart, and when it can be written again. */
  onReady: (state: StoredState) => void;
  onGone: () => void;
  onAck: (seq: number) => void;
  /** A command was committed, also one whose caller has given up waiting: memory follows the database. */
  onApplied: (command: StoreCommand) => void;
  /** The first start failed for a reason that waiting does not mend. */
  onFatal: (message: string) => void;
}

interface WaitingCommand {
  command: StoreCommand;
  resolve: (result: StoreResult) => void;
  reject: (error: GatewayError) => void;
  timer: NodeJS.Timeout;
}

export class WriterLink {
  readonly #options: StoreOptions;
  readonly #log: Logger;
  readonly #events: WriterEvents;
  readonly #commands = new Map<number, WaitingCommand>();
  #child: ChildProcess | null = null;
  #rowPipe: Socket | null = null;
  #nextCommandId = 1;
  #restartMs: number = limits.writerRestartMs;
  #isReady = false;
  #wasReady = false;
  #isStopping = false;
  #onFirstReady: (() => void) | null = null;
  /** The SQLite code of the commit that fails at present, null while commits work. */
  fault: string | null = null;
  restarts = 0;

  constructor(options: StoreOptions, log: Logger, events: WriterEvents) {
    this.#options = options;
    this.#log = log;
    this.#events = events;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Resolves when the writer has opened the database for the first time. */
  ready(): Promise<void> {
    if (this.#wasReady) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onFirstReady = resolve;
    });
  }

  start(): void {
    try {
      this.#fork();
    } catch (error) {
      // Some failures of a fork are thrown, others come as an event.
      this.#log.error({ err: error }, 'the writer process could not be started');
      this.#gone(null, null);
    }
  }

  #fork(): void {
    const child = fork(fileURLToPath(entryUrl('workers/writer-process')), [], {
      serialization: 'json',
      stdio: ['ignore', 'inherit', 'inherit', 'pipe', 'pipe', 'ipc'],
      // The writer's commands come over the channel; it needs no secrets of the environment.
      env: { NODE_ENV: 'production' },
    });
    this.#child = child;
    child.on('message', (message: ChannelMessage) => this.#receive(message));
    // One end for each child, however many ways it is told in: two would be two writers.
    const isCurrent = (): boolean => this.#child === child;
    child.on('exit', (code, signal) => isCurrent() && this.#gone(code, signal));
    child.on('error', (error) => {
      this.#log.error({ err: error }, 'writer process');
      // Where there never was a process, no `exit` follows.
      if (child.pid === undefined && isCurrent()) this.#gone(null, null);
    });
    this.#openPipes(child);
    this.#send({ t: 'open', options: this.#options });
  }

  #openPipes(child: ChildProcess): void {
    const rowPipe = child.stdio[rowPipeFd];
    const ackPipe = child.stdio[ackPipeFd];
    // Where no process could be started there are no pipes either.
    if (!(rowPipe instanceof Socket) || !(ackPipe instanceof Socket)) return;
    const acks = new AckReader(this.#events.onAck);
    ackPipe.on('data', (chunk: Buffer) => acks.feed(chunk));
    // The writer is gone, which its exit tells: what it did not acknowledge is sent again to the next.
    for (const pipe of [rowPipe, ackPipe]) pipe.on('error', () => undefined);
    this.#rowPipe = rowPipe.resume();
  }

  sendRows(seq: number, rows: UsageRow[]): void {
    this.#rowPipe?.write(encodeRows(seq, rows));
  }

  /**
   * Applies a command in the database. Rejects with `store_unavailable` when the writer does not commit it in time;
   * should it be committed later, `onApplied` tells.
   */
  command(command: StoreCommand): Promise<StoreResult> {
    if (!this.#isReady) return Promise.reject(new GatewayError('store_unavailable'));
    const id = this.#nextCommandId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new GatewayError('store_unavailable')), limits.commandMsMax);
      this.#commands.set(id, { command, resolve, reject, timer });
      this.#send({ t: 'command', id, command });
    });
  }

  /** Lets the writer commit what it has and leave; resolves when it is gone, killing it after `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    this.#isStopping = true;
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    this.#send({ t: 'stop' });
    this.#rowPipe?.end();
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    await gone;
    clearTimeout(timer);
  }

  #send(message: ToWriter): void {
    if (this.#child?.connected) this.#child.send(message);
  }

  #receive(message: ChannelMessage): void {
    switch (message.t) {
      case 'ready':
        this.#isReady = true;
        this.#wasReady = true;
        // The fault was that of the writer before.
        this.fault = null;
        this.#restartMs = limits.writerRestartMs;
        this.#events.onReady(message.state);
        this.#onFirstReady?.();
        return;
      case 'result':
        this.#settleCommand(message.id, message.result);
        return;
      case 'fault':
        this.fault = message.code;
        if (message.code === null) this.#log.info('the database can be written again');
        else this.#log.error({ code: message.code }, 'the database cannot be written; rows wait in memory');
        return;
      case 'fatal':
        this.#log.error(message.message);
        if (!this.#wasReady) this.#events.onFatal(message.message);
        return;
      default:
        message satisfies never;
    }
  }

  #settleCommand(id: number, result: StoreResult): void {
    const waiting = this.#commands.get(id);
    if (waiting === undefined) return;
    this.#commands.delete(id);
    clearTimeout(waiting.timer);
    if (result === 'unavailable') {
      waiting.reject(new GatewayError('store_unavailable'));
      return;
    }
    if (result === 'ok') this.#events.onApplied(waiting.command);
    waiting.resolve(result);
  }

  #gone(code: number | null, signal: NodeJS.Signals | null): void {
    this.#isReady = false;
    this.#child = null;
    this.#rowPipe = null;
    for (const { reject, timer } of this.#commands.values()) {
      clearTimeout(timer);
      reject(new GatewayError('store_unavailable'));
    }
    this.#commands.clear();
    this.#events.onGone();
    if (this.#isStopping) return;
    this.restarts++;
    this.#log.warn({ code, signal, restartMs: this.#restartMs }, 'the writer process is gone and starts again');
    setTimeout(() => {
      if (!this.#isStopping) this.start();
    }, this.#restartMs);
    this.#restartMs = Math.min(this.#restartMs * 2, limits.writerRestartMsMax);
  }
}
