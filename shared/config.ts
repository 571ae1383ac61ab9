/**
 * The configuration: read once from the environment and `.env`, parsed into one frozen object, handed on as an argument.
 * Nothing else reads the environment. All problems are reported together; no message repeats a secret.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseEnv } from 'node:util';
import {
  oneOf,
  parseAdminPassword,
  parseAliases,
  parseBaseUrl,
  parseDatabasePath,
  parseEncryptionKey,
  parseFallbacks,
  parseGeminiKeys,
  parseJwtSecret,
  parseListenAddress,
  parseOrigins,
  text,
  whole,
  yesOrNo,
} from './setting-readers.ts';

/** A setting of the environment: its name, what it is for, and how its text is read. */
interface Setting<T> {
  env: string;
  about: string;
  /** As it stands in `.env.example`. */
  example: string;
  /** Gets the text, or undefined when unset or empty; throws an Error that says what is wrong without repeating a secret. */
  parse: (raw: string | undefined) => T;
}

type Values<S> = { [K in keyof S]: S[K] extends Setting<infer T> ? T : never };

const cores = availableParallelism();

/** All settings, in the order of `.env.example`. */
export const settings = {
  geminiApiKeys: {
    env: 'GEMINI_API_KEYS',
    about: 'Gemini API keys, separated by commas. They are used as they are and never stored.',
    example: '',
    parse: parseGeminiKeys,
  },
  adminUsername: {
    env: 'ADMIN_USERNAME',
    about: 'Name of the administrator.',
    example: 'admin',
    parse: (raw: string | undefined) => raw ?? 'admin',
  },
  adminPassword: {
    env: 'ADMIN_PASSWORD',
    about: 'Password of the administrator. Without it nobody can log in.',
    example: '',
    parse: parseAdminPassword,
  },
  jwtSecret: {
    env: 'JWT_SECRET',
    about:
      'Signs the sessions of the admin API: 32 random characters or more (openssl rand -hex 32). Without it sessions end at every restart.',
    example: '',
    parse: parseJwtSecret,
  },
  listen: {
    env: 'LISTEN_ADDR',
    about: 'Address and port to listen on.',
    example: '0.0.0.0:8080',
    parse: parseListenAddress,
  },
  databasePath: {
    env: 'DATABASE_URL',
    about: 'The SQLite database file; made when missing.',
    example: 'sqlite:./gemini_pool.db',
    parse: parseDatabasePath,
  },
  sqliteSynchronous: {
    env: 'SQLITE_SYNCHRONOUS',
    about:
      'normal: what is committed survives the death of any process. full: it survives a power cut too, at a price.',
    example: 'normal',
    parse: oneOf(['normal', 'full'], 'normal'),
  },
  encryptionKey: {
    env: 'ENCRYPTION_KEY',
    about:
      'Seals the Gemini keys added through the admin API: 32 bytes as hex or base64. Without it a key file is made beside the database.',
    example: '',
    parse: parseEncryptionKey,
  },
  geminiBaseUrl: {
    env: 'GEMINI_BASE_URL',
    about: 'Where Gemini answers.',
    example: 'https://generativelanguage.googleapis.com',
    parse: parseBaseUrl,
  },
  modelAliases: {
    env: 'MODEL_ALIASES',
    about: 'Names that clients use, and the models that answer for them: gpt-4o=gemini-3.8-flash, with commas between.',
    example: '',
    parse: parseAliases,
  },
  modelFallbacks: {
    env: 'MODEL_FALLBACKS',
    about:
      'Models that are asked when one is overloaded or all keys rest for it: gemini-3.8-flash>gemini-3.6-flash, with commas between.',
    example: '',
    parse: parseFallbacks,
  },
  strictParameters: {
    env: 'STRICT_PARAMETERS',
    about:
      'yes: parameters that Gemini cannot honour are refused instead of left out with a warning. A request can ask for it with the header x-gemini-pool-strict: true.',
    example: 'no',
    parse: yesOrNo(false),
  },
  emptyAnswers: {
    env: 'EMPTY_ANSWERS',
    about: 'What an answer without any content is: pass hands it on as it is, error tries again and then fails.',
    example: 'pass',
    parse: oneOf(['pass', 'error'], 'pass'),
  },
  remoteMedia: {
    env: 'REMOTE_MEDIA',
    about:
      'Images and files that messages name by URL: gemini leaves the download to Google, fetch downloads them here (https, public addresses, 10 MB), refuse does neither.',
    example: 'gemini',
    parse: oneOf(['gemini', 'fetch', 'refuse'], 'gemini'),
  },
  googleMayStore: {
    env: 'GOOGLE_MAY_STORE',
    about: 'yes: Google may keep requests in the logs of paid projects. no: it is asked not to.',
    example: 'no',
    parse: yesOrNo(false),
  },
  metricsToken: {
    env: 'METRICS_TOKEN',
    about: 'Bearer token for /metrics. Without it /metrics answers to loopback only.',
    example: '',
    parse: text,
  },
  corsOrigins: {
    env: 'CORS_ORIGINS',
    about: 'Origins of web pages that may call /v1, separated by commas; * for all.',
    example: '*',
    parse: parseOrigins,
  },
  maxBodyBytes: {
    env: 'MAX_BODY_BYTES',
    about: 'Largest request body in bytes.',
    example: '33554432',
    parse: whole(1024, 1024 * 1024 * 1024, 32 * 1024 * 1024),
  },
  maxConcurrentRequests: {
    env: 'MAX_CONCURRENT_REQUESTS',
    about: 'Requests in flight at once; more get 503.',
    example: '20000',
    parse: whole(1, 1_000_000, 20_000),
  },
  workerThreads: {
    env: 'WORKER_THREADS',
    about:
      'Threads that translate and call Gemini; by default one less than there are cores, at least one, at most eight.',
    example: '',
    parse: whole(1, 64, Math.min(8, Math.max(1, cores - 1))),
  },
  connectTimeoutMs: {
    env: 'UPSTREAM_CONNECT_TIMEOUT_MS',
    about: 'Time to connect to Gemini.',
    example: '10000',
    parse: whole(100, 600_000, 10_000),
  },
  firstByteTimeoutMs: {
    env: 'UPSTREAM_FIRST_BYTE_TIMEOUT_MS',
    about: 'Time until Gemini begins its answer; models that think long answer late.',
    example: '300000',
    parse: whole(100, 3_600_000, 300_000),
  },
  idleTimeoutMs: {
    env: 'UPSTREAM_IDLE_TIMEOUT_MS',
    about: 'Longest silence within an answer of Gemini.',
    example: '300000',
    parse: whole(100, 3_600_000, 300_000),
  },
  requestTimeoutMs: {
    env: 'REQUEST_TIMEOUT_MS',
    about: 'Longest time for one request, over all attempts.',
    example: '1200000',
    parse: whole(100, 24 * 3_600_000, 1_200_000),
  },
  drainTimeoutMs: {
    env: 'DRAIN_TIMEOUT_MS',
    about:
      'After SIGTERM, time for requests in flight to finish. Keep it below the patience of whoever stops the program.',
    example: '25000',
    parse: whole(0, 3_600_000, 25_000),
  },
  logLevel: {
    env: 'LOG_LEVEL',
    about: 'trace, debug, info, warn, error or silent.',
    example: 'info',
    parse: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'silent'], 'info'),
  },
} as const satisfies Record<string, Setting<unknown>>;

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
  let file: Record<string, string | undefined> = {};
  try {
    file = parseEnv(readFileSync('.env', 'utf8'));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT'))
      throw new ConfigError(['.env: cannot be read']);
  }
  return { ...file, ...process.env };
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

/** What an operator should know about a configuration that is valid but not good. */
export function configWarnings(config: Config): string[] {
  const warnings: string[] = [];
  if (config.adminPassword === null) warnings.push('ADMIN_PASSWORD is not set: nobody can log in to the admin API.');
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
