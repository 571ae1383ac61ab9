/**
 * Whatever Gemini does to its connections, a client gets a whole answer, an error in OpenAI's shape, or a cut that it
 * can't take for an end; a fault of the connection costs no key its health.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { residentBytes } from '../../bench/cpu-time.ts';
import { adminToken, makeClientKey, type RunningGateway, startGateway } from '../../bench/running-gateway.ts';
import { complete, eventually, expectQuiet, geminiKeys, readDatabase, type Seen } from './harness.ts';
import {
  answerWell,
  type Behaviour,
  chunk,
  event,
  lastChunk,
  RawUpstream,
  response,
  streamHead,
  wholeHead,
} from './raw-upstream.ts';

const keys = geminiKeys(3);
const whole = response('All well.', 'STOP');
/** More than any answer would be worth waiting for in these tests. */
const patienceMs = 500;
const requestMs = 4_000;
/** Tries at one request when all fail alike; how many there are is the pool's affair, that they end is the test's. */
const triesMax = 10;

interface Fault {
  what: string;
  behaviour: Behaviour;
  /** Error code and status of a request without streaming; null when it is answered well. */
  whole?: [status: number, code: string] | null;
  /** Of a streaming one; `event` when the head was out, so that the error is an event before the cut. */
  stream?: [status: number | 'event', code: string] | null;
}

const firstThree = `${streamHead}${event('One ')}${event('two ')}${event('three ')}`;

const faults: Fault[] = [
  {
    what: 'U-1 accepts and never answers',
    behaviour: () => undefined,
    whole: [504, 'upstream_timeout'],
    stream: [504, 'upstream_timeout'],
  },
  {
    what: 'U-2 sends a head, then nothing',
    behaviour: (socket, { isStream }) => socket.write(isStream ? streamHead : wholeHead(1_000)),
    whole: [504, 'upstream_timeout'],
    stream: [504, 'upstream_timeout'],
  },
  {
    what: 'U-2 falls silent after three events',
    behaviour: (socket) => socket.write(firstThree),
    stream: ['event', 'upstream_timeout'],
  },
  {
    what: 'U-4 ends short of its length',
    behaviour: (socket) => socket.end(`${wholeHead(Buffer.byteLength(whole) + 10)}${whole}`),
    whole: [502, 'upstream_cut'],
  },
  {
    what: 'U-4 ends within a chunk',
    behaviour: (socket) => socket.end(`${firstThree}400\r\ndata: {"candidates"`),
    stream: ['event', 'upstream_cut'],
  },
  {
    what: 'U-4 ends between two chunks',
    behaviour: (socket) => socket.end(firstThree),
    stream: ['event', 'upstream_cut'],
  },
  {
    what: 'U-5 is delimited by its close, and ends without a finish reason',
    behaviour: (socket) =>
      socket.end(`HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: ${response('Half of ')}\r\n\r\n`),
    stream: ['event', 'upstream_cut'],
  },
  {
    what: 'U-5 ends its stream well, but without a finish reason',
    behaviour: (socket) => socket.write(`${firstThree}${lastChunk}`),
    stream: ['event', 'upstream_cut'],
  },
  {
    what: 'U-6 resets before the head, on one key only',
    behaviour: (socket, request) => (request.key === keys[0] ? socket.resetAndDestroy() : answerWell(socket, request)),
    whole: null,
    stream: null,
  },
  {
    what: 'U-7 resets after three events',
    behaviour: (socket) => socket.write(firstThree, () => setTimeout(() => socket.resetAndDestroy(), 20)),
    stream: ['event', 'upstream_cut'],
  },
  {
    what: 'U-8 answers with what is not HTTP',
    behaviour: (socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'),
    whole: [502, 'upstream_protocol'],
    stream: [502, 'upstream_protocol'],
  },
  {
    what: 'U-9 sends an event that is no JSON',
    behaviour: (socket) => socket.write(`${firstThree}${chunk('data: {"candidates": [{"con\r\n\r\n')}`),
    stream: ['event', 'upstream_protocol'],
  },
  {
    what: 'U-9 sends a body that is no JSON',
    behaviour: (socket) => socket.write(`${wholeHead(9)}{"candid:`),
    whole: [502, 'upstream_cut'],
  },
  {
    what: 'U-13 sends hints first',
    behaviour: (socket, request) => {
      socket.write('HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n');
      answerWell(socket, request);
    },
    whole: null,
    stream: null,
  },
  {
    what: 'U-13 answers with a page of a proxy',
    behaviour: (socket) =>
      socket.write(`${wholeHead(28, '502 Bad Gateway', 'text/html')}<html>the inside of a proxy</`),
    whole: [502, 'upstream_error'],
    stream: [502, 'upstream_error'],
  },
  {
    what: 'U-13 answers 200 with a page',
    behaviour: (socket) => socket.write(`${wholeHead(28, '200 OK', 'text/html')}<html>the inside of a proxy</`),
    whole: [502, 'upstream_protocol'],
    stream: [502, 'upstream_protocol'],
  },
  {
    what: 'U-22 closes a kept connection as the next request comes',
    behaviour: (socket, request) => (request.earlierHere > 0 ? socket.destroy() : answerWell(socket, request)),
    whole: null,
    stream: null,
  },
];

describe('faults of the upstream', () => {
  const upstream = new RawUpstream();
  let gateway: RunningGateway;
  let clientKey: string;
  let token: string;

  before(async () => {
    await upstream.start();
    gateway = await startGateway({
      env: {
        GEMINI_API_KEYS: keys.join(','),
        GEMINI_BASE_URL: upstream.url,
        WORKER_THREADS: '1',
        LOG_LEVEL: 'debug',
        UPSTREAM_FIRST_BYTE_TIMEOUT_MS: String(patienceMs),
        UPSTREAM_IDLE_TIMEOUT_MS: String(patienceMs),
        REQUEST_TIMEOUT_MS: String(requestMs),
      },
    });
    token = await adminToken(gateway.url);
    clientKey = (await makeClientKey(gateway.url, token, 'faults')).key;
  });
  after(async () => {
    await gateway.stop();
    upstream.stop();
  });

  const ask = (model: string, stream: boolean, content = 'Hello'): Promise<Seen> =>
    complete(gateway, clientKey, { model, stream, messages: [{ role: 'user', content }] });

  const rowOf = (model: string): unknown =>
    readDatabase(gateway.folder, (database) =>
      database
        .prepare('SELECT status, termination, error_code FROM requests WHERE model_asked = ? ORDER BY id DESC')
        .get(model),
    );

  function expectWell(seen: Seen, stream: boolean): void {
    assert.equal(seen.status, 200, seen.text);
    assert.ok(!seen.isCut);
    if (stream) assert.ok(seen.text.endsWith('data: [DONE]\n\n'), seen.text);
    else assert.match(seen.text, /"content":"All well\."/);
  }

  async function expectFault(model: string, seen: Seen, [status, code]: [number | 'event', string]): Promise<void> {
    assert.doesNotMatch(seen.text, /\[DONE\]|the inside/);
    if (status === 'event') {
      assert.equal(seen.status, 200);
      assert.ok(seen.isCut, 'the connection is cut');
      assert.match(seen.text, new RegExp(`data: \\{"error":\\{[^\\n]*"code":"${code}"\\}\\}\\n\\n$`));
      assert.equal(upstream.asked(model).length, 1, 'content went out, so there was no other try');
    } else {
      assert.equal(seen.status, status, seen.text);
      assert.match(seen.text, new RegExp(`^\\{"error":\\{.*"code":"${code}"\\}\\}$`));
      assert.ok(upstream.asked(model).length <= triesMax);
    }
    await eventually('its row is there', () => rowOf(model) !== undefined);
    assert.deepEqual(rowOf(model), {
      status: seen.status,
      termination: status === 'event' ? 'cut' : 'error',
      error_code: code,
    });
  }

  describe('one by one', { concurrency: 8 }, () => {
    for (const [index, { what, behaviour, ...expected }] of faults.entries())
      for (const [form, outcome] of Object.entries(expected)) {
        test(`${what}: ${outcome === null ? 'no client notices' : outcome.join(' ')} (${form})`, async () => {
          const model = `fault-${index}-${form}`;
          upstream.on(model, behaviour);
          if (outcome !== null) {
            await expectFault(model, await ask(model, form === 'stream'), outcome);
            return;
          }
          for (let turn = 0; turn < keys.length; turn++)
            expectWell(await ask(model, form === 'stream'), form === 'stream');
        });
      }
  });

  test('U-1 the call that was given up is closed, and another key was tried', async () => {
    const sockets: { isClosed: boolean }[] = [];
    upstream.on('silent', (socket) => {
      const watched = { isClosed: false };
      sockets.push(watched);
      socket.on('close', () => {
        watched.isClosed = true;
      });
    });
    assert.equal((await ask('silent', false)).status, 504);
    await eventually('every call is closed', () => sockets.every(({ isClosed }) => isClosed), 2_000);
    assert.ok(new Set(upstream.asked('silent').map(({ key }) => key)).size > 1);
  });

  test('U-3, U-11 an answer that drips on and on ends with the time of its request', async () => {
    upstream.on('drip', (socket) => {
      socket.write(streamHead);
      const timer = setInterval(() => socket.write(event('.')), 100);
      socket.on('close', () => clearInterval(timer));
    });
    const seen = await ask('drip', true);
    await expectFault('drip', seen, ['event', 'request_timeout']);
  });

  test('U-10 a line without an end is given up at its bound, and the memory with it', async () => {
    const megabyte = 'x'.repeat(1024 * 1024);
    const boundMegabytes = 64;
    let sent = 0;
    upstream.on('endless-line', (socket) => {
      socket.write(`${streamHead}${event('Begin')}${chunk('data: ')}`);
      const more = (): void => {
        while (!socket.destroyed && sent < 4 * boundMegabytes) {
          sent++;
          if (!socket.write(chunk(megabyte))) {
            socket.once('drain', more);
            return;
          }
        }
      };
      more();
    });
    const before = residentBytes(gateway.pid);
    const seen = await ask('endless-line', true);
    await expectFault('endless-line', seen, ['event', 'upstream_protocol']);
    assert.ok(sent < 2 * boundMegabytes, `${sent} MB were taken`);
    const grown = (residentBytes(gateway.pid) - before) / 1024 / 1024;
    assert.ok(grown < 4 * boundMegabytes, `grown by ${Math.round(grown)} MB`);
  });

  test('U-12 nothing is inflated, a bomb neither', async () => {
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024));
    upstream.on('bomb', (socket) => {
      socket.write(wholeHead(bomb.length, '200 OK', 'application/json', 'content-encoding: gzip\r\n'));
      socket.write(bomb);
    });
    const before = residentBytes(gateway.pid);
    await expectFault('bomb', await ask('bomb', false), [502, 'upstream_protocol']);
    assert.ok(residentBytes(gateway.pid) - before < 100 * 1024 * 1024);
  });

  test('U-13 bytes behind an answer spoil no other answer', async () => {
    upstream.on('more-bytes', (socket) => socket.write(`${wholeHead(whole.length)}${whole}HTTP/1.1 200 OK\r\ncontent`));
    for (let i = 0; i < 3; i++) expectWell(await ask('more-bytes', false), false);
    for (let i = 0; i < 3; i++) expectWell(await ask('good', false), false);
  });

  test('U-14 a redirect is not followed', async () => {
    let visits = 0;
    const bait = createServer((_, answer) => {
      visits++;
      answer.end();
    });
    await new Promise<void>((resolve) => bait.listen(0, '127.0.0.1', resolve));
    const address = bait.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    upstream.on('redirect', (socket) =>
      socket.write(wholeHead(0, '302 Found', 'text/html', `location: http://127.0.0.1:${port}/latest/meta-data/\r\n`)),
    );
    await expectFault('redirect', await ask('redirect', false), [502, 'upstream_protocol']);
    bait.close();
    assert.equal(visits, 0);
  });

  test('F-12 what looks like a request within a prompt is text: Gemini gets one request', async () => {
    const smuggled =
      '"}\r\n\r\nPOST /v1beta/models/stolen:generateContent HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n';
    expectWell(await ask('one-request', false, smuggled), false);
    assert.equal(upstream.asked('one-request').length, 1);
    assert.equal(upstream.asked('stolen').length, 0);
    const [request] = upstream.asked('one-request');
    assert.match(request?.head ?? '', /^POST \/v1beta\/models\/one-request:generateContent HTTP\/1\.1\r\n/);
    assert.doesNotMatch(request?.head ?? '', new RegExp(clientKey));
  });

  test('afterwards every key is as it was, and nothing is left', async () => {
    await expectQuiet(gateway);
    const answer = await fetch(`${gateway.url}/admin/api/gemini-keys`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const listed = JSON.stringify(await answer.json());
    assert.doesNotMatch(listed, /"disabled_reason":"/);
    assert.doesNotMatch(listed, /"reason":"/);
    assert.ok(!gateway.lines.some((line) => line.includes('unexpected error')), 'no fault was taken for a bug');
    const before = upstream.requests.length;
    for (let turn = 0; turn < keys.length; turn++) expectWell(await ask('health', false), false);
    assert.deepEqual(new Set(upstream.requests.slice(before).map(({ key }) => key)), new Set(keys));
    await eventually('only kept connections are open', () => upstream.sockets.size <= 8);
  });
});
