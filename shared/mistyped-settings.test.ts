import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { mistypedSettings } from './mistyped-settings.ts';
import { settings } from './settings.ts';

describe('names that look like a setting', () => {
  const meant: [name: string, setting: string][] = [
    ['GEMINI_API_KEY', 'GEMINI_API_KEYS'],
    ['gemini_api_keys', 'GEMINI_API_KEYS'],
    ['ADMIN_PASWORD', 'ADMIN_PASSWORD'],
    ['JWT-SECRET', 'JWT_SECRET'],
    ['MAX_BODY_BYTE', 'MAX_BODY_BYTES'],
    ['UPSTREAM_IDLE_TIMEOUT', 'UPSTREAM_IDLE_TIMEOUT_MS'],
    ['DRIAN_TIMEOUT_MS', 'DRAIN_TIMEOUT_MS'],
    ['LOGLEVEL', 'LOG_LEVEL'],
  ];
  for (const [name, setting] of meant)
    test(`G-2 ${name}: ${setting}`, () => {
      assert.deepEqual(mistypedSettings({ [name]: 'x', PATH: '/bin' }), [{ name, meant: setting }]);
      assert.deepEqual(mistypedSettings({ [name]: 'x', [setting]: ' ' }), [{ name, meant: setting }], 'empty is unset');
      assert.deepEqual(
        mistypedSettings({ [name]: 'x', [setting]: 'y' }),
        [],
        'the right one is set: nothing is missing',
      );
    });

  test('G-2 no setting looks like another, and what programs commonly find in their environment like none', () => {
    const all = Object.values(settings).map(({ env }) => env);
    const common = `PATH HOME HOST HOSTNAME PORT USER LANG LC_ALL PWD SHELL TERM TZ NODE_ENV NODE_OPTIONS NO_PROXY HTTP_PROXY
      HTTPS_PROXY DOMAIN OPENAI_API_KEY OPENAI_BASE_URL GOOGLE_API_KEY GOOGLE_APPLICATION_CREDENTIALS INVOCATION_ID
      JOURNAL_STREAM LISTEN_FDS LISTEN_PID DATABASE_PATH LOGNAME npm_config_loglevel ${'X'.repeat(10_000)}`;
    const names = [...all, ...common.split(/\s+/)];
    assert.deepEqual(mistypedSettings(Object.fromEntries(names.map((name) => [name, 'x']))), []);
    assert.deepEqual(mistypedSettings(Object.fromEntries(names.map((name) => [name, '']))), []);
  });
});
