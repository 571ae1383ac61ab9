/** The audit log in the admin API: newest first, by user, action and time, a page at a time. */
import { type AuditAnswer, auditQuery } from '../../shared/admin-people.ts';
import type { AuditEntry } from '../../shared/audit.ts';
import { wrongField } from '../admin-body.ts';
import { type AdminParts, replyAdmin } from '../admin-plane.ts';
import { queryReader } from '../admin-query.ts';
import { readTimeOrMs } from '../admin-time.ts';
import type { Call } from '../call.ts';
import type { Route } from '../route-table.ts';

const limitDefault = 100;

const readQuery = queryReader(auditQuery);

/** To stand behind the check of the session. */
export function auditRoute(parts: AdminParts): Route {
  return { path: '/admin/api/audit', methods: { GET: (call) => list(call, parts) } };
}

async function list(call: Call, { reports }: AdminParts): Promise<void> {
  const { limit = limitDefault, cursor, actor, action, from, to } = readQuery(call);
  const { entries, nextCursor } = await reports.query({
    report: 'audit',
    filter: { actor: actor ?? null, action: action ?? null, fromMs: timeOf('from', from), toMs: timeOf('to', to) },
    limit,
    cursor: cursor ?? null,
  });
  replyAdmin(call.down, { entries: entries.map(entryOf), next_cursor: nextCursor } satisfies AuditAnswer);
}

function timeOf(param: 'from' | 'to', value: string | number | undefined): number | null {
  if (value === undefined) return null;
  const ms = readTimeOrMs(value);
  if (ms === null) throw wrongField('invalid_value', auditQuery, param);
  return ms;
}

function entryOf({ id, atMs, actor, action, subject, subjectId, changes, address }: AuditEntry) {
  return { id, at: new Date(atMs).toISOString(), actor, action, subject, subject_id: subjectId, changes, address };
}
