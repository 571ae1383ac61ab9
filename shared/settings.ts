/** Every setting of the environment, once: its name, what it is for, and how its text is read. */
import { availableParallelism } from 'node:os';
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
  parseProxies,
  text,
  whole,
  yesOrNo,
} from './setting-readers.ts';

/** A setting of the environment: its name, what it is for, and how its text is read. */
export interface Setting<T> {
  env: string;
  about: string;
  /** As it stands in `.env.example`. */
  example: string;
  /** Never shown: the panel says only whether it is set. */
  isSecret?: true;
  /** Gets the text, or undefined when unset or empty; throws an Error that says what is wrong without repeating a secret. */
  parse: (raw: string | undefined) => T;
}

const cores = availableParallelism();

/** All settings, in the order of `.env.example`. */
export const settings = {
  geminiApiKeys: {
    env: 'GEMINI_API_KEYS',
    about: 'Gemini API keys, separated by commas. They are used as they are and never stored.',
    example: '',
    isSecret: true,
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
    about: 'Password of the administrator. Without it only users who were made before can log in.',
    example: '',
    isSecret: true,
    parse: parseAdminPassword,
  },
  jwtSecret: {
    env: 'JWT_SECRET',
    about:
      'Signs the sessions of the admin API: 32 random characters or more (openssl rand -hex 32). Without it sessions end at every restart.',
    example: '',
    isSecret: true,
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
  retentionDays: {
    env: 'RETENTION_DAYS',
    about: 'Days for which each request is kept; 0 keeps them for ever. Sums and totals stay.',
    example: '90',
    parse: whole(0, 36_500, 90),
  },
  minuteRetentionDays: {
    env: 'MINUTE_RETENTION_DAYS',
    about: 'Days for which sums by minute are kept; 0 for ever. Sums by hour and by day answer for the time before.',
    example: '30',
    parse: whole(0, 36_500, 30),
  },
  hourRetentionDays: {
    env: 'HOUR_RETENTION_DAYS',
    about: 'Days for which sums by hour are kept; 0 for ever. Sums by day are never deleted.',
    example: '400',
    parse: whole(0, 36_500, 400),
  },
  encryptionKey: {
    env: 'ENCRYPTION_KEY',
    about:
      'Seals the Gemini keys added through the admin API: 32 bytes as hex or base64. Without it a key file is made beside the database.',
    example: '',
    isSecret: true,
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
  keyWaitMs: {
    env: 'KEY_WAIT_MS',
    about: 'How long a request may wait for a key when all rest but one is back that soon; 0 answers 429 at once.',
    example: '8000',
    parse: whole(0, 9_000, 8_000),
  },
  keyAffinity: {
    env: 'KEY_AFFINITY',
    about:
      "What keeps requests on one key, so that Google's cache serves them: off (exact rotation), cache_key (requests with the same prompt_cache_key) or conversation (those that also begin alike).",
    example: 'off',
    parse: oneOf(['off', 'cache_key', 'conversation'], 'off'),
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
    about:
      'What becomes of an answer without any content: retry asks once more with another key and then hands on what comes, pass hands it on at once, error asks once more and then fails.',
    example: 'retry',
    parse: oneOf(['retry', 'pass', 'error'], 'retry'),
  },
  resumeStreams: {
    env: 'RESUME_STREAMS',
    about:
      'yes: a stream of text that Google cuts is continued with another key, from where it stopped. no: it ends with an error.',
    example: 'no',
    parse: yesOrNo(false),
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
    isSecret: true,
    parse: text,
  },
  corsOrigins: {
    env: 'CORS_ORIGINS',
    about: 'Origins of web pages that may call /v1, separated by commas; * for all.',
    example: '*',
    parse: parseOrigins,
  },
  trustedProxies: {
    env: 'TRUSTED_PROXIES',
    about:
      "Proxies that are believed when their X-Forwarded-For tells a client's address, for the audit log and against guessed passwords: addresses and networks (10.0.0.0/8), separated by commas.",
    example: '',
    parse: parseProxies,
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
