/**
 * `npm run backup [-- file or folder]`: a copy of the database, made while the gateway runs; prints where it is. With
 * `--before-upgrade` only when the database has an older schema than this program, as deploy.sh asks for.
 */
import { existsSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../shared/clock.ts';
import { parseConfig, readEnvironment } from '../shared/config.ts';
import { backUpDatabase } from '../workers/store/backup.ts';
import { resolveDatabasePath } from '../workers/store/database.ts';
import { schemaOf } from '../workers/store/inspection.ts';
import { newestSchema } from '../workers/store/migrations.ts';
import { fileStamp, runTool } from './tool-run.ts';

await runTool('backup', async () => {
  const { values, positionals } = parseArgs({
    options: { 'before-upgrade': { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  if (positionals.length > 1) throw new Error('Give at most one file or folder: npm run backup -- /backups/today.db');
  const path = resolveDatabasePath(parseConfig(readEnvironment()).databasePath);
  const isUpgrade = values['before-upgrade'];
  if (isUpgrade && (!existsSync(path) || statSync(path).size === 0 || schemaOf(path) === newestSchema)) return;
  const name = `${basename(path)}.${isUpgrade ? 'before-upgrade' : 'backup'}-${fileStamp(systemClock)}`;
  const [given] = positionals;
  const beside = `${path.slice(0, -basename(path).length)}${name}`;
  const target = given === undefined ? beside : isFolder(given) ? join(given, name) : given;
  await backUpDatabase(path, target);
  process.stdout.write(`${target}\n`);
});

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
