/** Names that Google charges to another model, such as gemini-flash-latest: turns, rests and quotas are those of that model. */
import type { PoolChanges } from './pool-changes.ts';

export class ChargedModels {
  readonly #charged = new Map<string, string>();
  readonly #changes: PoolChanges;

  constructor(changes: PoolChanges) {
    this.#changes = changes;
  }

  /** The model behind a name; the name itself when nothing else is known. */
  of(name: string): string {
    return this.#charged.get(name) ?? name;
  }

  /** An error told which model a request for `name` was charged to. */
  learn(name: string, model: string): void {
    if (name === model) {
      this.forget(name);
      return;
    }
    // Never a chain, which could be a ring.
    if (this.#charged.has(model) || this.#charged.get(name) === model) return;
    this.#charged.set(name, model);
    this.#changes.mark('charged', '', name);
  }

  forget(name: string): void {
    if (this.#charged.delete(name)) this.#changes.mark('charged', '', name);
  }
}
