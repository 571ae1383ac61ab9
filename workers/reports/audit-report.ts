/** The audit log by filter, newest first, a page at a time. Ids sort by time, and are the cursors. */
import type { AuditEntry, AuditFilter } from '../../shared/audit.ts';
import type { Connection } from '../store/database.ts';

interface AuditRow {
  id: string;
  at_ms: number;
  actor: string;
  address: string;
  action: string;
  subject: string;
  subject_id: string;
  changes: string;
}

export interface AuditPage {
  entries: AuditEntry[];
  nextCursor: string | null;
}

/** `cursor`: the id of the last entry of the page before; null for the first page. */
export function readAudit(
  connection: Connection,
  { actor, action, fromMs, toMs }: AuditFilter,
  limit: number,
  cursor: string | null,
): AuditPage {
  const conditions: [sql: string, value: string | number | null][] = [
    ['id < ?', cursor],
    ['at_ms >= ?', fromMs],
    ['at_ms < ?', toMs],
    ['actor = ?', actor],
    ['action = ?', action],
  ];
  const given = conditions.filter(([, value]) => value !== null);
  const where = ['true', ...given.map(([sql]) => sql)].join(' AND ');
  const rows = connection
    .prepare<(string | number | null)[], AuditRow>(
      `SELECT id, at_ms, actor, address, action, subject, subject_id, changes FROM audit_log
       WHERE ${where} ORDER BY id DESC LIMIT ?`,
    )
    // One more than asked for tells that there is another page.
    .all(...given.map(([, value]) => value), limit + 1);
  const entries = rows.slice(0, limit).map(fromRow);
  return { entries, nextCursor: rows.length > limit ? (entries.at(-1)?.id ?? null) : null };
}

function fromRow({ id, at_ms, actor, address, action, subject, subject_id, changes }: AuditRow): AuditEntry {
  return { id, atMs: at_ms, actor, address, action, subject, subjectId: subject_id, changes: JSON.parse(changes) };
}
