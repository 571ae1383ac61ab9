/** The database as the next start will find it: there, whole, ours, writable, with space, and with the key to what is sealed. */
import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Config } from '../../shared/config.ts';
import { openReadOnly, resolveDatabasePath } from '../../workers/store/database.ts';
import { inspectDatabase } from '../../workers/store/inspection.ts';
import { newestSchema } from '../../workers/store/migrations.ts';
import { openSealer } from '../../workers/store/sealing.ts';
import { type Finding, ok, problem, warning } from './finding.ts';

const area = 'database';
const mebibyte = 1024 * 1024;
const freeBytesWarned = 1024 * mebibyte;
const freeBytesMin = 100 * mebibyte;

/** What was found, and the Gemini keys that are stored, which another check asks Google about. */
export interface DatabaseCheck {
  findings: Finding[];
  geminiKeys: string[];
}

export function checkDatabase(config: Pick<Config, 'databasePath' | 'encryptionKey'>): DatabaseCheck {
  let path: string;
  try {
    path = resolveDatabasePath(config.databasePath);
  } catch (error) {
    return { findings: [problem(area, messageOf(error), 'Correct DATABASE_URL, or make the folder.')], geminiKeys: [] };
  }
  const findings = [checkWritable(path), checkSpace(dirname(path))];
  if (!existsSync(path) || statSync(path).size === 0) {
    findings.push(ok(area, `${path} is not there yet; the first start makes it.`));
    return { findings, geminiKeys: [] };
  }
  try {
    const { owner, schema, damage } = inspectDatabase(path);
    findings.push(checkContent(path, owner, schema, damage));
    if (owner !== 'ours' || damage !== null) return { findings, geminiKeys: [] };
    const sealed = readSealedKeys(path, config.encryptionKey);
    return { findings: [...findings, ...sealed.findings], geminiKeys: sealed.geminiKeys };
  } catch (error) {
    findings.push(
      problem(
        area,
        `${path} cannot be read: ${messageOf(error)}.`,
        'Run the doctor as the user of the gateway, or restore a backup.',
      ),
    );
    return { findings, geminiKeys: [] };
  }
}

function checkWritable(path: string): Finding {
  for (const file of [dirname(path), path, `${path}-wal`, `${path}.lock`, `${path}.key`]) {
    if (!existsSync(file)) continue;
    try {
      accessSync(file, file.endsWith('.key') ? constants.R_OK : constants.R_OK | constants.W_OK);
    } catch {
      return problem(
        area,
        `${file} cannot be written.`,
        `Give it to the user of the gateway: chown ${userOf()} ${file}`,
      );
    }
  }
  return ok(area, `${path} and its folder can be written.`);
}

function userOf(): string {
  return process.getuid === undefined ? 'USER' : String(process.getuid());
}

function checkSpace(folder: string): Finding {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const said = `${Math.floor(free / mebibyte)} MiB are free in ${folder}.`;
  if (free < freeBytesMin) return problem(area, said, 'Free some space: without it usage rows wait in memory.');
  if (free < freeBytesWarned) return warning(area, said, 'Free some space before it is full.');
  return ok(area, said);
}

function checkContent(path: string, owner: string, schema: number, damage: string | null): Finding {
  if (damage !== null)
    return problem(
      area,
      `${path} is damaged: ${damage}.`,
      'Stop the gateway and restore a backup: npm run restore -- BACKUP',
    );
  switch (owner) {
    case 'rust':
      return ok(area, `${path} is of the original program: the next start takes it over. Keep a copy of it.`);
    case 'other':
      return problem(area, `${path} is the database of another program.`, 'Set DATABASE_URL to another path.');
    case 'empty':
      return ok(area, `${path} is empty; the next start fills it.`);
    default:
      if (schema > newestSchema)
        return problem(
          area,
          `${path} was written by a newer version (schema ${schema}; this one knows ${newestSchema}).`,
          'Run that version, or restore the backup from before the upgrade.',
        );
      if (schema < newestSchema)
        return ok(area, `${path} is whole; the next start upgrades it. Make a backup first: npm run backup`);
      return ok(area, `${path} is whole and of the present schema.`);
  }
}

function readSealedKeys(path: string, encryptionKey: string | null): DatabaseCheck {
  const connection = openReadOnly(path);
  try {
    const rows = connection.prepare<[], { id: string; sealed: Buffer }>('SELECT id, sealed FROM gemini_keys').all();
    if (rows.length === 0) return { findings: [], geminiKeys: [] };
    const cure = 'Set ENCRYPTION_KEY to its former value, or put the .key file back beside the database.';
    // Opening the sealer would make the file.
    if (encryptionKey === null && !existsSync(`${path}.key`))
      return {
        findings: [
          problem(area, `${path}.key is missing, which unseals the stored Gemini keys (${rows.length}).`, cure),
        ],
        geminiKeys: [],
      };
    const sealer = openSealer(path, encryptionKey);
    const geminiKeys = rows.map(({ id, sealed }) => sealer.unseal(sealed, id));
    return { findings: [ok(area, `Stored Gemini keys that can be unsealed: ${rows.length}.`)], geminiKeys };
  } catch (error) {
    const cure = 'Set ENCRYPTION_KEY to its former value, or restore the .key file from the backup.';
    return {
      findings: [problem(area, `Stored Gemini keys cannot be unsealed: ${messageOf(error)}.`, cure)],
      geminiKeys: [],
    };
  } finally {
    connection.close();
  }
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : 'unknown error').replace(/\.$/, '');
}
