/** Servers on loopback and downloads from them, for the tests of remote media. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { Server as RawServer } from 'node:net';
import { after } from 'node:test';
import { GatewayError } from '../../shared/errors.ts';
import { RemoteMedia, type RemoteMediaOptions } from '../remote-media.ts';

export const param = 'messages[0].content[1].image_url.url';
export const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
export const closers: (() => unknown)[] = [];
after(async () => {
  for (const close of closers) await close();
});

export function media(options: Partial<RemoteMediaOptions> = {}): RemoteMedia {
  const made = new RemoteMedia({ allowPrivate: false, connectTimeoutMs: 2_000, ...options });
  closers.push(() => made.close());
  return made;
}

/** What may reach the servers of these tests. */
export const local = {
  allowPrivate: true,
  allowHttp: true,
  allowAnyPort: true,
  lookup: () => Promise.resolve(['127.0.0.1']),
};

export async function listen(server: Server | RawServer, host = '127.0.0.1', port = 0): Promise<number> {
  server.listen(port, host);
  await once(server, 'listening');
  closers.push(() => {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}

export async function serve(handler: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listen(createServer(handler))}`;
}

export function answering(body: string | Buffer, headers: Record<string, string> = {}, status = 200): Promise<string> {
  return serve((_request, response) => response.writeHead(status, headers).end(body));
}

export async function refuses(download: Promise<unknown>, pattern: RegExp): Promise<void> {
  await assert.rejects(download, (error) => {
    assert.ok(error instanceof GatewayError, String(error));
    assert.equal(error.code, 'invalid_value');
    assert.equal(error.detail.param, param);
    assert.match(error.message, pattern);
    assert.match(
      error.message,
      /^The image at 'messages\[0\]\.content\[1\]\.image_url\.url' could not be downloaded: /,
    );
    assert.doesNotMatch(error.message, /\d+\.\d+\.\d+\.\d+|::/, 'no address is told');
    return true;
  });
}
