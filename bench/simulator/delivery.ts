/**
 * Writes one answer to its socket: whole, or piece by piece with pace, barriers and faults. Stops writing while the
 * reader is behind, and does nothing more once the client is gone.
 */
import { STATUS_CODES } from 'node:http';
import type { Barriers } from './barriers.ts';
import type { Books, RequestRecord } from './books.ts';
import type { Pacer } from './pacer.ts';

/** What is used of the server's response object. */
export interface ReplySocket {
  writeStatus(status: string): unknown;
  writeHeader(name: string, value: string): unknown;
  write(piece: string | Uint8Array): boolean;
  end(body?: string | Uint8Array): unknown;
  close(): unknown;
  pause(): unknown;
  resume(): unknown;
  cork(write: () => void): unknown;
  onWritable(handler: () => boolean): unknown;
}

export type Headers = readonly (readonly [string, string])[];

/** The writes of an answer that goes out in pieces. */
export interface Plan {
  headers: Headers;
  pieces: readonly (string | Uint8Array)[];
  /** Events that are whole after each piece; null when each piece is one. */
  eventsAfter: readonly number[] | null;
  ending: 'end' | 'cut' | 'hang';
  /** Between two pieces; 0 writes all at once, -1 one piece a turn of the event loop. */
  intervalMs: number;
  hold: { name: string; beforePiece: number } | null;
}

export interface DeliveryTools {
  books: Books;
  pacer: Pacer;
  barriers: Barriers;
}

/** The server gives up on a reader that takes nothing for half a minute; a real upstream has more patience. */
const patienceMs = 10_000;
const statusLines = new Map<number, string>();

function statusLine(status: number): string {
  const known = statusLines.get(status);
  if (known !== undefined) return known;
  const line = `${status} ${STATUS_CODES[status] ?? 'Unknown'}`;
  statusLines.set(status, line);
  return line;
}

function writeHead(socket: ReplySocket, status: number, headers: Headers): void {
  socket.writeStatus(statusLine(status));
  for (const [name, value] of headers) socket.writeHeader(name, value);
}

/** Sends a whole answer. The record must be open. */
export function deliverWhole(
  socket: ReplySocket,
  record: RequestRecord,
  books: Books,
  answer: { status: number; headers: Headers; body: string | Uint8Array },
): void {
  record.status = answer.status;
  socket.cork(() => {
    writeHead(socket, answer.status, answer.headers);
    socket.end(answer.body);
  });
  books.close(record, 'completed');
}

/** Sends an answer in pieces; see `Plan`. The record must be open. */
export class Delivery {
  readonly #socket: ReplySocket;
  readonly #record: RequestRecord;
  readonly #plan: Plan;
  readonly #tools: DeliveryTools;
  #next = 0;
  #wasHeld = false;
  #listensForWritable = false;
  #isStaying = false;
  readonly #write = (): void => this.#writePieces();
  readonly #resume = (): void => this.#continue();

  constructor(socket: ReplySocket, record: RequestRecord, plan: Plan, tools: DeliveryTools) {
    this.#socket = socket;
    this.#record = record;
    this.#plan = plan;
    this.#tools = tools;
  }

  start(): void {
    this.#record.status = 200;
    this.#tools.books.streaming(this.#record);
    this.#socket.cork(() => {
      writeHead(this.#socket, 200, this.#plan.headers);
      this.#writePieces();
    });
  }

  #continue(): void {
    if (this.#record.outcome !== 'open') return;
    this.#socket.cork(this.#write);
  }

  #writePieces(): void {
    const { pieces, intervalMs } = this.#plan;
    while (this.#next < pieces.length) {
      if (this.#isHolding()) return;
      const isTaken = this.#socket.write(pieces[this.#next] ?? '');
      this.#next++;
      this.#record.events = this.#plan.eventsAfter?.[this.#next - 1] ?? this.#next;
      if (this.#next === pieces.length) break;
      if (!isTaken) {
        this.#pause();
        return;
      }
      if (intervalMs !== 0) {
        if (intervalMs > 0) this.#tools.pacer.after(intervalMs, this.#resume);
        else setImmediate(this.#resume);
        return;
      }
    }
    this.#finish();
  }

  #isHolding(): boolean {
    const { hold } = this.#plan;
    if (hold === null || hold.beforePiece !== this.#next || this.#wasHeld) return false;
    this.#wasHeld = true;
    // Later, not here: a barrier that is open already would write in the midst of this write.
    setImmediate(() => this.#tools.barriers.wait(hold.name, this.#resume));
    return true;
  }

  #pause(): void {
    this.#tools.books.paused(this.#record, true);
    this.#staySoon();
    if (this.#listensForWritable) return;
    this.#listensForWritable = true;
    this.#socket.onWritable(() => {
      if (!this.#record.isPaused) return true;
      this.#tools.books.paused(this.#record, false);
      this.#continue();
      return true;
    });
  }

  /** Sets the server's timeout anew, over and over, while the reader is behind. */
  #staySoon(): void {
    if (this.#isStaying) return;
    this.#isStaying = true;
    this.#tools.pacer.after(patienceMs, () => {
      this.#isStaying = false;
      if (!this.#record.isPaused) return;
      this.#socket.pause();
      this.#socket.resume();
      this.#staySoon();
    });
  }

  #finish(): void {
    const { ending } = this.#plan;
    if (ending === 'hang' || this.#isHolding()) return;
    if (ending === 'cut') {
      // Later: what was written still waits for the end of this turn, and closing now would drop it.
      setImmediate(() => this.#cut());
      return;
    }
    this.#tools.books.close(this.#record, 'completed');
    this.#socket.end();
  }

  #cut(): void {
    if (this.#record.outcome !== 'open') return;
    this.#tools.books.close(this.#record, 'cut');
    this.#socket.close();
  }
}
