/**
 * Just enough HTTP/1.1 to know where an answer ends and how many events came: the reading half of the load generator,
 * which must cost little beside what it measures. Keeps nothing of what it is given.
 */
const endOfHead = Buffer.from('\r\n\r\n');
const eventStart = Buffer.from('data:');
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const headCharsMax = 65_536;

type State = 'head' | 'counted' | 'chunk size' | 'chunk' | 'chunk end' | 'trailer' | 'whole';

/** Reads one answer after another, `begin` before each. */
export class AnswerReader {
  #state: State = 'whole';
  /** May have events: in chunks or, when it was whole at once, with a length. */
  #isStream = false;
  /** The head as far as it came; empty as long as it comes in one piece. */
  #head = '';
  /** Bytes still to come, of the body or of a chunk. */
  #remaining = 0;
  /** Of the line at hand in the trailer. */
  #lineLength = 0;
  /** 0 until the head is whole. */
  status = 0;
  /** Events that began in the last piece read; one whose first bytes came in two pieces is not among them. */
  events = 0;

  begin(): void {
    this.#state = 'head';
    this.#head = '';
    this.status = 0;
  }

  /** Takes a piece; true once the answer is whole. Throws on what is no HTTP. */
  read(piece: Buffer): boolean {
    this.events = 0;
    let at = 0;
    if (this.#state === 'head') {
      at = this.#readHead(piece);
      if (at < 0) return false;
    }
    if (this.#isStream) this.#countEvents(piece, at);
    if (this.#state === 'counted') {
      this.#remaining -= piece.length - at;
      if (this.#remaining <= 0) this.#state = 'whole';
    } else this.#readChunks(piece, at);
    return this.#state === 'whole';
  }

  /** Where the body begins; -1 while the head is not whole. */
  #readHead(piece: Buffer): number {
    let at = this.#head === '' ? piece.indexOf(endOfHead) : -1;
    if (at >= 0) {
      this.#takeHead(piece.toString('latin1', 0, at));
      return at + endOfHead.length;
    }
    const before = this.#head.length;
    this.#head += piece.toString('latin1');
    at = this.#head.indexOf('\r\n\r\n');
    if (at < 0) {
      if (this.#head.length > headCharsMax) throw new Error('the head of an answer does not end');
      return -1;
    }
    this.#takeHead(this.#head.slice(0, at));
    return at + endOfHead.length - before;
  }

  #takeHead(head: string): void {
    this.status = Number(head.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length));
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    this.#state = length === undefined ? 'chunk size' : 'counted';
    this.#remaining = Number(length ?? 0);
    this.#isStream = length === undefined || /\r\ncontent-type: *text\/event-stream/i.test(head);
  }

  #countEvents(piece: Buffer, from: number): void {
    for (let found = piece.indexOf(eventStart, from); found >= 0; found = piece.indexOf(eventStart, found + 5))
      this.events++;
  }

  #readChunks(piece: Buffer, from: number): void {
    let at = from;
    while (at < piece.length) {
      if (this.#state === 'chunk') {
        const taken = Math.min(this.#remaining, piece.length - at);
        this.#remaining -= taken;
        at += taken;
        if (this.#remaining === 0) this.#state = 'chunk end';
        continue;
      }
      this.#readFraming(piece[at] ?? 0);
      at++;
    }
  }

  #readFraming(byte: number): void {
    if (this.#state === 'chunk size') {
      if (byte === lineFeed) {
        this.#state = this.#remaining === 0 ? 'trailer' : 'chunk';
        this.#lineLength = 0;
      } else if (byte !== carriageReturn) this.#remaining = this.#remaining * 16 + hexDigit(byte);
    } else if (this.#state === 'chunk end') {
      if (byte === lineFeed) this.#state = 'chunk size';
    } else if (this.#state === 'trailer') {
      if (byte === lineFeed) {
        if (this.#lineLength === 0) this.#state = 'whole';
        this.#lineLength = 0;
      } else if (byte !== carriageReturn) this.#lineLength++;
    }
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  if (lower >= 0x61 && lower <= 0x66) return lower - 0x57;
  throw new Error('the size of a chunk is not a number');
}
