/** How the panel is served: under all its addresses, compressed, cached for as long as it is right, under a strict policy. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import pino from 'pino';
import { FrontServer } from './front-server.ts';
import { panelPages } from './panel-assets.ts';

const built = fileURLToPath(new URL('../dist/admin/', import.meta.url));
const gzipBytesMax = 60_000;

interface Got {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

describe('the panel', () => {
  const server = new FrontServer({
    routes: panelPages({ warn: () => {} }),
    corsOrigins: ['*'],
    nextId: () => 'id-1',
    closesConnections: () => false,
    log: pino({ level: 'silent' }),
  });
  let port = 0;

  before(async () => {
    assert.ok(existsSync(`${built}manifest.json`), 'the panel is not built: npm run build');
    port = await server.listen('127.0.0.1', 0);
  });
  after(() => server.close());

  /** As it comes over the wire: fetch would unpack it. */
  function get(path: string, headers: Record<string, string> = {}): Promise<Got> {
    return new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port, path, headers }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }),
        );
      })
        .on('error', reject)
        .end();
    });
  }

  async function assetPaths(): Promise<string[]> {
    const page = (await get('/')).body.toString();
    return [...page.matchAll(/(?:src|href)="(\/admin\/assets\/[^"]+)"/g)].map((match) => match[1] ?? '');
  }

  for (const path of ['/', '/login.html', '/management.html', '/admin', '/admin/requests', '/admin/client-keys/abc'])
    test(`${path} is the page, under a policy that lets nothing else in`, async () => {
      const { status, headers, body } = await get(path);
      assert.equal(status, 200);
      assert.match(String(headers['content-type']), /^text\/html/);
      const policy = String(headers['content-security-policy']);
      for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"])
        assert.ok(policy.split('; ').includes(part), part);
      assert.doesNotMatch(policy, /unsafe|\*/);
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['referrer-policy'], 'no-referrer');
      assert.equal(headers['cache-control'], 'no-cache');
      // Nothing in it needs an exception from the policy.
      assert.doesNotMatch(body.toString(), /<script(?![^>]*\ssrc=)|\son\w+=|\sstyle=/);
    });

  test('assets are kept for ever, since their names change with their content', async () => {
    const paths = await assetPaths();
    assert.ok(paths.length >= 2, paths.join());
    for (const path of paths) {
      const { status, headers, body } = await get(path);
      assert.equal(status, 200, path);
      assert.equal(headers['cache-control'], 'public, max-age=31536000, immutable');
      assert.match(path, /-[A-Z0-9]{8}\.(js|css)$/);
      const br = await get(path, { 'accept-encoding': 'gzip, deflate, br' });
      assert.equal(br.headers['content-encoding'], 'br');
      assert.ok(brotliDecompressSync(br.body).equals(body));
      const gz = await get(path, { 'accept-encoding': 'gzip, br;q=0' });
      assert.equal(gz.headers['content-encoding'], 'gzip');
      assert.ok(gunzipSync(gz.body).equals(body));
      assert.ok(br.body.length < gz.body.length && gz.body.length < body.length);
    }
  });

  test('what a browser has is not sent again', async () => {
    const { headers } = await get('/', { 'accept-encoding': 'br' });
    const again = await get('/', { 'accept-encoding': 'br', 'if-none-match': String(headers['etag']) });
    assert.deepEqual([again.status, again.body.length], [304, 0]);
    assert.equal(again.headers['content-length'], undefined);
    assert.ok(again.headers['content-security-policy']);
    assert.equal((await get('/', { 'if-none-match': '"another"' })).status, 200);
  });

  test('what is not there is said as the API says it', async () => {
    for (const path of ['/admin/assets/main.js', '/admin/assets/..%2fmanifest.json', '/admin/api'])
      assert.ok([400, 404].includes((await get(path)).status), path);
  });

  test(`all of it stays below ${gzipBytesMax} bytes of gzip`, () => {
    const sizes = readdirSync(built)
      .filter((name) => name.endsWith('.gz'))
      .map((name) => readFileSync(`${built}${name}`).length);
    const sum = sizes.reduce((all, size) => all + size, 0);
    assert.ok(sum > 0 && sum < gzipBytesMax, `${sum} bytes`);
  });
});
