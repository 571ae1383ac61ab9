/**
 * The HTTP server, on uWebSockets.js: framing that its parser is lax about is refused here, then the route is looked up
 * by exact path and its handler called. Every thrown error becomes an answer in OpenAI's shape; nothing else in the
 * gateway sees the server.
 */

import type { HttpRequest, HttpResponse, TemplatedApp, us_listen_socket } from 'uWebSockets.js';
import { allowLargeHeaders } from '../shared/config.ts';
import { GatewayError, toPlainError } from '../shared/errors.ts';
import { limits } from '../shared/limits.ts';
import type { Logger } from '../shared/log.ts';
import type { Call, Method } from './call.ts';
import type { ClientAddress } from './client-address.ts';
import { Downstream, type Headers } from './downstream.ts';
import { cannotListen, requireFreePort } from './free-port.ts';
import { replyError } from './reply.ts';
import { findRoute, type Route, unknownUrlHint } from './route-table.ts';

// What the binary offers and its typings leave out: a host together with options.
declare module 'uWebSockets.js' {
  export const LIBUS_LISTEN_EXCLUSIVE_PORT: ListenOptions;
  interface TemplatedApp {
    listen(
      host: string,
      port: number,
      options: ListenOptions,
      done: (listenSocket: us_listen_socket | false) => void,
    ): TemplatedApp;
  }
}

export interface FrontServerOptions {
  routes: readonly Route[];
  corsOrigins: readonly string[];
  /** Tells the client's address where proxies stand before it; that of the peer when left out. */
  clientAddress?: ClientAddress;
  /** Makes the id of an answer that never became a completion. */
  nextId: () => string;
  /** True when connections are to be closed after their answer, during a stop. */
  closesConnections: () => boolean;
  log: Logger;
}

/** The header fields that the gateway reads, gathered in one pass over the header block. */
class HeadFields {
  contentLengths = 0;
  contentLength = '';
  transferEncodings = 0;
  transferEncoding = '';
  authorization = '';
  contentType = '';
  contentEncoding = '';
  acceptEncoding = '';
  ifNoneMatch = '';
  origin = '';
  strict = '';
  forwardedFor = '';
  requestedHeaders = '';

  read(req: HttpRequest): void {
    req.forEach((name, value) => {
      switch (name) {
        case 'content-length':
          this.contentLengths++;
          this.contentLength = value;
          return;
        case 'transfer-encoding':
          this.transferEncodings++;
          this.transferEncoding = value;
          return;
        case 'authorization':
          this.authorization = value;
          return;
        case 'content-type':
          this.contentType = value;
          return;
        case 'content-encoding':
          this.contentEncoding = value.toLowerCase();
          return;
        case 'accept-encoding':
          this.acceptEncoding = value;
          return;
        case 'if-none-match':
          this.ifNoneMatch = value;
          return;
        case 'origin':
          this.origin = value;
          return;
        case 'x-forwarded-for':
          this.forwardedFor += this.forwardedFor === '' ? value : `,${value}`;
          return;
        case 'x-gemini-pool-strict':
          this.strict = value;
          return;
        case 'access-control-request-headers':
          this.requestedHeaders = value;
          return;
        default:
      }
    });
  }

  /** What uWebSockets.js lets pass although two parsers could read it in two ways; null when the framing is sound. */
  framingFault(): string | null {
    if (this.contentLengths > 1) return 'Content-Length is given more than once.';
    if (this.contentLengths === 1 && !/^\d{1,15}$/.test(this.contentLength)) return 'Content-Length is not a number.';
    if (this.transferEncodings > 1) return 'Transfer-Encoding is given more than once.';
    if (this.transferEncodings === 1 && this.transferEncoding.toLowerCase() !== 'chunked')
      return 'Transfer-Encoding other than chunked is not supported.';
    return null;
  }
}

const knownMethods: Readonly<Record<string, Method>> = {
  GET: 'GET',
  HEAD: 'GET',
  POST: 'POST',
  PUT: 'PUT',
  DELETE: 'DELETE',
};
/** What pages of other origins may read of answers: a browser hides headers that are not named here. */
const exposedHeaders = [
  'x-request-id',
  'x-gemini-pool-warnings',
  'retry-after',
  'retry-after-ms',
  ...['requests', 'tokens', 'cost', 'streams'].flatMap((what) =>
    ['limit', 'remaining', 'reset'].map((figure) => `x-ratelimit-${figure}-${what}`),
  ),
].join(', ');
const preflightMaxAgeSeconds = '86400';

export class FrontServer {
  readonly #options: FrontServerOptions;
  #app: TemplatedApp | null = null;
  #listening: us_listen_socket | null = null;
  readonly #unsent = { count: 0 };

  constructor(options: FrontServerOptions) {
    this.#options = options;
  }

  /** Opens the socket; resolves with the port, which matters when 0 was asked for. Rejects when it can't be opened. */
  async listen(host: string, port: number): Promise<number> {
    // The module reads its header cap from the environment as it loads, so it can't be imported at the top.
    allowLargeHeaders(limits.requestHeadersBytesMax);
    const { App, us_socket_local_port } = await import('uWebSockets.js');
    await requireFreePort(host, port);
    const app = App({});
    app.any('/*', (res, req) => this.#handle(res, req));
    this.#app = app;
    return new Promise((resolve, reject) => {
      app.listen(host, port, (socket) => {
        if (socket === false) {
          reject(cannotListen(host, port));
          return;
        }
        this.#listening = socket;
        resolve(us_socket_local_port(socket));
      });
    });
  }

  /** Answers that have ended while their clients have still to take some of them. */
  get unsentAnswers(): number {
    return this.#unsent.count;
  }

  /** Takes no new connections; those that are open go on. */
  async stopAccepting(): Promise<void> {
    if (this.#listening === null) return;
    const { us_listen_socket_close } = await import('uWebSockets.js');
    us_listen_socket_close(this.#listening);
    this.#listening = null;
  }

  /** Closes every connection at once. */
  close(): void {
    this.#app?.close();
    this.#app = null;
  }

  #handle(res: HttpResponse, req: HttpRequest): void {
    const fields = new HeadFields();
    fields.read(req);
    const rawMethod = req.getCaseSensitiveMethod();
    const path = req.getUrl();
    const isShared = isSharedPath(path);
    const down = new Downstream(res, {
      headers: isShared ? this.#corsHeaders(fields.origin) : [],
      isHead: rawMethod === 'HEAD',
      // Chunked bodies: uWebSockets.js accepts chunk framing that others read differently, so nothing may follow one.
      closeAfter: fields.transferEncodings > 0 || this.#options.closesConnections(),
      unsent: this.#unsent,
    });
    try {
      const fault = fields.framingFault() ?? pathFault(path);
      if (fault !== null) {
        down.closeAfterwards();
        throw new GatewayError('bad_framing', { message: fault });
      }
      if (rawMethod === 'OPTIONS' && isShared) this.#preflight(down, fields);
      // Without a header that allows anything, a browser goes no further.
      else if (rawMethod === 'OPTIONS') down.reply(204, [], '');
      else this.#route(rawMethod, path, req.getQuery() ?? '', fields, down);
    } catch (error) {
      this.#fail(down, error);
    }
  }

  #route(rawMethod: string, path: string, query: string, fields: HeadFields, down: Downstream): void {
    const found = findRoute(this.#options.routes, path);
    if (found === null)
      throw new GatewayError('unknown_url', { message: unknownUrlHint(this.#options.routes, rawMethod, path) });
    const method = knownMethods[rawMethod];
    const handler = method === undefined ? undefined : found.route.methods[method];
    if (method === undefined || handler === undefined) {
      const allowed = Object.keys(found.route.methods).join(', ');
      down.addHeaders([['allow', allowed]]);
      throw new GatewayError('method_not_allowed', { message: `This URL answers to ${allowed}.` });
    }
    const call: Call = {
      method,
      path,
      query,
      id: found.id,
      authorization: fields.authorization,
      contentType: fields.contentType,
      contentEncoding: fields.contentEncoding,
      acceptEncoding: fields.acceptEncoding,
      ifNoneMatch: fields.ifNoneMatch,
      isStrict: /^(1|true|yes|on)$/i.test(fields.strict),
      contentLength: fields.contentLengths === 1 ? Number(fields.contentLength) : null,
      actor: null,
      isForwarded: fields.forwardedFor !== '',
      remoteAddress: () => (down.isOver ? '' : this.#addressOf(down, fields.forwardedFor)),
      down,
    };
    const pending = handler(call);
    pending?.catch((error: unknown) => this.#fail(down, error));
  }

  #addressOf({ res }: Downstream, forwardedFor: string): string {
    const peer = Buffer.from(res.getRemoteAddressAsText()).toString();
    return this.#options.clientAddress?.(peer, forwardedFor) ?? peer;
  }

  #preflight(down: Downstream, { requestedHeaders }: HeadFields): void {
    const headers: [string, string][] = [
      ['access-control-allow-methods', 'GET, POST, PUT, DELETE, OPTIONS'],
      ['access-control-max-age', preflightMaxAgeSeconds],
    ];
    // Authorization is not covered by a wildcard, so what the browser asks for is granted by name.
    if (/^[\w\-, ]+$/.test(requestedHeaders)) headers.push(['access-control-allow-headers', requestedHeaders]);
    down.reply(204, headers, '');
  }

  #corsHeaders(origin: string): Headers {
    const { corsOrigins } = this.#options;
    if (origin === '' || !(corsOrigins.includes('*') || corsOrigins.includes(origin))) return [];
    return corsOrigins.includes('*')
      ? [
          ['access-control-allow-origin', '*'],
          ['access-control-expose-headers', exposedHeaders],
        ]
      : [
          ['access-control-allow-origin', origin],
          ['vary', 'origin'],
          ['access-control-expose-headers', exposedHeaders],
        ];
  }

  #fail(down: Downstream, error: unknown): void {
    const requestId = this.#options.nextId();
    // The last resort: what is not in the catalogue is a bug, and its text stays in the log.
    if (!(error instanceof GatewayError))
      this.#options.log.error({ err: error, requestId }, 'unexpected error in a handler');
    replyError(down, toPlainError(error), requestId);
  }
}

/** Paths that web pages of other origins may call: the clients' API. The admin API and the panel are nobody else's. */
function isSharedPath(path: string): boolean {
  return path === '/v1' || path.startsWith('/v1/');
}

/** Paths that another server on the way could read in another way. */
function pathFault(path: string): string | null {
  return /\/\/|\.\.|%2e|%00|\0/i.test(path) ? 'The path is not in its plain form.' : null;
}
