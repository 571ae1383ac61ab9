/** What a database file is, found out without changing it: for backups, restores and the doctor. */
import { applicationId, type Connection, openReadOnly, pragmaNumber } from './database.ts';

export interface DatabaseFacts {
  /** `rust` is the program that this one takes over from. */
  owner: 'ours' | 'rust' | 'empty' | 'other';
  /** 0 for all but ours. */
  schema: number;
  /** The first thing that SQLite finds to be damaged; null when all is well. */
  damage: string | null;
}

/** Reads the whole file: the time is that of reading it. Throws SQLite's error when it can't be opened. */
export function inspectDatabase(path: string): DatabaseFacts {
  const connection = openReadOnly(path);
  try {
    const owner = ownerOf(connection);
    const found = connection.pragma('integrity_check(1)', { simple: true });
    const schema = owner === 'ours' ? pragmaNumber(connection, 'user_version') : 0;
    return { owner, schema, damage: found === 'ok' ? null : String(found) };
  } finally {
    connection.close();
  }
}

/** The schema of a database file without reading more than its head; null when it isn't ours. */
export function schemaOf(path: string): number | null {
  const connection = openReadOnly(path);
  try {
    return ownerOf(connection) === 'ours' ? pragmaNumber(connection, 'user_version') : null;
  } finally {
    connection.close();
  }
}

function ownerOf(connection: Connection): DatabaseFacts['owner'] {
  if (pragmaNumber(connection, 'application_id') === applicationId) return 'ours';
  const tables = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all();
  if (tables.length === 0) return 'empty';
  return tables.includes('api_keys') && pragmaNumber(connection, 'user_version') === 0 ? 'rust' : 'other';
}
