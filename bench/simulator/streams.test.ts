/**
 * Goal: the bytes of streams, their faults, and the accounting of who left when. Method: a real simulator, read with
 * node:http, which hides nothing of how a body ends.
 */
import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type Simulator, startSimulator } from './client.ts';
import type { Stats } from './scenario.ts';

const key = 'AIzaStreams0000000000000000000000000001';
const path = '/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse';
const prompt = JSON.stringify({ contents: [{ role: 'user', parts: [{ text: 'hello' }] }] });

describe('streams', () => {
  let simulator: Simulator;
  before(async () => {
    simulator = await startSimulator();
  });
  after(() => simulator.stop());
  beforeEach(() => simulator.reset());

  function open(target = path): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const headers = { 'x-goog-api-key': key };
      const request = httpRequest(`${simulator.url}${target}`, { method: 'POST', headers, agent: false }, resolve);
      request.once('error', reject);
      request.end(prompt);
    });
  }

  /** The pieces of a body as they came, and whether it ended cleanly. */
  async function read(response: IncomingMessage): Promise<{ pieces: Buffer[]; text: string; isClean: boolean }> {
    const pieces: Buffer[] = [];
    response.on('data', (piece) => pieces.push(piece));
    const isClean = await new Promise<boolean>((resolve) => {
      response.once('end', () => resolve(true));
      response.once('error', () => resolve(false));
    });
    return { pieces, text: Buffer.concat(pieces).toString(), isClean };
  }

  async function until(what: string, holds: (stats: Stats) => boolean): Promise<void> {
    for (let attempt = 0; attempt < 200; attempt++) {
      if (holds(await simulator.stats())) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.fail(`${what}: ${JSON.stringify(await simulator.stats())}`);
  }

  test('an event is one data line between CRLF pairs, and nothing else is sent', async () => {
    await simulator.script([{ chunks: 2, chunkSize: 3, text: 'abc' }]);
    const response = await open();
    assert.equal(response.headers['content-type'], 'text/event-stream');
    const { text, isClean } = await read(response);
    const usage = (candidates: number): string =>
      `{"promptTokenCount":2,"candidatesTokenCount":${candidates},"totalTokenCount":${2 + candidates},"promptTokensDetails":[{"modality":"TEXT","tokenCount":2}],"serviceTier":"standard"}`;
    const end = `"modelVersion":"gemini-3.8-flash","responseId":"sim000000000001"}\r\n\r\n`;
    assert.equal(
      text,
      `data: {"candidates":[{"content":{"parts":[{"text":"abc"}],"role":"model"},"index":0}],"usageMetadata":${usage(1)},${end}` +
        `data: {"candidates":[{"content":{"parts":[{"text":"abc"}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":${usage(2)},${end}`,
    );
    assert.ok(isClean);
  });

  test('without alt=sse it is one JSON array', async () => {
    await simulator.script([{ chunks: 3, chunkSize: 3 }]);
    const response = await open(path.replace('?alt=sse', ''));
    assert.match(response.headers['content-type'] ?? '', /^application\/json/);
    assert.equal(JSON.parse((await read(response)).text).length, 3);
  });

  test('scripted events go out as they are', async () => {
    const events = [
      { candidates: [{ content: { parts: [{ text: 'é' }] } }] },
      { usageMetadata: { totalTokenCount: 3 } },
    ];
    await simulator.script([{ events, lineEnd: '\n' }]);
    const { text } = await read(await open());
    assert.equal(text, events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''));
  });

  test('splitBytes parts events and characters anywhere, and changes no byte', async () => {
    const events = [{ candidates: [{ content: { parts: [{ text: 'é😀' }] } }] }];
    await simulator.script([{ events, splitBytes: 1 }]);
    const { pieces, text } = await read(await open());
    assert.equal(text, `data: ${JSON.stringify(events[0])}\r\n\r\n`);
    assert.ok(pieces.length > Buffer.byteLength(text) / 2, `${pieces.length} pieces`);
    assert.equal((await simulator.log())[0]?.events, 1);
  });

  test('cutAfterEvents ends without a clean end', async () => {
    await simulator.script([{ chunks: 5, chunkSize: 3, cutAfterEvents: 2 }]);
    const { text, isClean } = await read(await open());
    assert.equal(text.match(/data: /g)?.length, 2);
    assert.ok(!isClean);
    const [entry] = await simulator.log();
    assert.equal(entry?.outcome, 'cut');
    assert.equal(entry?.events, 2);
  });

  test('a cut before the first event still sends the headers', async () => {
    await simulator.script([{ chunks: 5, cutAfterEvents: 0 }]);
    const response = await open();
    assert.equal(response.statusCode, 200);
    assert.ok(!(await read(response)).isClean);
  });

  test('a whole answer is cut in half', async () => {
    await simulator.script([{ text: 'x'.repeat(1_000), cutAfterEvents: 0 }]);
    const { text, isClean } = await read(await open('/v1beta/models/gemini-3.8-flash:generateContent'));
    assert.ok(text.length > 100 && !isClean);
    assert.throws(() => JSON.parse(text));
  });

  test('endWithoutFinish, errorEventAfter, rawTail and garbageEvent', async () => {
    await simulator.script([{ chunks: 2, endWithoutFinish: true }]);
    assert.doesNotMatch((await read(await open())).text, /finishReason/);

    await simulator.script([{ chunks: 4, errorEventAfter: 1 }]);
    const failed = await read(await open());
    assert.match(
      failed.text,
      /^data: \{"candidates".*\r\n\r\ndata: \{"error":\{"code":503,.*"UNAVAILABLE"\}\}\r\n\r\n$/s,
    );
    assert.ok(failed.isClean);

    await simulator.script([{ chunks: 2, rawTail: true, streamError: 'internal' }]);
    assert.match((await read(await open())).text, /\r\n\r\n\{\n {2}"error": \{\n {4}"code": 500/);

    await simulator.script([{ chunks: 2, garbageEvent: { after: 1, line: ': nothing' } }]);
    assert.match((await read(await open())).text, /\r\n\r\n: nothing\r\n\r\ndata: /);
  });

  test('events keep their interval', async () => {
    await simulator.script([{ chunks: 5, intervalMs: 30 }]);
    const startedAt = performance.now();
    await read(await open());
    const tookMs = performance.now() - startedAt;
    assert.ok(tookMs >= 120 && tookMs < 1_000, `${tookMs} ms`);
  });

  test('a barrier holds requests before their headers, or streams after so many events', async () => {
    await simulator.script([{ chunks: 3, holdUntilReleased: 'gate' }]);
    const answers = [open(), open()];
    await until('two wait', ({ held }) => held['gate'] === 2);
    assert.equal(await simulator.release('gate'), 2);
    for (const response of await Promise.all(answers)) assert.ok((await read(response)).isClean);
    assert.ok((await read(await open())).isClean, 'an open barrier holds nobody');

    await simulator.script([{ chunks: 3, holdUntilReleased: 'later', holdAfterEvents: 2 }]);
    const response = await open();
    await until('one waits', ({ held }) => held['later'] === 1);
    assert.equal((await simulator.log()).at(-1)?.events, 2);
    await simulator.release('later');
    assert.equal((await read(response)).text.match(/data: /g)?.length, 3);
  });

  test('a client that leaves is counted, and its stream stops', async () => {
    await simulator.script([{ chunks: 1_000, intervalMs: 5 }]);
    const response = await open();
    await until('it streams', ({ openStreams }) => openStreams === 1);
    response.on('error', () => {});
    response.destroy();
    await until('it is counted', ({ aborted, openStreams }) => aborted === 1 && openStreams === 0);
    const events = (await simulator.log())[0]?.events ?? 0;
    assert.ok(events < 1_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const [entry] = await simulator.log();
    assert.equal(entry?.outcome, 'aborted');
    assert.equal(entry?.events, events);
  });

  test('a client that leaves while it is held is counted too', async () => {
    await simulator.script([{ holdUntilReleased: 'gate' }]);
    const request = httpRequest(`${simulator.url}${path}`, { method: 'POST', headers: { 'x-goog-api-key': key } });
    request.on('error', () => {});
    request.end(prompt);
    await until('it is held', ({ held }) => held['gate'] === 1);
    request.destroy();
    await until('it is counted', ({ aborted, open: stillOpen }) => aborted === 1 && stillOpen === 0);
    await simulator.release('gate');
  });

  test('writing pauses while the reader is behind, and every byte arrives in the end', async () => {
    await simulator.script([{ chunks: 400, chunkSize: 65_536, text: 'abcdefgh' }]);
    const response = await open();
    await until('it pauses', ({ paused }) => paused === 1);
    const { text, isClean } = await read(response);
    assert.ok(isClean);
    assert.equal(text.match(/abcdefgh/g)?.length, (400 * 65_536) / 8);
    const { paused, pausedEver, openStreams } = await simulator.stats();
    assert.deepEqual({ paused, openStreams }, { paused: 0, openStreams: 0 });
    assert.ok(pausedEver > 0);
  });

  test('a stream hangs after its events until the client leaves', async () => {
    await simulator.script([{ chunks: 3, hangAfterEvents: 1 }]);
    const response = await open();
    response.on('error', () => {});
    const [first] = await Promise.all([new Promise<Buffer>((resolve) => response.once('data', resolve))]);
    assert.match(first.toString(), /^data: /);
    assert.equal((await simulator.stats()).openStreams, 1);
    response.destroy();
    await until('it is gone', ({ openStreams }) => openStreams === 0);
  });
});
