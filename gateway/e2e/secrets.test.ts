/**
 * S-11: planted secrets (Gemini keys, client keys, a session, the password, prompts) on every way a request can fail are
 * found in no log, error, header, metric, admin answer, and, but for what is sealed or hashed, in no file.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ErrorPreset } from '../../bench/simulator/scenario.ts';
import { complete, eventually, expectQuiet, rawExchange, type Stack, startStack, testModel } from './harness.ts';

const environmentKey = 'AIzaPlantedOfTheEnvironment0000000000001';
const storedKey = 'AIzaPlantedThroughThePanel00000000000002';
const password = 'planted-password-of-the-operator';
const jwtSecret = 'planted-jwt-secret-planted-jwt-secret';
const prompt = 'planted-prompt-nobody-should-read';
const output = 'planted-output-nobody-should-read';
const wrongKey = 'gp_plantedplantedplantedplantedplant';

const presets: ErrorPreset[] = [
  'bad_request',
  'internal',
  'overloaded',
  'unimplemented',
  'deadline',
  'bare_exhausted',
  'rate_limit_minute',
  'rate_limit_day',
  'automated_queries',
  'location',
  'model_closed',
  'not_found',
  'service_blocked',
  'suspended',
  'invalid_key',
];

describe('S-11 secrets', () => {
  let stack: Stack;
  const seen: string[] = [];

  before(async () => {
    stack = await startStack({
      keys: [environmentKey],
      env: { JWT_SECRET: jwtSecret, LOG_LEVEL: 'trace', UPSTREAM_IDLE_TIMEOUT_MS: '500' },
    });
  });
  after(() => stack.stop());

  async function admin(method: string, path: string, body?: unknown, token = stack.adminToken): Promise<void> {
    const answer = await fetch(`${stack.gateway.url}/admin/api/${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    seen.push(await answer.text(), headersOf(answer.headers));
  }

  const ask = async (body: Record<string, unknown> = {}, key = stack.clientKey): Promise<void> => {
    const { text, headers } = await complete(stack.gateway, key, {
      messages: [{ role: 'user', content: prompt }],
      ...body,
    });
    // The simulator's good answers repeat the prompt, as a model may; errors must not.
    seen.push(...text.split('\n').filter((line) => line.includes('"error"')), headersOf(headers));
  };

  test('however a request fails, nothing of them comes out', async () => {
    const { simulator, gateway } = stack;
    await admin('POST', 'gemini-keys', { api_key: storedKey });
    await admin('POST', 'gemini-keys', { api_key: storedKey });

    // Faults of the client.
    await ask({}, wrongKey);
    await ask({}, stack.adminToken);
    await ask({}, environmentKey);
    await ask({ temperature: 'hot' });
    await ask({ messages: [{ role: 'nobody', content: prompt }] });
    await ask({
      tools: [
        { type: 'function', function: { name: 'x'.repeat(100), description: prompt, parameters: { type: 'nothing' } } },
      ],
    });
    await ask({
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'x', schema: { $ref: '#/none', description: prompt } },
      },
    });
    seen.push(
      await rawExchange(
        gateway.port,
        `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${stack.clientKey}\r\ncontent-length: 40\r\nconnection: close\r\n\r\n{"model": ${prompt}`.padEnd(
          300,
        ),
        '}}',
      ),
      await rawExchange(gateway.port, `GET /v1/models?key=${environmentKey} HTTP/1.1\r\nhost: x\r\n\r\n`, '}}'),
    );

    // This one is repeated to who sent it, and to nobody else.
    await rawExchange(gateway.port, `GET /v1/${wrongKey} HTTP/1.1\r\nhost: x\r\n\r\n`, '}}');

    // Faults of Gemini, on the key of the environment and on the stored one.
    for (const preset of presets) {
      await simulator.script([{ match: {}, times: 2, error: preset, headers: { 'x-note': environmentKey } }]);
      await ask({ model: `gemini-3.${presets.indexOf(preset) % 2 === 0 ? '8' : '6'}-flash` });
      await ask({ stream: true });
    }
    for (const fault of [
      { cutAfterEvents: 2 },
      { garbageEvent: { after: 1, line: `data: {"${output}` } },
      { endWithoutFinish: true },
      { hangAfterEvents: 1 },
      { errorEventAfter: 1 },
    ]) {
      await simulator.script([{ match: { model: testModel }, text: 'x', chunks: 3, ...fault }]);
      await ask({ stream: true });
      await ask({});
    }
    await simulator.reset();

    // The admin API.
    await admin('POST', 'auth/login', { username: 'admin', password });
    await admin('POST', 'auth/login', { username: 'admin', password: `${password}x` });
    await admin('POST', 'auth/login', { username: password, password: 'x' });
    await admin('GET', 'auth/verify', undefined, `${stack.adminToken}x`);
    for (const path of ['dashboard', 'api-keys', 'gemini-keys', `api-keys/${stack.clientKey}`])
      await admin('GET', path);
    for (const path of ['health', 'ready', 'metrics']) seen.push(await (await fetch(`${gateway.url}/${path}`)).text());
    await expectQuiet(gateway);
  });

  test('the log, the files and all that was answered are clean', async () => {
    const { gateway, clientKey, adminToken } = stack;
    gateway.process.kill('SIGTERM');
    await gateway.ended;
    await eventually('the log is whole', () => gateway.lines.some((line) => line.includes('"stopped"')));
    const secrets = { environmentKey, storedKey, password, jwtSecret, prompt, output, wrongKey, adminToken, clientKey };
    const places = new Map<string, string>([
      ['the log', gateway.lines.join('\n')],
      ['answers', seen.join('\n')],
      ...readdirSync(gateway.folder).map((name): [string, string] => [
        name,
        readFileSync(join(gateway.folder, name), 'latin1'),
      ]),
    ]);
    assert.ok(places.has('gemini_pool.db'));
    const found = Object.entries(secrets).flatMap(([what, secret]) =>
      [...places].filter(([, text]) => text.includes(secret)).map(([place]) => `${what} in ${place}`),
    );
    assert.deepEqual(found, []);
    assert.doesNotMatch(seen.join('\n'), /\n +at .*\.(ts|js)/, 'no stack in an answer');
  });
});

function headersOf(headers: Headers): string {
  return [...headers].map(([name, value]) => `${name}: ${value}`).join('\n');
}
