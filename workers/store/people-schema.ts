/** Users of the admin API, their sessions, and the audit log of what they changed. */
export const peopleSchema = `
  CREATE TABLE users (
    id TEXT PRIMARY KEY,
    username TEXT NOT NULL UNIQUE COLLATE NOCASE,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    version INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- By user, the administrator of the environment ('environment') included: tokens of another generation are over.
  CREATE TABLE user_sessions (
    user_id TEXT PRIMARY KEY,
    generation INTEGER NOT NULL,
    last_login_at_ms INTEGER
  ) STRICT, WITHOUT ROWID;

  -- Sessions that were ended one by one, kept until they would have expired.
  CREATE TABLE revoked_sessions (
    id TEXT PRIMARY KEY,
    expires_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- Ids sort by time. \`changes\` is a JSON array of {field, from, to}.
  CREATE TABLE audit_log (
    id TEXT PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    address TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    changes TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
`;
