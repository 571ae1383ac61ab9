/** How the server treats HTTP itself: framing that could smuggle a second request, wrong routes, bodies out of bounds. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import pino from 'pino';
import { FrontServer } from './front-server.ts';
import { replyJson } from './reply.ts';
import { readJsonBody } from './request-body.ts';
import type { Route } from './route-table.ts';

const bodyBytesMax = 100_000;

const gone: string[] = [];

const routes: Route[] = [
  {
    path: '/v1/echo',
    methods: {
      POST: async (call) => {
        const body = await readJsonBody(call, bodyBytesMax);
        replyJson(call.down, 200, {
          kind: typeof body,
          length: body.length,
          text: Buffer.from(body).toString('latin1', 0, 20),
        });
      },
      GET: (call) => replyJson(call.down, 200, { got: true }),
    },
  },
  { path: '/v1/things/{id}', methods: { GET: (call) => replyJson(call.down, 200, { id: call.id }) } },
  {
    path: '/v1/stream',
    methods: {
      GET: (call) => {
        const headers = [['content-type', 'text/plain']] as const;
        call.down.whenGone(() => gone.push(call.path));
        call.down.write(headers, 'one');
        call.down.end(headers, 'two');
      },
    },
  },
  {
    path: '/v1/broken',
    methods: {
      GET: () => {
        throw new Error('a secret detail');
      },
    },
  },
];

describe('front server', () => {
  const server = new FrontServer({
    routes,
    corsOrigins: ['https://app.example'],
    nextId: () => 'id-1',
    closesConnections: () => false,
    log: pino({ level: 'silent' }),
  });
  let port = 0;

  before(async () => {
    port = await server.listen('127.0.0.1', 0);
  });
  after(() => server.close());

  /** Sends bytes and gives what comes back, until the server closes or the expected answers are there. */
  function exchange(bytes: string | readonly string[], answers = 1): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port });
      let received = '';
      socket.on('connect', async () => {
        for (const piece of typeof bytes === 'string' ? [bytes] : bytes)
          await new Promise((sent) => socket.write(piece, sent));
      });
      socket.on('data', (chunk) => {
        received += chunk.toString('latin1');
        if (received.split('HTTP/1.1 ').length - 1 >= answers && /\r\n\r\n[\s\S]*[}]$/.test(received)) socket.end();
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(received));
    });
  }

  const post = (headers: string, body: string): string =>
    `POST /v1/echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${headers}\r\n\r\n${body}`;

  test('HEAD of a stream gets its head alone: what follows would be taken for the next answer', async () => {
    const received = await exchange(
      'HEAD /v1/stream HTTP/1.1\r\nhost: x\r\n\r\nGET /v1/things/a HTTP/1.1\r\nhost: x\r\n\r\n',
      2,
    );
    const [head = '', next = '', ...more] = received.split('\r\n\r\n');
    assert.match(head, /^HTTP\/1\.1 200 OK\r\ncontent-type: text\/plain\r\n/);
    assert.doesNotMatch(head, /content-length|transfer-encoding/i);
    assert.match(next, /^HTTP\/1\.1 200 OK/);
    assert.deepEqual(more, ['{"id":"a"}']);
    assert.deepEqual(gone, ['/v1/stream']);
  });

  const refused: [what: string, request: string, status: number][] = [
    ['two different lengths', post('content-length: 2\r\ncontent-length: 3', '{}'), 400],
    ['the same length twice', post('content-length: 2\r\ncontent-length: 2', '{}'), 400],
    ['an empty length', post('content-length:', '{}'), 400],
    ['a length and chunks', post('content-length: 2\r\ntransfer-encoding: chunked', '2\r\n{}\r\n0\r\n\r\n'), 400],
    ['an unknown transfer encoding', post('transfer-encoding: xchunked', '2\r\n{}\r\n0\r\n\r\n'), 400],
    ['two transfer encodings', post('transfer-encoding: gzip, chunked', '2\r\n{}\r\n0\r\n\r\n'), 400],
    [
      'transfer encoding twice',
      post('transfer-encoding: chunked\r\ntransfer-encoding: chunked', '2\r\n{}\r\n0\r\n\r\n'),
      400,
    ],
    ['dots in the path', 'GET /v1/../v1/echo HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    ['encoded dots in the path', 'GET /v1/%2e%2e/echo HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    ['an empty segment in the path', 'GET //v1/echo HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    ['a path that is not there', 'GET /v1/none HTTP/1.1\r\nhost: x\r\n\r\n', 404],
    ['a method that the route lacks', 'DELETE /v1/echo HTTP/1.1\r\nhost: x\r\n\r\n', 405],
    ['a method in lower case', 'get /v1/echo HTTP/1.1\r\nhost: x\r\n\r\n', 405],
    ['a method that does not exist', 'FOO /v1/echo HTTP/1.1\r\nhost: x\r\n\r\n', 405],
    ['TRACE', 'TRACE /v1/echo HTTP/1.1\r\nhost: x\r\n\r\n', 405],
    ['a compressed body', post('content-encoding: gzip\r\ncontent-length: 2', '{}'), 415],
    [
      'a form',
      'POST /v1/echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 2\r\n\r\n{}',
      415,
    ],
    [
      'bytes that are not UTF-8',
      ['POST /v1/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n', '"\u00e9"'].join(''),
      400,
    ],
  ];
  for (const [what, request, status] of refused) {
    test(`refuses ${what} with ${status}`, async () => {
      const bytes = what.includes('UTF-8') ? Buffer.from(request, 'latin1').toString('latin1') : request;
      const answer = await (what.includes('UTF-8') ? exchangeLatin1(bytes) : exchange(bytes));
      assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
      // uWebSockets.js refuses some itself, without a body.
      if (answer.includes('application/json'))
        assert.match(answer, /"error":\{"message":"[^"]+","type":"[a-z_]+","param":null,"code":"[a-z_]+"\}/);
    });
  }

  function exchangeLatin1(text: string): Promise<string> {
    return new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port });
      let received = '';
      socket.on('connect', () =>
        socket.write(
          Buffer.concat([Buffer.from(text.slice(0, text.indexOf('"'))), Buffer.from([0x22, 0xe9, 0x41, 0x22])]),
        ),
      );
      socket.on('data', (chunk) => {
        received += chunk.toString('latin1');
        socket.end();
      });
      socket.on('close', () => resolve(received));
    });
  }

  test('nothing smuggled behind a refused framing is answered', async () => {
    const smuggled = 'GET /v1/echo HTTP/1.1\r\nhost: x\r\n\r\n';
    const answer = await exchange(
      post(`content-length: 2\r\ncontent-length: ${2 + smuggled.length}`, `{}${smuggled}`),
      2,
    );
    assert.ok(answer === '' || /^HTTP\/1.1 400 /.test(answer), answer);
    assert.ok(answer.split('HTTP/1.1 ').length - 1 <= 1);
  });

  test('a chunked body is read, and its connection closed after the answer', async () => {
    const answer = await exchange(post('transfer-encoding: chunked', '1\r\n{\r\n1\r\n}\r\n0\r\n\r\n'));
    assert.match(answer, /^HTTP\/1.1 200 /);
    assert.match(answer, /connection: close/i);
    assert.equal(answer.split('HTTP/1.1 ').length - 1, 1);
  });

  test('a request in any pieces is the same request', async () => {
    const whole = post('content-length: 13', '{"a":"b c d"}');
    for (let cut = 1; cut < whole.length; cut += 7) {
      const answer = await exchange([whole.slice(0, cut), whole.slice(cut)]);
      assert.match(answer, /^HTTP\/1.1 200 [\s\S]*"length":13,/, `cut at ${cut}`);
    }
  });

  test('a large body comes through whole', async () => {
    const body = `"${'x'.repeat(bodyBytesMax - 2)}"`;
    const answer = await exchange([post(`content-length: ${body.length}`, ''), body.slice(0, 10), body.slice(10)]);
    assert.match(answer, new RegExp(`"kind":"object","length":${bodyBytesMax}`));
  });

  test('a body over the bound is refused by its announced length, and as it comes when that is missing', async () => {
    const tooLong = 'x'.repeat(bodyBytesMax + 1);
    const announced = await exchange(post(`content-length: ${tooLong.length}`, ''));
    assert.match(announced, /^HTTP\/1.1 413 [\s\S]*connection: close[\s\S]*request_too_large/i);
    const chunked = await exchange(
      post('transfer-encoding: chunked', `${tooLong.length.toString(16)}\r\n${tooLong}\r\n0\r\n\r\n`),
    );
    assert.match(chunked, /^HTTP\/1.1 413 /);
  });

  test('a route with a free segment gets it decoded', async () => {
    const answer = await exchange('GET /v1/things/a%20b HTTP/1.1\r\nhost: x\r\n\r\n');
    assert.match(answer, /\{"id":"a b"\}$/);
    assert.match(await exchange('GET /v1/things/a/b HTTP/1.1\r\nhost: x\r\n\r\n'), /^HTTP\/1.1 404/);
    assert.match(await exchange('GET /v1/things/%zz HTTP/1.1\r\nhost: x\r\n\r\n'), /^HTTP\/1.1 404/);
  });

  test('a client with the wrong base URL is told the right one', async () => {
    assert.match(
      await exchange('POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n'),
      /Did you mean \/v1\/echo/,
    );
    assert.match(await exchange('GET /v1/v1/echo HTTP/1.1\r\nhost: x\r\n\r\n'), /Did you mean \/v1\/echo/);
  });

  test('a bug in a handler shows nothing of itself', async () => {
    const answer = await exchange('GET /v1/broken HTTP/1.1\r\nhost: x\r\n\r\n');
    assert.match(answer, /^HTTP\/1.1 500 [\s\S]*x-request-id: id-1[\s\S]*internal_error/);
    assert.doesNotMatch(answer, /secret detail/);
  });

  test('pages of allowed origins may call, others get no permission', async () => {
    const preflight = (origin: string): Promise<Response> =>
      fetch(`http://127.0.0.1:${port}/v1/echo`, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization, content-type',
        },
      });
    const allowed = await preflight('https://app.example');
    assert.equal(allowed.status, 204);
    assert.equal(allowed.headers.get('access-control-allow-origin'), 'https://app.example');
    assert.equal(allowed.headers.get('access-control-allow-headers'), 'authorization, content-type');
    assert.equal((await preflight('https://other.example')).headers.get('access-control-allow-origin'), null);
    const get = await fetch(`http://127.0.0.1:${port}/v1/echo`, { headers: { origin: 'https://app.example' } });
    assert.match(get.headers.get('access-control-expose-headers') ?? '', /x-request-id/);
  });

  test('the header block may have 16 kB, not 4', async () => {
    const ok = await exchange(`GET /v1/echo HTTP/1.1\r\nhost: x\r\nx-long: ${'a'.repeat(12_000)}\r\n\r\n`);
    assert.match(ok, /^HTTP\/1.1 200 /);
    const tooLong = await exchange(`GET /v1/echo HTTP/1.1\r\nhost: x\r\nx-long: ${'a'.repeat(20_000)}\r\n\r\n`);
    assert.match(tooLong, /^HTTP\/1.1 431 /);
  });

  test('a port that is taken is an error, not a second server behind the first', async () => {
    const second = new FrontServer({
      routes,
      corsOrigins: [],
      nextId: () => '',
      closesConnections: () => false,
      log: pino({ level: 'silent' }),
    });
    await assert.rejects(second.listen('127.0.0.1', port), /cannot listen/);
  });
});
