/**
 * The configuration: read once from the environment and `.env`, parsed into one frozen object, handed on as an argument.
 * Nothing else reads the environment. All problems are reported together; no message repeats a secret.
 */
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import type { SettingSource } from './admin-panel.ts';
import { mistypedSettings } from './mistyped-settings.ts';
import { type Setting, settings } from './settings.ts';

type Values<S> = { [K in keyof S]: S[K] extends Setting<infer T> ? T : never };

export type Config = Readonly<Values<typeof settings>>;

/** Thrown by `parseConfig`: one message that lists every problem, a line each. */
export class ConfigError extends Error {
  constructor(problems: readonly string[]) {
    super(
      `The configuration has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${problems.join('\n')}`,
    );
    this.name = 'ConfigError';
  }
}

/**
 * The environment with `.env` of the working directory below it: a variable that is set wins over the file.
 * A missing file is no problem, an unreadable one is.
 */
export function readEnvironment(): Record<string, string | undefined> {
  return { ...readEnvFile(), ...process.env };
}

/** Where each setting's value comes from, by the name of its variable; empty counts as unset, as it does for parsing. */
export function readSettingSources(): ReadonlyMap<string, SettingSource> {
  const file = readEnvFile();
  return new Map(
    Object.values(settings).map(({ env }) => [
      env,
      process.env[env] !== undefined
        ? process.env[env].trim() === ''
          ? 'default'
          : 'environment'
        : (file[env]?.trim() ?? '') === ''
          ? 'default'
          : '.env',
    ]),
  );
}

function readEnvFile(): Record<string, string | undefined> {
  try {
    return parseEnv(readFileSync('.env', 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw new ConfigError(['.env: cannot be read']);
  }
}

/** Parses an environment into the configuration; throws a ConfigError that lists all problems. */
export function parseConfig(env: Record<string, string | undefined>): Config {
  const problems: string[] = [];
  const read = <T>(setting: Setting<T>): T | undefined => {
    const raw = env[setting.env]?.trim();
    try {
      return setting.parse(raw === '' ? undefined : raw);
    } catch (error) {
      problems.push(`${setting.env} ${error instanceof Error ? error.message : 'is wrong'}.`);
      return undefined;
    }
  };
  const entries = Object.entries(settings).map(([name, setting]) => [name, read<unknown>(setting)]);
  if (problems.length > 0) throw new ConfigError(problems);
  // Every entry was read by its own parser above, so the object has the type that the table gives.
  return Object.freeze(Object.fromEntries(entries)) as Config;
}

/** What an operator should know about a configuration that is valid but not good; `env` is what it was parsed from. */
export function configWarnings(config: Config, env: Readonly<Record<string, string | undefined>>): string[] {
  const warnings = mistypedSettings(env).map(
    ({ name, meant }) => `${name} is no setting and has no effect. Is ${meant} meant? It is not set.`,
  );
  if (config.adminPassword === null)
    warnings.push('ADMIN_PASSWORD is not set: only users who were made before can log in to the admin API.');
  if (config.jwtSecret === null) warnings.push('JWT_SECRET is not set: admin sessions end when the program ends.');
  else if (config.jwtSecret.length < 32) warnings.push('JWT_SECRET is shorter than 32 characters: easy to guess.');
  if (config.geminiBaseUrl.startsWith('http:') && !/^http:\/\/(127\.|localhost|\[::1\])/.test(config.geminiBaseUrl))
    warnings.push('GEMINI_BASE_URL is not https: Gemini keys cross the network in the clear.');
  return warnings;
}

/** Raises uWebSockets.js's cap on a header block, which it takes from the environment as its module loads. */
export function allowLargeHeaders(bytesMax: number): void {
  process.env['UWS_HTTP_MAX_HEADERS_SIZE'] = String(bytesMax);
}
