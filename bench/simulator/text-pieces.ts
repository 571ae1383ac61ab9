/** Cuts a text into the pieces that events carry: by bytes, never inside of a character. */

const filler = 'The quick brown fox jumps over the lazy dog, and the simulator counts how far. ';

/**
 * `count` pieces of `bytes` each when both are given, the text repeated to fill them; `count` pieces of the text as it
 * is; or as many as pieces of `bytes` need. An empty text gives filler for a count, else nothing.
 */
export function piecesOf(text: string, count: number | undefined, bytes: number | undefined): string[] {
  const source = text === '' && count !== undefined ? filler : text;
  if (source === '') return [];
  if (count !== undefined && bytes !== undefined) {
    // One text more than needed, because the fill ends anywhere in a character.
    const filled = Buffer.alloc(count * bytes + Buffer.byteLength(source), source);
    return chopped(filled, bytes, count);
  }
  if (bytes !== undefined) return chopped(Buffer.from(source), bytes, Number.POSITIVE_INFINITY);
  if (count === undefined) return [source];
  const whole = Array.from(source);
  return Array.from({ length: count }, (_, index) =>
    whole.slice(Math.floor((index * whole.length) / count), Math.floor(((index + 1) * whole.length) / count)).join(''),
  );
}

/** Pieces of at most `bytes`, or one character where that is more. */
function chopped(source: Buffer, bytes: number, countMax: number): string[] {
  const pieces: string[] = [];
  let start = 0;
  while (start < source.length && pieces.length < countMax) {
    let end = Math.min(start + Math.max(1, bytes), source.length);
    while (end > start && isInsideCharacter(source, end)) end--;
    if (end === start) {
      end++;
      while (isInsideCharacter(source, end)) end++;
    }
    pieces.push(source.toString('utf8', start, end));
    start = end;
  }
  return pieces;
}

function isInsideCharacter(source: Buffer, at: number): boolean {
  return at < source.length && ((source[at] ?? 0) & 0xc0) === 0x80;
}
