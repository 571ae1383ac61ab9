/**
 * `npm run doctor [-- --only area,area]`: looks at all that the gateway needs and says what to do about what is amiss.
 * Exit code 1 when something keeps the gateway from its work. Changes nothing, costs no quota, prints no secret.
 */
import { statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { systemClock } from '../shared/clock.ts';
import { type Config, ConfigError, configWarnings, parseConfig, readEnvironment } from '../shared/config.ts';
import { checkDatabase } from './doctor/database.ts';
import { type Area, areas, type Finding, ok, problem, warning } from './doctor/finding.ts';
import { checkGateway } from './doctor/gateway.ts';
import { checkGemini, upstreamOf } from './doctor/gemini.ts';
import { checkHost } from './doctor/host.ts';
import { runTool } from './tool-run.ts';

await runTool('doctor', async () => {
  const wanted = readAreas();
  const { config, findings } = readConfiguration();
  show(findings.filter(({ area }) => wanted.has(area)));
  let problems = findings.filter(({ level }) => level === 'problem').length;
  if (config !== null)
    for (const check of checksOf(config)) {
      if (!wanted.has(check.area)) continue;
      const found = await check.run();
      show(found);
      problems += found.filter(({ level }) => level === 'problem').length;
    }
  if (problems > 0) process.exitCode = 1;
});

function readAreas(): ReadonlySet<Area> {
  const { only } = parseArgs({ options: { only: { type: 'string' } } }).values;
  if (only === undefined) return new Set(areas);
  return new Set(
    only.split(',').map((name) => {
      const area = areas.find((known) => known === name.trim());
      if (area === undefined) throw new Error(`There is no area ${name.trim()}; there are ${areas.join(', ')}.`);
      return area;
    }),
  );
}

function readConfiguration(): { config: Config | null; findings: Finding[] } {
  const findings: Finding[] = [];
  const mode = statSync('.env', { throwIfNoEntry: false })?.mode ?? 0;
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    findings.push(warning('configuration', '.env can be read by other users of this machine.', 'chmod 600 .env'));
  try {
    const env = readEnvironment();
    const config = parseConfig(env);
    findings.push(ok('configuration', 'All settings can be read.'));
    for (const text of configWarnings(config, env))
      findings.push(warning('configuration', text, 'See docs/configuration.md.'));
    return { config, findings };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const [, ...problems] = error.message.split('\n');
    const cure = 'Correct it in .env or in the environment; see docs/configuration.md.';
    return { config: null, findings: [...findings, ...problems.map((text) => problem('configuration', text, cure))] };
  }
}

/** The checks that need a configuration, in the order of their areas. */
function checksOf(config: Config): { area: Area; run: () => Finding[] | Promise<Finding[]> }[] {
  let stored: readonly string[] | null = null;
  const database = (): ReturnType<typeof checkDatabase> => {
    const check = checkDatabase(config);
    stored = check.geminiKeys;
    return check;
  };
  return [
    { area: 'host', run: () => checkHost(config) },
    { area: 'database', run: () => database().findings },
    {
      area: 'gemini',
      run: () => {
        const keys = new Set([...config.geminiApiKeys, ...(stored ?? database().geminiKeys)]);
        return checkGemini([...keys], upstreamOf(config, systemClock));
      },
    },
    { area: 'gateway', run: () => checkGateway(config) },
  ];
}

function show(findings: readonly Finding[]): void {
  for (const { area, level, text, cure } of findings) {
    process.stdout.write(`${level.padEnd(8)} ${area.padEnd(14)} ${text}\n`);
    if (cure !== undefined) process.stdout.write(`${' '.repeat(24)}→ ${cure}\n`);
  }
}
