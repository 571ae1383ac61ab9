/** The simulator's HTTP server, on uWebSockets.js: reads heads and bodies, and hands requests on. */

import { App, type HttpRequest, type HttpResponse, us_socket_local_port } from 'uWebSockets.js';
import { isUtf8 } from 'node:buffer';
import type { RequestRecord } from './books.ts';
import { type ControlTools, control, controlPrefix } from './control.ts';
import type { GeminiApi, Incoming } from './gemini-api.ts';

export interface ServerOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  api: GeminiApi;
  controlTools: ControlTools;
}

const invalidUtf8 = '\u0000';

/** Opens the socket; resolves with the port. */
export function startServer({ host, port, api, controlTools }: ServerOptions): Promise<number> {
  const app = App({});
  app.any('/*', (res, req) => {
    const incoming = readHead(req);
    let record: RequestRecord | null = null;
    let isGone = false;
    res.onAborted(() => {
      isGone = true;
      if (record !== null) controlTools.books.close(record, 'aborted');
    });
    readBody(res, (body) => {
      if (isGone) return;
      if (incoming.path.startsWith(controlPrefix)) answerControl(res, incoming, body, controlTools);
      else record = api.handle(incoming, body, res);
    });
  });
  return new Promise((resolve, reject) => {
    app.listen(host, port, (socket) => {
      if (socket === false) reject(new Error(`cannot listen on ${host}:${port}`));
      else resolve(us_socket_local_port(socket));
    });
  });
}

function readHead(req: HttpRequest): Incoming {
  return {
    httpMethod: req.getMethod(),
    path: req.getUrl(),
    // Undefined without a question mark, whatever the typings say.
    query: req.getQuery() ?? '',
    key: req.getHeader('x-goog-api-key'),
    hasAuthorization: req.getHeader('authorization') !== '',
  };
}

function readBody(res: HttpResponse, done: (body: string) => void): void {
  let earlier: Buffer[] | null = null;
  res.onData((chunk, isLast) => {
    if (isLast && earlier === null) {
      done(decoded(Buffer.from(chunk)));
      return;
    }
    // Copied, because the server takes its buffer back.
    earlier ??= [];
    earlier.push(Buffer.from(Buffer.from(chunk)));
    if (isLast) done(decoded(Buffer.concat(earlier)));
  });
}

/** A body that is not UTF-8 becomes one that is no JSON either. */
function decoded(bytes: Buffer): string {
  const text = bytes.toString();
  return text.includes('\ufffd') && !isUtf8(bytes) ? invalidUtf8 : text;
}

function answerControl(
  res: HttpResponse,
  { httpMethod, path, query }: Incoming,
  body: string,
  tools: ControlTools,
): void {
  const reply = control(httpMethod, path, query, body, tools);
  res.cork(() => {
    res
      .writeStatus(String(reply.status))
      .writeHeader('content-type', 'application/json')
      .end(JSON.stringify(reply.body));
  });
}
