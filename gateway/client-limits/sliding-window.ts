/**
 * A sum over the last minute that never forgets early: in no 60 seconds more than the limit is let through. Amounts are
 * kept by slots of some milliseconds, so memory is bounded however many there are; a slot counts until its last moment
 * is a minute old. Time is passed in, and is the monotonic clock's.
 */
const windowMs = 60_000;
const slotMs = 50;
/** Dropped slots are kept until there are so many that moving the others is worth it. */
const droppedMax = 256;

export class SlidingWindow {
  /** Starts of slots, ascending, and what came in each; those before `#first` are over. */
  #starts: number[] = [];
  #amounts: number[] = [];
  #first = 0;
  #sum = 0;

  /** Adds an amount at a time that is not before that of the last call; an earlier one counts as the last. */
  add(atMs: number, amount: number): void {
    if (amount === 0) return;
    // What is over goes here too: of a key without this limit nobody asks for the sum.
    this.sum(atMs);
    const last = this.#starts.length - 1;
    const slot = Math.floor(atMs / slotMs) * slotMs;
    this.#sum += amount;
    if (last >= this.#first && slot <= (this.#starts[last] ?? 0)) {
      this.#amounts[last] = (this.#amounts[last] ?? 0) + amount;
      return;
    }
    this.#starts.push(slot);
    this.#amounts.push(amount);
  }

  /** What came in the last minute. */
  sum(nowMs: number): number {
    while (this.#first < this.#starts.length && this.#endOf(this.#first) <= nowMs) {
      this.#sum -= this.#amounts[this.#first] ?? 0;
      this.#first++;
    }
    if (this.#first > droppedMax && this.#first * 2 > this.#starts.length) {
      this.#starts = this.#starts.slice(this.#first);
      this.#amounts = this.#amounts.slice(this.#first);
      this.#first = 0;
    }
    return this.#sum;
  }

  /** Milliseconds until the sum is at most `sumMax` if nothing more comes; 0 when it is. */
  msUntil(nowMs: number, sumMax: number): number {
    let left = this.sum(nowMs);
    let waitMs = 0;
    for (let index = this.#first; left > sumMax && index < this.#starts.length; index++) {
      left -= this.#amounts[index] ?? 0;
      waitMs = this.#endOf(index) - nowMs;
    }
    return waitMs;
  }

  /** As `msUntil` for nothing left, in one step: every answer shows it. */
  msUntilEmpty(nowMs: number): number {
    return this.sum(nowMs) === 0 ? 0 : this.#endOf(this.#starts.length - 1) - nowMs;
  }

  #endOf(index: number): number {
    return (this.#starts[index] ?? 0) + slotMs + windowMs;
  }
}
