/**
 * The entry of the writer process, forked by the gateway: the only one that writes the database. It opens it when told
 * to, commits what it is sent, and leaves when it is told to or when the gateway is gone.
 */
import { systemClock } from '../shared/clock.ts';
import { limits } from '../shared/limits.ts';
import { makeLogger } from '../shared/log.ts';
import type { StoreOptions } from '../shared/messages.ts';
import { DatabaseRefused } from './store/database.ts';
import { GroupCommit } from './store/group-commit.ts';
import { openSqliteStore } from './store/sqlite-store.ts';
import { type Store, StoreFault } from './store/store.ts';
import { type ChannelMessage, openChannel } from './store/writer-channel.ts';

/** Longest time for the last commits, below that after which the gateway would kill. */
const lastCommitsMsMax = limits.writerStopMsMax * 0.8;

/** Between two pieces of what is too old, and between two looks for it. */
const pruneNextMs = 20;
const pruneAgainMs = 60_000;

interface Writer {
  store: Store;
  commits: GroupCommit;
}

const log = makeLogger('writer', 'info');
let writer: Writer | null = null;
let isLeaving = false;

const channel = openChannel({ onMessage: receive, onStop: () => void leave() });
// The gateway decides when to leave: a terminal's ctrl-C goes to the whole group, and rows are still to come then.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

function receive(message: ChannelMessage): void {
  switch (message.t) {
    case 'open':
      void open(message.options);
      return;
    case 'rows':
      writer?.commits.addRows(message.seq, message.rows);
      return;
    case 'command':
      writer?.commits.addCommand(message.id, message.command);
      return;
    default:
      message satisfies never;
  }
}

async function open(options: StoreOptions): Promise<void> {
  let store: Store | null = null;
  try {
    const opened = openSqliteStore(options);
    store = opened.store;
    const { from, to } = opened.migration;
    if (from !== to) log.info({ from, to }, 'the database has a new schema');
    const sendState = async (): Promise<void> =>
      channel.send({ t: 'ready', state: await opened.store.load(systemClock.wallMs()) });
    const commits = new GroupCommit({
      store,
      send: channel.send,
      onRecovered: sendState,
      onImpossible: (what, fault) =>
        log.error({ code: fault.code, reason: reasonOf(fault.cause) }, `dropped, the database cannot take it: ${what}`),
      wait: (ms, callback) => void setTimeout(callback, ms),
    });
    await sendState();
    writer = { store, commits };
    void prune(store);
  } catch (error) {
    const cause = error instanceof StoreFault ? error.cause : error;
    const message = cause instanceof DatabaseRefused ? cause.message : `The writer failed: ${reasonOf(cause)}`;
    channel.send({ t: 'fatal', message });
    await store?.close();
    channel.leave(1);
  }
}

/** Deletes what is too old, piece by piece with room for commits between, and looks again after a while. */
async function prune(store: Store): Promise<void> {
  let hasMore = false;
  try {
    hasMore = await store.prune(systemClock.wallMs());
  } catch (error) {
    // The same fault as that of the commits, which tell of it.
    if (!(error instanceof StoreFault)) throw error;
  }
  if (!isLeaving) setTimeout(() => void prune(store), hasMore ? pruneNextMs : pruneAgainMs).unref();
}

/** Commits what is queued and leaves; what can't be committed in time is given up, with an exit code that says so. */
async function leave(): Promise<void> {
  if (isLeaving) return;
  isLeaving = true;
  if (writer !== null) {
    const late = setTimeout(() => channel.leave(1), lastCommitsMsMax);
    await writer.commits.idle();
    clearTimeout(late);
    await writer.store.close();
  }
  channel.leave(0);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown error';
}
