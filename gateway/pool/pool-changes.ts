/** Which parts of the pool have changed since they were last written down: marks, so that a lease costs next to nothing. */
export type ChangeKind = 'key' | 'rest' | 'quota' | 'charged';

export interface Change {
  kind: ChangeKind;
  id: string;
  model: string;
}

export class PoolChanges {
  #marks = new Map<string, Change>();

  get isEmpty(): boolean {
    return this.#marks.size === 0;
  }

  mark(kind: ChangeKind, id: string, model = ''): void {
    this.#marks.set(`${kind} ${id} ${model}`, { kind, id, model });
  }

  /** All marks; they are gone afterwards. */
  take(): Change[] {
    const changes = [...this.#marks.values()];
    this.#marks = new Map();
    return changes;
  }
}
