/** The case `writes`: usage rows a second into the database through the writer process, and the time from a row to its ack. */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../shared/clock.ts';
import { makeIdSource } from '../shared/ids.ts';
import type { FromWriter, ToWriter } from '../shared/messages.ts';
import { AckReader, ackPipeFd, encodeRows, rowPipeFd } from '../shared/row-pipe.ts';
import type { UsageRow } from '../shared/rows.ts';
import { processCpuSeconds } from './cpu-time.ts';
import { type CaseResult, type Figures, toSubject } from './figures.ts';
import { roundsOf } from './load-rounds.ts';
import { quantile } from './samples.ts';
import { bundlePath, type Stand } from './stand.ts';

const singleRows = 5_000;
const batchRows = 100;
const batches = 2_000;
const batchesInFlight = 4;
const shortShare = 0.1;

export const writesAbout = `usage rows through the writer to their commit, in batches of ${batchRows}`;

const bundle = bundlePath('workers/writer-process');

type Receive = (message: FromWriter) => void;

interface Channel {
  send(message: ToWriter): void;
  /** CPU seconds of both sides: this process and the writer's. */
  cpuSeconds(): number;
  end(): Promise<void>;
}

function openWriter(receive: Receive): Channel {
  // As the gateway starts it, but for its log.
  const child = fork(bundle, [], {
    serialization: 'json',
    stdio: ['ignore', 'ignore', 'inherit', 'pipe', 'pipe', 'ipc'],
  });
  child.on('message', receive);
  const rowPipe = child.stdio[rowPipeFd];
  const ackPipe = child.stdio[ackPipeFd];
  if (!(rowPipe instanceof Socket) || !(ackPipe instanceof Socket)) throw new Error('the writer has no pipes');
  const acks = new AckReader((seq) => receive({ t: 'ack', seq }));
  ackPipe.on('data', (chunk: Buffer) => acks.feed(chunk));
  return {
    send: (message) => {
      if (message.t === 'rows') rowPipe.write(encodeRows(message.seq, message.rows));
      else child.send(message);
      if (message.t === 'stop') rowPipe.end();
    },
    cpuSeconds: () => processCpuSeconds(process.pid) + processCpuSeconds(child.pid ?? 0),
    end: () => new Promise((resolve) => child.once('exit', () => resolve())),
  };
}

const nextId = makeIdSource(systemClock);

function makeRow(): UsageRow {
  return {
    id: nextId(),
    atMs: systemClock.wallMs(),
    clientKeyId: 'bench-client-key',
    geminiKeyId: 'env-0123456789abcdef',
    endpoint: 'chat.completions',
    modelAsked: 'gemini-3.8-flash',
    modelServed: 'gemini-3.8-flash',
    stream: true,
    status: 200,
    termination: 'complete',
    endedBy: 'upstream',
    phase: 'streaming',
    errorCode: null,
    errorMessage: null,
    errorParam: null,
    warnings: '',
    finishReason: 'stop',
    usage: { prompt: 120, cached: 0, toolPrompt: 0, thoughts: 50, output: 200, estimated: false },
    costNano: 1_027_500,
    firstTokenMs: 300,
    durationMs: 1_500,
    attempts: [
      {
        geminiKeyId: 'env-0123456789abcdef',
        model: 'gemini-3.8-flash',
        startedMs: 1,
        waitMs: 1,
        durationMs: 1_498,
        status: 200,
        reason: 'ok',
      },
    ],
  };
}

/** Committed rows in a second, and times from a row to its ack. */
export async function runWrites(stand: Stand): Promise<CaseResult> {
  const rounds = roundsOf(stand);
  const share = stand.options.isShort ? shortShare : 1;
  const found: Figures[] = [];
  for (let round = 0; round < rounds; round++) found.push(await measure(share));
  return {
    name: 'writes',
    about: writesAbout,
    unit: 'row',
    rounds,
    subjects: [toSubject('writer', found)],
    ratios: {},
  };
}

async function measure(share: number): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'gemini-pool-writer-'));
  let onMessage: Receive = () => undefined;
  const channel = openWriter((message) => onMessage(message));
  const until = (wanted: (message: FromWriter) => boolean): Promise<void> =>
    new Promise((resolve) => {
      onMessage = (message) => wanted(message) && resolve();
    });
  const ready = until(({ t }) => t === 'ready');
  channel.send({
    t: 'open',
    options: { databasePath: join(folder, 'bench.db'), synchronous: 'normal', encryptionKey: null },
  });
  await ready;

  const latencies = new Float64Array(Math.ceil(singleRows * share));
  let seq = 0;
  const singleBefore = channel.cpuSeconds();
  for (let i = 0; i < latencies.length; i++) {
    const sentMs = performance.now();
    const acked = until((message) => message.t === 'ack' && message.seq === seq);
    channel.send({ t: 'rows', seq: ++seq, rows: [makeRow()] });
    await acked;
    latencies[i] = performance.now() - sentMs;
  }
  const singleCpu = channel.cpuSeconds() - singleBefore;

  const rows = Array.from({ length: batchRows }, makeRow);
  const batchBefore = channel.cpuSeconds();
  const startedMs = performance.now();
  const first = seq;
  const last = first + Math.ceil(batches * share);
  await new Promise<void>((resolve) => {
    const sendOne = (): void => {
      seq++;
      // Ids anew, since inserts are idempotent by them; the rest of a row costs the bench more than the writer.
      channel.send({ t: 'rows', seq, rows: rows.map((row) => ({ ...row, id: nextId() })) });
    };
    onMessage = (message) => {
      if (message.t !== 'ack') return;
      if (message.seq === last) resolve();
      while (seq < last && seq < message.seq + batchesInFlight) sendOne();
    };
    for (let i = 0; i < batchesInFlight; i++) sendOne();
  });
  const seconds = (performance.now() - startedMs) / 1000;
  const committed = (last - first) * batchRows;
  const batchCpu = channel.cpuSeconds() - batchBefore;
  const gone = channel.end();
  channel.send({ t: 'stop' });
  await gone;
  rmSync(folder, { recursive: true, force: true });
  latencies.sort();
  return {
    rows_per_second: committed / seconds,
    cpu_us: (batchCpu * 1e6) / committed,
    single_p50_ms: quantile(latencies, 0.5),
    single_p99_ms: quantile(latencies, 0.99),
    single_cpu_us: (singleCpu * 1e6) / latencies.length,
  };
}
