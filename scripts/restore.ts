/**
 * `npm run restore -- backup`: puts a backup in the place of the database while the gateway is stopped; what was there
 * before is kept beside it.
 */
import { parseArgs } from 'node:util';
import { systemClock } from '../shared/clock.ts';
import { parseConfig, readEnvironment } from '../shared/config.ts';
import { restoreBackup } from '../workers/store/backup.ts';
import { resolveDatabasePath } from '../workers/store/database.ts';
import { fileStamp, runTool } from './tool-run.ts';

await runTool('restore', async () => {
  const [backup, ...others] = parseArgs({ options: {}, allowPositionals: true }).positionals;
  if (backup === undefined || others.length > 0)
    throw new Error('Give the backup: npm run restore -- /backups/today.db');
  const path = resolveDatabasePath(parseConfig(readEnvironment()).databasePath);
  const aside = `${path}.replaced-${fileStamp(systemClock)}`;
  const { keptAside } = restoreBackup(backup, path, aside);
  process.stdout.write(
    `${path} is restored from ${backup}.${keptAside ? ` What was there before is ${aside}.` : ''}\n`,
  );
});
