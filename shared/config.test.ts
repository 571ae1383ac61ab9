import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConfigError, configWarnings, parseConfig } from './config.ts';

describe('configuration', () => {
  test('an empty environment is enough to start', () => {
    const config = parseConfig({});
    assert.deepEqual(config.geminiApiKeys, []);
    assert.deepEqual(config.listen, { host: '0.0.0.0', port: 8080 });
    assert.equal(config.databasePath, './gemini_pool.db');
    assert.equal(config.maxBodyBytes, 33_554_432);
    assert.ok(Object.isFrozen(config));
  });

  const good: [env: string, raw: string, field: keyof ReturnType<typeof parseConfig>, value: unknown][] = [
    ['GEMINI_API_KEYS', 'AIza1, AQ.2 ,,AIza1', 'geminiApiKeys', ['AIza1', 'AQ.2']],
    ['GEMINI_BASE_URL', 'http://127.0.0.1:9/prefix/', 'geminiBaseUrl', 'http://127.0.0.1:9/prefix'],
    ['LISTEN_ADDR', '[::1]:0', 'listen', { host: '::1', port: 0 }],
    ['LISTEN_ADDR', 'localhost:81', 'listen', { host: 'localhost', port: 81 }],
    ['DATABASE_URL', 'sqlite:///data/pool.db', 'databasePath', '/data/pool.db'],
    ['DATABASE_URL', 'sqlite://data/pool.db', 'databasePath', 'data/pool.db'],
    ['DATABASE_URL', 'sqlite:/data/pool.db?mode=rwc', 'databasePath', '/data/pool.db'],
    ['ENCRYPTION_KEY', 'AB'.repeat(32), 'encryptionKey', 'ab'.repeat(32)],
    ['ENCRYPTION_KEY', Buffer.alloc(32, 1).toString('base64'), 'encryptionKey', '01'.repeat(32)],
    [
      'CORS_ORIGINS',
      'https://a.example/, http://b.example:8',
      'corsOrigins',
      ['https://a.example', 'http://b.example:8'],
    ],
    ['LOG_LEVEL', 'WARN', 'logLevel', 'warn'],
    ['WORKER_THREADS', ' 3 ', 'workerThreads', 3],
    ['METRICS_TOKEN', '', 'metricsToken', null],
  ];
  for (const [env, raw, field, value] of good) {
    test(`${env}=${raw} is read`, () => assert.deepEqual(parseConfig({ [env]: raw })[field], value));
  }

  const bad: [env: string, raw: string][] = [
    ['GEMINI_API_KEYS', 'AIza 1'],
    ['GEMINI_BASE_URL', 'ftp://x'],
    ['GEMINI_BASE_URL', 'https://user:pass@x'],
    ['GEMINI_BASE_URL', 'https://x/?key=y'],
    ['LISTEN_ADDR', '9999'],
    ['LISTEN_ADDR', 'x:99999'],
    ['DATABASE_URL', 'postgres://x'],
    ['JWT_SECRET', 'your-secret-key'],
    ['JWT_SECRET', 'change_me_please'],
    ['ADMIN_PASSWORD', 'admin123'],
    ['ENCRYPTION_KEY', 'short'],
    ['MAX_BODY_BYTES', '1e3x'],
    ['MAX_BODY_BYTES', '-1'],
    ['WORKER_THREADS', '0'],
    ['CORS_ORIGINS', 'example.com'],
    ['LOG_LEVEL', 'loud'],
    ['SQLITE_SYNCHRONOUS', 'off'],
  ];
  for (const [env, raw] of bad) {
    test(`${env}=${raw} is refused by name, without repeating it`, () => {
      assert.throws(
        () => parseConfig({ [env]: raw }),
        (error) => error instanceof ConfigError && error.message.includes(env) && !error.message.includes(raw),
      );
    });
  }

  test('all problems are told at once', () => {
    assert.throws(
      () => parseConfig(Object.fromEntries(bad)),
      (error) =>
        error instanceof ConfigError && new Set(bad.map(([env]) => env)).size === error.message.split('\n').length - 1,
    );
  });

  test('what is valid but unwise is warned about', () => {
    const env = { JWT_SECRET: 'too short', GEMINI_BASE_URL: 'http://proxy.example', ADMIN_PASWORD: 'hunter2' };
    const warnings = configWarnings(parseConfig(env), env).join(' ');
    assert.match(warnings, /ADMIN_PASSWORD/);
    assert.match(warnings, /JWT_SECRET is shorter/);
    assert.match(warnings, /not https/);
    assert.match(warnings, /ADMIN_PASWORD is no setting and has no effect\. Is ADMIN_PASSWORD meant\?/);
    assert.doesNotMatch(warnings, /hunter2/);
  });
});
