/**
 * What is in flight, by number. Not a Map: one that is added to and deleted from all the time makes itself a new table
 * every few dozen entries, and each old one leads to the next. Once one of them is old to the garbage collector, it keeps
 * all that follow alive, with all that was in flight then, until the next full collection.
 */

/** Numbers of one place differ by this. */
const step = 2 ** 20;

/** Gives numbers, each once, whose places are taken again. */
export class InFlightIds {
  readonly #last: number[] = [];
  readonly #free: number[] = [];

  /** Throws a RangeError when a million are out. */
  next(): number {
    const place = this.#free.pop() ?? this.#last.length;
    if (place >= step) throw new RangeError('a million are in flight');
    const id = (this.#last[place] ?? place) + step;
    this.#last[place] = id;
    return id;
  }

  /** The number is out of use, once and for all. */
  release(id: number): void {
    this.#free.push(id % step);
  }
}

/** Things by numbers of one `InFlightIds`. */
export class InFlight<T> {
  readonly #items: (T | null)[] = [];
  readonly #ids: number[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  put(id: number, item: T): void {
    const place = id % step;
    // Without holes, which would make it slow.
    for (let at = this.#items.length; at < place; at++) {
      this.#items.push(null);
      this.#ids.push(0);
    }
    this.#items[place] = item;
    this.#ids[place] = id;
    this.#size++;
  }

  get(id: number): T | null {
    const place = id % step;
    return this.#ids[place] === id ? (this.#items[place] ?? null) : null;
  }

  /** Takes out what has the number; null when it is not there any more. */
  take(id: number): T | null {
    const item = this.get(id);
    if (item === null) return null;
    this.#items[id % step] = null;
    this.#size--;
    return item;
  }

  /** All that is in flight at the moment. */
  all(): T[] {
    return this.#items.filter((item) => item !== null);
  }
}
