/** Named barriers: requests that wait until a test lets them go. A released name stays open until it is reset. */
export class Barriers {
  readonly #waiting = new Map<string, (() => void)[]>();
  readonly #released = new Set<string>();

  /** Calls `resume` at once when the name was released already, else upon its release. */
  wait(name: string, resume: () => void): void {
    if (this.#released.has(name)) {
      resume();
      return;
    }
    const waiting = this.#waiting.get(name);
    if (waiting === undefined) this.#waiting.set(name, [resume]);
    else waiting.push(resume);
  }

  /** Lets go all that wait, and those to come; returns how many waited. */
  release(name: string): number {
    const waiting = this.#waiting.get(name) ?? [];
    this.#waiting.delete(name);
    this.#released.add(name);
    for (const resume of waiting) resume();
    return waiting.length;
  }

  /** Lets go everything and forgets what was released. */
  reset(): void {
    for (const name of [...this.#waiting.keys()]) this.release(name);
    this.#released.clear();
  }

  held(): Record<string, number> {
    return Object.fromEntries([...this.#waiting].map(([name, waiting]) => [name, waiting.length]));
  }
}
