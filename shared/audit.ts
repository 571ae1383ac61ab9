/** The audit log: who changed what, from what, to what, and from where. Never holds a secret. */

/** Who asked for a change that is to be logged with it, in one transaction. */
export interface AuditOrigin {
  /** Of the entry; sorts by time. */
  id: string;
  atMs: number;
  /** The user's name. */
  actor: string;
  /** The client's address, or that of the proxy before it. */
  address: string;
}

export interface AuditedField {
  field: string;
  from: AuditValue;
  to: AuditValue;
}

export type AuditValue = string | number | boolean | null | string[];

/** What was changed, as the store that changed it tells. */
export interface AuditedChange {
  /** In the words of the store's commands, as `update_client_key`. */
  action: string;
  /** What kind of thing was changed: `client_key`, `user`. */
  subject: string;
  subjectId: string;
  /** Of a thing that was made, `from` is null; of one that was deleted, `to` is. */
  changes: AuditedField[];
}

/** One line of the log. */
export interface AuditEntry extends AuditOrigin, AuditedChange {}

/** Which entries are wanted; null is no condition. */
export interface AuditFilter {
  actor: string | null;
  action: string | null;
  /** From this time on. */
  fromMs: number | null;
  /** Before this time. */
  toMs: number | null;
}

/** The fields in which two states of a thing differ; a state that is null has no fields. */
export function differences(
  from: Readonly<Record<string, AuditValue>> | null,
  to: Readonly<Record<string, AuditValue>> | null,
): AuditedField[] {
  const fields = Object.keys(to ?? from ?? {});
  return fields
    .map((field) => ({ field, from: from?.[field] ?? null, to: to?.[field] ?? null }))
    .filter((change) => JSON.stringify(change.from) !== JSON.stringify(change.to));
}
