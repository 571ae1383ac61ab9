/**
 * An upstream of exact bytes, for faults that the simulator's own HTTP server would not commit: what a model does with
 * its socket is scripted by the model's name. Lives in the test's process, so that a test can hold and look at sockets.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

export interface RawRequest {
  /** Request line and headers, as they came. */
  readonly head: string;
  readonly body: string;
  readonly model: string;
  readonly key: string;
  readonly isStream: boolean;
  /** How many requests for this model came before it. */
  readonly earlier: number;
  /** How many requests came before it on the same connection. */
  readonly earlierHere: number;
}

/** What is done with the socket once a request is there. */
export type Behaviour = (socket: Socket, request: RawRequest) => unknown;

export class RawUpstream {
  readonly #server: Server;
  readonly #behaviours = new Map<string, Behaviour>();
  readonly sockets = new Set<Socket>();
  readonly requests: RawRequest[] = [];

  constructor() {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this.url;
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}`;
  }

  /** Says what happens to requests for `model`; all others get a good answer. */
  on(model: string, behaviour: Behaviour): void {
    this.#behaviours.set(model, behaviour);
  }

  /** The requests for a model so far. */
  asked(model: string): RawRequest[] {
    return this.requests.filter((request) => request.model === model);
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  #serve(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => undefined);
    let received = '';
    let served = 0;
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      for (;;) {
        const headEnd = received.indexOf('\r\n\r\n');
        if (headEnd < 0) return;
        const head = received.slice(0, headEnd);
        const bodyEnd = headEnd + 4 + Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
        if (received.length < bodyEnd) return;
        const body = Buffer.from(received.slice(headEnd + 4, bodyEnd), 'latin1').toString('utf8');
        received = received.slice(bodyEnd);
        this.#answer(socket, head, body, served++);
      }
    });
  }

  #answer(socket: Socket, head: string, body: string, earlierHere: number): void {
    const [, model = '', method = ''] = /\/models\/([^:]+):(\w+)/.exec(head) ?? [];
    const request: RawRequest = {
      head,
      body,
      model,
      key: /x-goog-api-key: (\S+)/i.exec(head)?.[1] ?? '',
      isStream: method === 'streamGenerateContent',
      earlier: this.asked(model).length,
      earlierHere,
    };
    this.requests.push(request);
    const behaviour = this.#behaviours.get(model) ?? answerWell;
    behaviour(socket, request);
  }
}

/** One response of Gemini, as JSON; it is the last one when it has a finish reason. */
export function response(text: string, finishReason?: string): string {
  return JSON.stringify({
    candidates: [{ content: { role: 'model', parts: [{ text }] }, index: 0, ...(finishReason && { finishReason }) }],
    usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 5, totalTokenCount: 8 },
    modelVersion: 'raw',
  });
}

export const streamHead = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';

/** A head with a length; `extra` are header lines of their own. */
export function wholeHead(length: number, status = '200 OK', type = 'application/json', extra = ''): string {
  return `HTTP/1.1 ${status}\r\ncontent-type: ${type}\r\ncontent-length: ${length}\r\n${extra}\r\n`;
}

/** A piece of a chunked body. */
export function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

/** A server-sent event as a piece of a chunked body. */
export function event(text: string, finishReason?: string): string {
  return chunk(`data: ${response(text, finishReason)}\r\n\r\n`);
}

export const lastChunk = '0\r\n\r\n';

/** A good answer, in the form that was asked for. */
export function answerWell(socket: Socket, { isStream }: RawRequest): void {
  const whole = response('All well.', 'STOP');
  if (isStream) socket.write(`${streamHead}${event('All ')}${event('well.', 'STOP')}${lastChunk}`);
  else socket.write(`${wholeHead(Buffer.byteLength(whole))}${whole}`);
}

/** Writes a stream's `piece` again and again, as fast as the reader takes it, then its end. `sent` counts the bytes. */
export function pour(socket: Socket, piece: string, streamBytes: number, sent: Map<Socket, number>): void {
  while (!socket.destroyed) {
    const bytes = sent.get(socket) ?? 0;
    if (bytes >= streamBytes) {
      socket.end(`${event('The end.', 'STOP')}${lastChunk}`);
      return;
    }
    sent.set(socket, bytes + piece.length);
    if (!socket.write(piece)) {
      socket.once('drain', () => pour(socket, piece, streamBytes, sent));
      return;
    }
  }
}
