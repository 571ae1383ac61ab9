/** The state of the pool in the database. To be called inside a transaction. */
import type { PoolStateEntry } from '../../shared/pool-state.ts';
import type { Connection, Statement } from './database.ts';

interface PoolStateRow {
  kind: PoolStateEntry['kind'];
  id: string;
  model: string;
  value: string;
}

export class PoolStore {
  readonly #all: Statement<[], PoolStateRow>;
  readonly #put: Statement;
  readonly #remove: Statement;

  constructor(connection: Connection) {
    this.#all = connection.prepare('SELECT kind, id, model, value FROM pool_state');
    this.#put = connection.prepare(
      `INSERT INTO pool_state (kind, id, model, value) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET value = excluded.value`,
    );
    this.#remove = connection.prepare('DELETE FROM pool_state WHERE kind = ? AND id = ? AND model = ?');
  }

  load(): PoolStateEntry[] {
    return this.#all.all();
  }

  save(entries: readonly PoolStateEntry[]): void {
    for (const { kind, id, model, value } of entries) {
      if (value === null) this.#remove.run(kind, id, model);
      else this.#put.run(kind, id, model, value);
    }
  }
}
