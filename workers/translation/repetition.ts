/**
 * What a continued answer repeats of the text that the client has: its last words, or all of it from the beginning. Left
 * out is only what can't belong to the answer. Where that can't be told, a text twice is better than one that is lost.
 */

/** An overlap of so many characters is no chance. */
const overlapMin = 32;
/** One so much shorter is none either where it would glue two words or lines together, or is the whole text. */
const shortMin = 16;
/** Of a text that has just begun: all of it again, glued to it. */
const beginningMin = 8;
/** Up to this length, what has signs of structure in it may be a cell or an object, and a line a row: twice in a row. */
const unitCharsMax = 200;
const structure = /[\t|<>{}=]|": |\n /;
const indent = /^(?: {2}|\t)/;
/** A text that goes on for so long with what it had a period ago repeats itself. */
const periodMoreMin = 8;

/** So many characters are compared at a time. */
const comparedChars = 64;
/** Still so many places after that: a text that says the same over and over. The first and the last of them will do. */
const placesMax = 256;

/** A letter or digit of a script with spaces between its words. */
const wordChar = /(?![\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}])[\p{L}\p{N}]/u;

/** Leaves out what the beginning of a text repeats of another. */
export class RepetitionTrimmer {
  readonly #told: string;
  #runs: TailRuns | null = null;
  /** What may turn out to be repeated, and is held back. */
  #pending = '';
  /** Places of the told text from which on it is the same as what is pending; null before anything is. */
  #places: number[] | null = null;
  /** How much is repeated to the told text's end, as far as is known. */
  #repeated = 0;
  #isDone = false;

  /** `told` is the text that the client has. */
  constructor(told: string) {
    this.#told = told;
  }

  /** Takes a piece; gives what is new, '' while that can't be told yet. */
  take(piece: string): string {
    if (this.#isDone || piece === '') return piece;
    const before = this.#pending.length;
    this.#pending += piece;
    let places = this.#places ?? this.#placesOf(piece.charAt(0));
    for (let at = 0; at < piece.length && places.length > 0; at += comparedChars)
      places = this.#compare(places, before + at, piece.slice(at, at + comparedChars));
    this.#places = places;
    return places.length > 0 ? '' : this.end();
  }

  /** What is left when nothing more comes. */
  end(): string {
    if (this.#isDone) return '';
    this.#isDone = true;
    return this.#pending.slice(this.#repeated);
  }

  /** The places that are left after a further piece. */
  #compare(places: readonly number[], before: number, piece: string): number[] {
    const left = places.filter((place) => this.#goesOn(place, before, piece));
    if (left.length <= placesMax || before < comparedChars) return left;
    return left.slice(0, placesMax / 2).concat(left.slice(-placesMax / 2));
  }

  /** Where the told text may be repeated from. */
  #placesOf(start: string): number[] {
    const places: number[] = [];
    for (let at = this.#told.indexOf(start); at !== -1; at = this.#told.indexOf(start, at + 1))
      if (this.#isRepetition(at)) places.push(at);
    return places;
  }

  /** Whether what follows `place` is still repeated, and not yet to its end. */
  #goesOn(place: number, before: number, piece: string): boolean {
    const told = this.#told;
    const left = told.length - place - before;
    if (left > piece.length) return told.startsWith(piece, place + before);
    if (piece.startsWith(told.slice(place + before))) this.#repeated = Math.max(this.#repeated, told.length - place);
    return false;
  }

  /** Whether the told text from `place` on, were it to come again, would be no part of the answer. */
  #isRepetition(place: number): boolean {
    const told = this.#told;
    const length = told.length - place;
    if (length < beginningMin) return false;
    const isWhole = place === 0;
    if (!this.#gluesWords(place) && !this.#gluesLines(place)) {
      if (length < (isWhole ? shortMin : overlapMin)) return false;
      if (isWhole ? isLine(told) : isUnit(told, place)) return false;
    } else if (length < shortMin && !isWhole) return false;
    this.#runs ??= new TailRuns(told);
    return !this.#runs.isRun(length);
  }

  /** Whether several lines, the first of them whole, or one with its indent, would begin in the middle of the last line. */
  #gluesLines(place: number): boolean {
    const told = this.#told;
    if (told.endsWith('\n') || (place > 0 && told.charAt(place - 1) !== '\n')) return false;
    return told.lastIndexOf('\n') > place || indent.test(told.slice(place, place + 2));
  }

  /** Whether several words, the first of them whole, would begin in the middle of the told text's last word. */
  #gluesWords(place: number): boolean {
    const told = this.#told;
    return (
      wordChar.test(told.charAt(told.length - 1)) &&
      wordChar.test(told.charAt(place)) &&
      !wordChar.test(told.charAt(place - 1)) &&
      /\s/.test(told.slice(place, place + unitCharsMax))
    );
  }
}

/** Whether the text from `place` on may be a unit that comes twice. */
function isUnit(text: string, place: number): boolean {
  if (text.length - place > unitCharsMax) return false;
  const unit = text.slice(place);
  return structure.test(unit) || isLine(unit);
}

/** Whether a text is one line with the end of one: a row, or a refrain. */
function isLine(text: string): boolean {
  const end = text.indexOf('\n');
  return (
    text.length <= unitCharsMax &&
    end !== -1 &&
    end === text.lastIndexOf('\n') &&
    (end === 0 || end === text.length - 1)
  );
}

/** What at the end of a text is a run of one unit, however long that is: it may well go on with the same. */
class TailRuns {
  readonly #text: string;
  /** By length of the text's end, that of the longest end of it which it also begins with. */
  readonly #borders: Uint32Array;
  /** By length, how many lengths up to it the text has twice in a row at its end. */
  readonly #squares: Uint32Array;

  constructor(text: string) {
    this.#text = text;
    this.#borders = bordersOfEnds(text);
    const squares = new Uint32Array(text.length + 1);
    for (let length = 1; length < squares.length; length++)
      squares[length] = (squares[length - 1] ?? 0) + (this.#isTwice(length) ? 1 : 0);
    this.#squares = squares;
  }

  /** Whether the last `length` chars are part of a run. */
  isRun(length: number): boolean {
    return this.#isUnits(length) || this.#endsTwiceWithin(length) || this.#goesOnAs(length);
  }

  /** They are a unit twice or more. */
  #isUnits(length: number): boolean {
    return 2 * this.#period(length) <= length;
  }

  /** They are less than twice a unit that the text has twice at its end. */
  #endsTwiceWithin(length: number): boolean {
    return (this.#squares[length] ?? 0) > (this.#squares[length >> 1] ?? 0);
  }

  /** They are a unit, and before them is more of the same. */
  #goesOnAs(length: number): boolean {
    const { length: all } = this.#text;
    if (length + periodMoreMin > all) return false;
    return this.#text.startsWith(this.#text.slice(all - periodMoreMin), all - length - periodMoreMin);
  }

  #isTwice(length: number): boolean {
    if (2 * length > this.#text.length) return false;
    const period = this.#period(2 * length);
    return period <= length && length % period === 0;
  }

  #period(length: number): number {
    return length - (this.#borders[length] ?? 0);
  }
}

/** Knuth's failure function of the text read backwards. */
function bordersOfEnds(text: string): Uint32Array {
  const borders = new Uint32Array(text.length + 1);
  const last = text.length - 1;
  let border = 0;
  for (let length = 2; length <= text.length; length++) {
    const code = text.charCodeAt(last - (length - 1));
    while (border > 0 && text.charCodeAt(last - border) !== code) border = borders[border] ?? 0;
    if (text.charCodeAt(last - border) === code) border++;
    borders[length] = border;
  }
  return borders;
}
