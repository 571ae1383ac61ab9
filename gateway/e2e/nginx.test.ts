/**
 * The nginx configuration of `docs/deploy/` in a real nginx, with a certificate of its own, before a real gateway: streams
 * arrive as they are made, what nginx refuses looks like OpenAI's errors, and nothing is reachable that should not be.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request as plainRequest } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { Agent, type RequestOptions, request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import OpenAI from 'openai';
import { eventually, metric, type Stack, startStack, testModel } from './harness.ts';

const template = readFileSync(fileURLToPath(new URL('../../docs/deploy/nginx.conf.template', import.meta.url)), 'utf8');
const chatBody = JSON.stringify({ model: testModel, stream: true, messages: [{ role: 'user', content: 'Hello' }] });

interface Nginx {
  folder: string;
  httpPort: number;
  httpsPort: number;
  ca: Buffer;
  /** The lines of its access log. */
  logged(): Record<string, unknown>[];
  stop(): Promise<void>;
}

/** Starts nginx with the template as an operator fills it in, on ports of its own; `edit` changes it first. */
async function startNginx(gatewayPort: number, edit = (conf: string) => conf): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'gemini-pool-nginx-'));
  // The workers of a root's nginx are another user.
  chmodSync(folder, 0o711);
  const certificates = join(folder, 'live', 'localhost');
  mkdirSync(certificates, { recursive: true });
  mkdirSync(join(folder, 'www', '.well-known', 'acme-challenge'), { recursive: true, mode: 0o755 });
  const [certificate, key] = [join(certificates, 'fullchain.pem'), join(certificates, 'privkey.pem')];
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', certificate],
    ],
    { stdio: 'pipe' },
  );
  const [httpPort, httpsPort] = [await freePort(), await freePort()];
  const site = edit(template)
    .replaceAll(/\$\{DOMAIN\}/g, 'localhost')
    .replaceAll(/\$\{GATEWAY\}/g, `127.0.0.1:${gatewayPort}`)
    .replaceAll(/^ *listen \[::\].*\n/gm, '')
    .replace('listen 80;', `listen 127.0.0.1:${httpPort};`)
    .replace('listen 443 ', `listen 127.0.0.1:${httpsPort} `)
    .replaceAll('/etc/letsencrypt/', `${folder}/`)
    .replaceAll('/var/www/certbot', `${folder}/www`)
    .replaceAll('/var/log/nginx/access.log', `${folder}/access.log`);
  writeFileSync(join(folder, 'site.conf'), site);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/temp-${kind};`,
  );
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr warn;
     events {} http { ${temporary.join(' ')} include ${folder}/site.conf; }`,
  );
  const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await accepting(httpsPort, child, () => said);
  return {
    folder,
    httpPort,
    httpsPort,
    ca: readFileSync(certificate),
    logged: () =>
      readFileSync(join(folder, 'access.log'), 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line)),
    stop: async () => {
      child.kill('SIGTERM');
      await once(child, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject()));
    });
  });
}

async function accepting(port: number, child: ChildProcess, said: () => string): Promise<void> {
  const failed = once(child, 'error').then(() => assert.fail('nginx is needed: apt-get install nginx-light'));
  const listens = eventually('nginx listens', async () => {
    assert.equal(child.exitCode, null, said());
    return new Promise((resolve) => {
      const probe = request({ host: '127.0.0.1', port, rejectUnauthorized: false, path: '/health', agent: false });
      probe.on('response', () => resolve(true)).on('error', () => resolve(false));
      probe.end();
    });
  });
  await Promise.race([failed, listens]);
}

interface Asked extends RequestOptions {
  body?: string | Buffer;
}

/** Asks nginx over TLS; resolves with the head, whose body is yet to be read. */
function ask(nginx: Nginx, path: string, { body, ...options }: Asked = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', servername: 'localhost', port: nginx.httpsPort, ca: nginx.ca, path, ...options },
      resolve,
    );
    asked.on('error', reject);
    asked.end(body);
  });
}

/** All that is still to come. */
async function restOf(chunks: AsyncIterator<Buffer>): Promise<string> {
  let text = '';
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) text += String(next.value);
  return text;
}

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of answer) text += String(chunk);
  return text;
}

/** What a client of OpenAI reads of an error: its type and code. */
async function errorOf(answer: IncomingMessage): Promise<{ type: unknown; code: unknown; param: unknown }> {
  assert.match(answer.headers['content-type'] ?? '', /^application\/json/);
  const { error } = JSON.parse(await textOf(answer));
  assert.equal(typeof error.message, 'string');
  return { type: error.type, code: error.code, param: error.param };
}

/** The values of a header, one a line that was sent. */
function sent(answer: IncomingMessage, name: string): string[] {
  const values = answer.rawHeaders.filter((_, index) => index % 2 === 1);
  return values.filter((_, index) => answer.rawHeaders[index * 2]?.toLowerCase() === name);
}

describe('behind nginx', () => {
  let stack: Stack;
  let nginx: Nginx;

  before(async () => {
    stack = await startStack();
    nginx = await startNginx(stack.gateway.port);
  });
  after(async () => {
    await nginx?.stop();
    await stack?.stop();
  });

  const chat = (): Asked => ({
    method: 'POST',
    headers: { authorization: `Bearer ${stack.clientKey}`, 'content-type': 'application/json' },
    body: chatBody,
  });

  test('a stream arrives as it is made: its first chunk is here while Gemini still holds the rest back', async () => {
    await stack.simulator.reset();
    await stack.simulator.script([{ text: 'one two', chunks: 2, holdUntilReleased: 'rest', holdAfterEvents: 1 }]);
    const answer = await ask(nginx, '/v1/chat/completions', chat());
    assert.equal(answer.statusCode, 200);
    const chunks: AsyncIterator<Buffer> = answer[Symbol.asyncIterator]();
    assert.match(String((await chunks.next()).value), /^data: \{.*"content":"one/s);
    assert.equal(await stack.simulator.release('rest'), 1);
    assert.match(await restOf(chunks), /data: \[DONE\]\n\n$/);
  });

  test('over HTTP/2 as well', async () => {
    await stack.simulator.reset();
    await stack.simulator.script([{ text: 'one two', chunks: 2, holdUntilReleased: 'rest', holdAfterEvents: 1 }]);
    const session = connectHttp2(`https://localhost:${nginx.httpsPort}`, { ca: nginx.ca });
    const stream = session.request({
      ':method': 'POST',
      ':path': '/v1/chat/completions',
      authorization: `Bearer ${stack.clientKey}`,
      'content-type': 'application/json',
    });
    stream.end(chatBody);
    const chunks: AsyncIterator<Buffer> = stream[Symbol.asyncIterator]();
    assert.match(String((await chunks.next()).value), /"content":"one/);
    assert.equal(await stack.simulator.release('rest'), 1);
    assert.match(await restOf(chunks), /\[DONE\]\n\n$/);
    session.close();
  });

  test('a client that leaves ends the call to Gemini', async () => {
    await stack.simulator.reset();
    await stack.simulator.script([{ text: 'one two', chunks: 2, holdUntilReleased: 'rest', holdAfterEvents: 1 }]);
    const answer = await ask(nginx, '/v1/chat/completions', chat());
    await once(answer, 'data');
    answer.destroy();
    await eventually('the call ends', async () => (await stack.simulator.stats()).aborted === 1);
    await eventually('no lease is out', async () => (await metric(stack.gateway, 'gemini_pool_leases')) === 0);
  });

  test("OpenAI's SDK works through it, with a body larger than nginx keeps in memory", async () => {
    await stack.simulator.reset();
    const agent = new Agent({ ca: nginx.ca });
    const openai = new OpenAI({
      baseURL: `https://localhost:${nginx.httpsPort}/v1`,
      apiKey: stack.clientKey,
      maxRetries: 0,
      // Node's fetch takes no certificate of its own: asked over the client above.
      fetch: async (_url, init) => {
        const answer = await ask(nginx, '/v1/chat/completions', {
          agent,
          method: 'POST',
          headers: Object.fromEntries(new Headers(init?.headers)),
          body: String(init?.body),
        });
        const head = { 'content-type': answer.headers['content-type'] ?? '' };
        return new Response(await textOf(answer), { status: answer.statusCode ?? 0, headers: head });
      },
    });
    const completion = await openai.chat.completions.create({
      model: testModel,
      messages: [{ role: 'user', content: 'sea '.repeat(500_000) }],
    });
    assert.equal(completion.choices[0]?.finish_reason, 'stop');
    agent.destroy();
  });

  test('TLS is of today, and plain HTTP leads to it with method and path kept', async () => {
    const answer = await ask(nginx, '/health');
    assert.equal((answer.socket as TLSSocket).getProtocol(), 'TLSv1.3');
    answer.resume();
    const redirect = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = plainRequest({
        host: '127.0.0.1',
        port: nginx.httpPort,
        method: 'POST',
        path: '/v1/models?a=b',
        headers: { host: 'localhost' },
      });
      asked.on('response', resolve).on('error', reject).end();
    });
    assert.equal(redirect.statusCode, 308);
    assert.equal(redirect.headers.location, 'https://localhost/v1/models?a=b');
    redirect.resume();
  });

  test('the answers to the certificate authority are served over plain HTTP', async () => {
    writeFileSync(join(nginx.folder, 'www', '.well-known', 'acme-challenge', 'token'), 'proof', { mode: 0o644 });
    const answer = await fetch(`http://127.0.0.1:${nginx.httpPort}/.well-known/acme-challenge/token`);
    assert.equal(await answer.text(), 'proof');
  });

  for (const path of ['/', '/v1/models', '/health', '/admin/api/dashboard', '/metrics', '/nowhere'])
    test(`${path}: the safety headers are there, once each`, async () => {
      const answer = await ask(nginx, path);
      answer.resume();
      assert.deepEqual(sent(answer, 'strict-transport-security'), ['max-age=31536000']);
      assert.deepEqual(sent(answer, 'x-content-type-options'), ['nosniff']);
      assert.deepEqual(sent(answer, 'referrer-policy'), ['no-referrer']);
      assert.deepEqual(sent(answer, 'x-frame-options'), ['DENY']);
      assert.deepEqual(sent(answer, 'server'), ['nginx'], 'no version');
      assert.deepEqual(sent(answer, 'uwebsockets'), []);
      assert.ok(sent(answer, 'x-request-id').length <= 1);
      assert.ok(sent(answer, 'access-control-allow-origin').length <= 1);
    });

  for (const path of [
    '/metrics',
    '/metrics?a',
    '/metrics/',
    '//metrics',
    '/%6detrics',
    '/v1/../metrics',
    '/v1/%2e%2e/metrics',
    '/./metrics',
    '/metrics#a',
    '/metrics%00',
  ])
    test(`${path} shows no figures, although the gateway would show them to its own host`, async () => {
      assert.match(await (await fetch(`${stack.gateway.url}/metrics`)).text(), /gemini_pool_requests_in_flight/);
      const answer = await ask(nginx, path);
      assert.ok([400, 404].includes(answer.statusCode ?? 0), String(answer.statusCode));
      assert.doesNotMatch(await textOf(answer), /gemini_pool_/);
    });

  test('a body over the limit is refused at once, in the shape of OpenAI', async () => {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = request({
        host: '127.0.0.1',
        servername: 'localhost',
        port: nginx.httpsPort,
        ca: nginx.ca,
        agent: false,
        path: '/v1/chat/completions',
        method: 'POST',
        headers: { 'content-length': 33 * 1024 * 1024 },
      });
      // Only announced: the answer comes before any of it was sent.
      asked.on('response', resolve).on('error', reject).flushHeaders();
    });
    assert.equal(answer.statusCode, 413);
    assert.equal((await errorOf(answer)).code, 'request_too_large');
    answer.destroy();
  });

  test("the gateway's own errors pass as they are", async () => {
    await stack.simulator.reset();
    await stack.simulator.script([{ error: { preset: 'rate_limit_minute', retryDelay: '30s' } }]);
    const answer = await ask(nginx, '/v1/chat/completions', chat());
    assert.equal(answer.statusCode, 429);
    assert.ok(Number(answer.headers['retry-after']) > 1);
    assert.deepEqual(sent(answer, 'retry-after').length, 1);
    assert.match(await textOf(answer), /All Gemini keys are resting/);
    const unknown = await ask(nginx, '/v1/models');
    assert.equal(unknown.statusCode, 401);
    assert.equal((await errorOf(unknown)).code, 'missing_api_key');
  });

  test('the log has the address that the client really has, whatever the client says, and no query', async () => {
    const answer = await ask(nginx, '/health?secret=rain', {
      agent: false,
      localAddress: '127.0.0.3',
      headers: {
        'x-forwarded-for': '203.0.113.9',
        'x-real-ip': '203.0.113.9',
        'user-agent': 'quote"and\nline'.slice(0, 9),
      },
    });
    await textOf(answer);
    await eventually('the line is written', () => nginx.logged().some(({ address }) => address === '127.0.0.3'));
    const line = nginx.logged().find(({ address }) => address === '127.0.0.3');
    assert.equal(line?.['path'], '/health');
    assert.equal(line?.['status'], 200);
    assert.equal(line?.['agent'], 'quote"and');
    assert.doesNotMatch(readFileSync(join(nginx.folder, 'access.log'), 'utf8'), /203\.0\.113\.9|secret/);
  });

  describe('limits by address', () => {
    let limited: Nginx;
    before(async () => {
      // As shipped but for the rates: what is refused then depends on the bursts alone, not on the speed of this machine.
      limited = await startNginx(stack.gateway.port, (conf) => conf.replaceAll(/rate=\d+r\/[sm]/g, 'rate=1r/m'));
    });
    after(() => limited?.stop());

    for (const [zone, path] of [
      ['v1', '/v1/models'],
      ['login', '/admin/api/auth/login'],
      ['admin', '/admin/api/dashboard'],
      ['panel', '/login.html'],
    ] as const)
      test(`${path}: one more than the burst of ${zone} is answered 429 in the shape of OpenAI`, async () => {
        const burst = Number(new RegExp(`zone=${zone} burst=(\\d+)`).exec(template)?.[1]);
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        for (let i = 0; i <= burst; i++) {
          const answer = await ask(limited, path, { agent });
          assert.notEqual(answer.statusCode, 429, `request ${i + 1} of ${burst + 1}`);
          await textOf(answer);
        }
        const answer = await ask(limited, path, { agent });
        assert.equal(answer.statusCode, 429);
        assert.deepEqual(sent(answer, 'retry-after'), ['1']);
        assert.match(sent(answer, 'x-request-id').join(), /^[0-9a-f]{32}$/);
        assert.deepEqual(sent(answer, 'strict-transport-security'), ['max-age=31536000']);
        assert.deepEqual(await errorOf(answer), { type: 'rate_limit_error', code: 'rate_limit_exceeded', param: null });
        const health = await ask(limited, '/health', { agent });
        assert.equal(health.statusCode, 200, 'health is not limited');
        health.resume();
        agent.destroy();
      });

    test('another address has a limit of its own', async () => {
      const answer = await ask(limited, '/v1/models', { agent: false, localAddress: '127.0.0.4' });
      assert.equal(answer.statusCode, 401);
      answer.resume();
    });
  });

  test('while the gateway is down, answers say so in the shape of OpenAI', async () => {
    const alone = await startNginx(await freePort());
    try {
      const answer = await ask(alone, '/v1/models');
      assert.equal(answer.statusCode, 502);
      assert.deepEqual(sent(answer, 'retry-after'), ['2']);
      assert.deepEqual(await errorOf(answer), { type: 'server_error', code: 'gateway_unreachable', param: null });
    } finally {
      await alone.stop();
    }
  });
});
