/** S-18: servers that lie, dawdle or never end, and what comes of those that do it right. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createRawServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { answering, closers, listen, local, media, param, png, refuses, serve } from './e2e/remote-media-stand.ts';

const jpeg = Buffer.from('ffd8ffe000104a46494600010100000100010000ffd9', 'hex');
const pdf = Buffer.from('%PDF-1.7\n%%EOF\n');
const wav = Buffer.concat([Buffer.from('RIFF\x24\0\0\0WAVEfmt ', 'latin1'), Buffer.alloc(32)]);

describe('what is downloaded', () => {
  const taken: [string, Buffer, string | undefined, string][] = [
    ['an image by its header', png, 'image/png', 'image/png'],
    ['parameters and case of the header', png, 'Image/PNG; charset=binary', 'image/png'],
    ['a JPEG that is declared as PNG', jpeg, 'image/png', 'image/jpeg'],
    ['an image without a type', png, undefined, 'image/png'],
    ['an image as octets', png, 'application/octet-stream', 'image/png'],
    ['an image as plain text', png, 'text/plain', 'image/png'],
    ['a PDF', pdf, 'application/pdf', 'application/pdf'],
    ['a sound under an odd name', wav, 'audio/x-wav', 'audio/wav'],
    ['a sound without a signature', Buffer.from([0xff, 0xf1, 0x50, 0x80]), 'audio/aac', 'audio/aac'],
    ['plain text', Buffer.from('Grüße'), 'text/plain; charset=utf-8', 'text/plain'],
  ];
  for (const [what, bytes, type, mimeType] of taken)
    test(what, async () => {
      const url = await answering(bytes, type === undefined ? {} : { 'content-type': type });
      assert.deepEqual(await media(local).fetch(url, param), { mimeType, base64: bytes.toString('base64') });
    });

  test('the request asks for identity, keeps the name and the query, and carries nothing else', async () => {
    let seen: unknown;
    const url = await serve((request, response) => {
      seen = { url: request.url, ...request.headers };
      response.writeHead(200, { 'content-type': 'image/png' }).end(png);
    });
    const { port } = new URL(url);
    await media(local).fetch(`http://pictures.example:${port}/a%20b.png?x=1#frag`, param);
    assert.deepEqual(seen, {
      url: '/a%20b.png?x=1',
      host: `pictures.example:${port}`,
      connection: 'close',
      accept: '*/*',
      'accept-encoding': 'identity',
      'user-agent': 'gemini-pool',
    });
  });

  test('a body of exactly the cap passes', async () => {
    const url = await answering(png, { 'content-type': 'image/png' });
    assert.ok(await media({ ...local, bytesMax: png.length }).fetch(url, param));
  });
});

describe('S-18, §10.32: servers that answer wrongly', () => {
  const wrong: [string, Promise<string>, RegExp][] = [
    ['redirect', answering('', { location: 'http://169.254.169.254/' }, 302), /answered 302, and redirects/],
    ['not found', answering('secret page', { 'content-type': 'image/png' }, 404), /it answered 404\.$/],
    ['no content', answering('', {}, 204), /answered 204/],
    ['partial', answering(png, { 'content-type': 'image/png' }, 206), /answered 206/],
    ['empty', answering('', { 'content-type': 'image/png' }), /empty body/],
    ['HTML', answering('<html>', { 'content-type': 'text/html; charset=utf-8' }), /text\/html, which Gemini/],
    ['SVG', answering('<svg/>', { 'content-type': 'image/svg+xml' }), /image\/svg\+xml, which/],
    ['GIF as PNG', answering('GIF89a', { 'content-type': 'image/png' }), /image\/gif, which/],
    ['a type that is no type', answering('x', { 'content-type': '10.0.0.1 <b>' }), /of an unknown type/],
    ['HTML as PNG', answering('<!doctype html>', { 'content-type': 'image/png' }), /declared as image\/png, but/],
    ['HTML as sound', answering('<html>', { 'content-type': 'audio/mpeg' }), /declared as audio\/mpeg, but/],
    ['PDF as image', answering(pdf, { 'content-type': 'image/jpeg' }), /declared as image\/jpeg, but/],
    ['image as PDF', answering(png, { 'content-type': 'application/pdf' }), /declared as application\/pdf, but/],
    ['bytes as text', answering('\xff\xfe\0', { 'content-type': 'text/csv' }), /declared as text\/csv, but/],
    ['no type, no signature', answering('hello'), /neither declared nor known/],
    ['gzip', answering(gzipSync(png), { 'content-type': 'image/png', 'content-encoding': 'gzip' }), /compressed/],
    ['an announced length', answering(Buffer.alloc(2_000), { 'content-type': 'image/png' }), /larger than 1000 bytes/],
  ];
  for (const [what, url, pattern] of wrong)
    test(what, async () => refuses(media({ ...local, bytesMax: 1_000 }).fetch(await url, param), pattern));

  test('endless body: ends at the cap, and the connection with it', async () => {
    let closed: Promise<unknown> = Promise.resolve();
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'image/png' });
      closed = once(response, 'close');
      const pour = (): void => {
        while (response.write(Buffer.alloc(16_384)));
        response.once('drain', pour);
      };
      pour();
    });
    await refuses(media({ ...local, bytesMax: 100_000 }).fetch(url, param), /larger than 100000 bytes/);
    await closed;
  });

  test('slow body, silent server and slow lookup: end at the deadline', async () => {
    const dripping = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'image/png' });
      const timer = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(timer));
    });
    const silent = await serve(() => {});
    const slow = media({ ...local, deadlineMs: 250 });
    await refuses(slow.fetch(dripping, param), /it took longer than 0\.25 seconds/);
    await refuses(slow.fetch(silent, param), /it took longer than/);
    const stuck = media({ ...local, deadlineMs: 50, lookup: () => new Promise(() => {}) });
    await refuses(stuck.fetch('http://pictures.example/', param), /it took longer than/);
  });

  test('garbage, a cut body, an endless head and a refused connection are faults of the connection', async () => {
    const raw = async (answer: string) => {
      const server = createRawServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => socket.end(answer));
      });
      return `http://127.0.0.1:${await listen(server)}`;
    };
    const plain = media(local);
    await refuses(plain.fetch(await raw('garbage\r\n\r\n'), param), /not valid HTTP/);
    await refuses(
      plain.fetch(await raw(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`), param),
      /not valid HTTP/,
    );
    await refuses(
      plain.fetch(await raw('HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 99\r\n\r\n\x89PNG'), param),
      /the connection failed/,
    );
    await refuses(plain.fetch('http://127.0.0.1:1/', param), /the connection failed/);
  });

  test('the kind of what was asked for is named', async () => {
    const url = await answering('', {}, 404);
    for (const [path, noun] of [
      ['messages[0].content[0].file.file_data', 'file'],
      ['messages[0].content[0].video_url.url', 'video'],
    ] as const)
      await assert.rejects(
        media(local).fetch(url, path),
        new RegExp(`The ${noun} at '${path.replace(/[[\]]/g, '\\$&')}`),
      );
  });
});

describe('the end', () => {
  test('close ends what is under way, and what comes later', async () => {
    const open = media(local);
    const download = open.fetch(await serve(() => {}), param);
    const ended = assert.rejects(download, { code: 'shutting_down' });
    await open.close();
    await ended;
    await assert.rejects(open.fetch('https://pictures.example/', param), { code: 'shutting_down' });
  });

  test('a caller that gives up ends the download', async () => {
    const caller = new AbortController();
    let connected = (): void => {};
    const arrived = new Promise<void>((resolve) => {
      connected = resolve;
    });
    const url = await serve(() => connected());
    const download = refuses(media(local).fetch(url, param, caller.signal), /given up/);
    await arrived;
    caller.abort();
    await download;
    await refuses(media(local).fetch(url, param, caller.signal), /given up/);
  });
});

test('TLS: the certificate is checked for the name, which is sent as SNI', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'remote-media-'));
  closers.push(() => rmSync(directory, { recursive: true }));
  const [keyFile, certFile] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  const subject = ['-subj', '/CN=pictures.example', '-addext', 'subjectAltName=DNS:pictures.example'];
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile];
  execFileSync('openssl', ['req', '-x509', ...newKey, ...subject, '-out', certFile, '-days', '2'], { stdio: 'ignore' });
  const ca = readFileSync(certFile, 'utf8');
  const names: unknown[] = [];
  const server = createTlsServer({ key: readFileSync(keyFile), cert: ca }, (request, response) => {
    names.push('servername' in request.socket && request.socket.servername, request.headers.host);
    response.end(png);
  });
  const port = await listen(server);
  const trusting = media({ ...local, ca });
  assert.equal((await trusting.fetch(`https://pictures.example:${port}/`, param)).mimeType, 'image/png');
  assert.deepEqual(names, ['pictures.example', `pictures.example:${port}`]);
  await refuses(trusting.fetch(`https://other.example:${port}/`, param), /no trusted TLS connection/);
  await refuses(media(local).fetch(`https://pictures.example:${port}/`, param), /no trusted TLS connection/);
  assert.equal(names.length, 2);
});
