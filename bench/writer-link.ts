/**
 * `npm run bench:writer`: the writer as a process of its own beside the same code as a thread: from a row to its ack, rows
 * a second, and CPU of both sides together. It settled which of the two the gateway uses.
 */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { systemClock } from '../shared/clock.ts';
import { makeIdSource } from '../shared/ids.ts';
import type { FromWriter, ToWriter } from '../shared/messages.ts';
import type { UsageRow } from '../shared/rows.ts';
import { processCpuSeconds } from './cpu-time.ts';
import { quantile } from './http-load.ts';

const singleRows = 5_000;
const batchRows = 100;
const batches = 2_000;
const batchesInFlight = 4;
const rounds = 3;

/** From `dist/`: a bare thread can't run TypeScript. */
const bundle = new URL('../dist/workers/writer-process.js', import.meta.url);

type Receive = (message: FromWriter) => void;

interface Channel {
  send(message: ToWriter): void;
  /** CPU seconds of all that takes part: this process, and the writer's if it is another. */
  cpuSeconds(): number;
  end(): Promise<void>;
}

function openProcess(receive: Receive): Channel {
  const child = fork(fileURLToPath(bundle), [], { serialization: 'json' });
  child.on('message', receive);
  return {
    send: (message) => child.send(message),
    cpuSeconds: () => processCpuSeconds(process.pid) + processCpuSeconds(child.pid ?? 0),
    end: () => new Promise((resolve) => child.once('exit', () => resolve())),
  };
}

function openThread(receive: Receive): Channel {
  const thread = new Worker(bundle);
  thread.on('message', receive);
  return {
    send: (message) => thread.postMessage(message),
    cpuSeconds: () => processCpuSeconds(process.pid),
    end: () => new Promise((resolve) => thread.once('exit', () => resolve())),
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
    errorCode: null,
    finishReason: 'stop',
    usage: { prompt: 120, cached: 0, toolPrompt: 0, thoughts: 50, output: 200, estimated: false },
    firstTokenMs: 300,
    durationMs: 1_500,
    attempts: [{ geminiKeyId: 'env-0123456789abcdef', startedMs: 1, durationMs: 1_498, outcome: 'ok' }],
  };
}

async function measure(open: (receive: Receive) => Channel): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'gemini-pool-writer-'));
  let onMessage: Receive = () => undefined;
  const channel = open((message) => onMessage(message));
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

  const latencies = new Float64Array(singleRows);
  let seq = 0;
  const singleBefore = channel.cpuSeconds();
  for (let i = 0; i < singleRows; i++) {
    const sentMs = performance.now();
    const acked = until((message) => message.t === 'ack' && message.seq === seq);
    channel.send({ t: 'rows', seq: ++seq, rows: [makeRow()] });
    await acked;
    latencies[i] = performance.now() - sentMs;
  }
  const singleCpu = channel.cpuSeconds() - singleBefore;

  const batchBefore = channel.cpuSeconds();
  const startedMs = performance.now();
  const first = seq;
  await new Promise<void>((resolve) => {
    const sendOne = (): void => {
      seq++;
      channel.send({ t: 'rows', seq, rows: Array.from({ length: batchRows }, makeRow) });
    };
    onMessage = (message) => {
      if (message.t !== 'ack') return;
      if (message.seq === first + batches) resolve();
      while (seq < first + batches && seq < message.seq + batchesInFlight) sendOne();
    };
    for (let i = 0; i < batchesInFlight; i++) sendOne();
  });
  const seconds = (performance.now() - startedMs) / 1000;
  const batchCpu = channel.cpuSeconds() - batchBefore;
  const gone = channel.end();
  channel.send({ t: 'stop' });
  await gone;
  rmSync(folder, { recursive: true, force: true });
  latencies.sort();
  const perRow = (cpu: number, rows: number): string => `${((cpu * 1e6) / rows).toFixed(1)} µs CPU a row`;
  return (
    `one row at a time: row to ack p50 ${quantile(latencies, 0.5).toFixed(3)} ms, p99 ${quantile(latencies, 0.99).toFixed(3)} ms, ${perRow(singleCpu, singleRows)}; ` +
    `batches of ${batchRows}: ${Math.round((batches * batchRows) / seconds)} rows/s, ${perRow(batchCpu, batches * batchRows)}`
  );
}

for (let round = 0; round < rounds; round++) {
  process.stdout.write(`process  ${await measure(openProcess)}\n`);
  process.stdout.write(`thread   ${await measure(openThread)}\n`);
}
