/** The audit log in the database. Entries are written in the transaction of what they tell of, and never changed. */
import type { AuditedChange, AuditOrigin } from '../../shared/audit.ts';
import type { StoreResult } from '../../shared/messages.ts';
import type { Connection, Statement } from './database.ts';

/** How a command was applied, and what the log should say of it; null when there is nothing to say. */
export interface Applied {
  result: StoreResult;
  change: AuditedChange | null;
}

export class AuditStore {
  readonly #insert: Statement;

  constructor(connection: Connection) {
    this.#insert = connection.prepare(
      `INSERT INTO audit_log (id, at_ms, actor, address, action, subject, subject_id, changes)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    );
  }

  record({ id, atMs, actor, address }: AuditOrigin, change: AuditedChange): void {
    const { action, subject, subjectId, changes } = change;
    this.#insert.run(id, atMs, actor, address, action, subject, subjectId, JSON.stringify(changes));
  }
}
