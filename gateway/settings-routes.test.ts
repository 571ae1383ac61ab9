/** What the settings say: every one of them, as an operator would write it, and of secrets only whether they are set. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig } from '../shared/config.ts';
import { settings } from '../shared/settings.ts';
import { settingsAnswer } from './settings-routes.ts';

const secrets = {
  GEMINI_API_KEYS: 'AIzaSecretKeyNumberOne00000000000000000,AIzaSecretKeyNumberTwo00000000000000000',
  ADMIN_PASSWORD: 'a password that nobody sees',
  JWT_SECRET: 'a secret that nobody sees, ever and ever',
  METRICS_TOKEN: 'a token that nobody sees',
};

describe('settings', () => {
  const config = parseConfig({
    ...secrets,
    MODEL_ALIASES: 'gpt-4o=gemini-3.8-flash',
    MODEL_FALLBACKS: 'gemini-3.8-flash>gemini-3.6-flash',
    STRICT_PARAMETERS: 'yes',
    LISTEN_ADDR: '127.0.0.1:9000',
  });
  const answer = settingsAnswer(config, new Map([['STRICT_PARAMETERS', '.env']]));
  const shown = (env: string): string | undefined => answer.settings.find((entry) => entry.env === env)?.value;

  test('all are there, in the order of the configuration', () => {
    assert.deepEqual(
      answer.settings.map(({ env }) => env),
      Object.values(settings).map(({ env }) => env),
    );
  });

  test('no secret is in it', () => {
    const text = JSON.stringify(answer);
    for (const secret of Object.values(secrets).flatMap((value) => value.split(','))) assert.ok(!text.includes(secret));
    for (const env of Object.keys(secrets)) assert.equal(shown(env), 'set', env);
    assert.equal(shown('ENCRYPTION_KEY'), 'not set');
  });

  test('values read as they are written, and say where they come from', () => {
    assert.equal(shown('STRICT_PARAMETERS'), 'yes');
    assert.equal(shown('LISTEN_ADDR'), '127.0.0.1:9000');
    assert.equal(shown('LOG_LEVEL'), 'info');
    assert.deepEqual(
      answer.settings.filter(({ source }) => source !== 'default').map(({ env, source }) => [env, source]),
      [['STRICT_PARAMETERS', '.env']],
    );
    assert.deepEqual(answer.aliases, [{ name: 'gpt-4o', model: 'gemini-3.8-flash' }]);
    assert.deepEqual(answer.fallbacks, [{ model: 'gemini-3.8-flash', fallbacks: ['gemini-3.6-flash'] }]);
  });
});
