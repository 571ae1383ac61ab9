/** S-21: whatever clients, operators and Gemini write, the log is one JSON object a line, and no terminal obeys it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complete, eventually, rawExchange, startStack, testModel } from './harness.ts';

/** A line of its own with its own level, colours, a bell, a cleared screen by one character, and other ends of lines. */
const forged = 'x\r\n{"level":"error","msg":"forged"}\n\u001b[31m\u0007\u009b2J\u0000\u007f\u0085\u2028\u2029y';

test('S-21 line ends and control characters in what is logged are escaped: each line is one JSON object', async () => {
  const stack = await startStack({ env: { LOG_LEVEL: 'trace', TRUSTED_PROXIES: '127.0.0.1' } });
  const { gateway, clientKey, simulator, adminToken } = stack;
  let said = '';
  gateway.process.stdout?.on('data', (chunk) => {
    said += String(chunk);
  });
  const admin = async (method: string, path: string, body: object): Promise<number> => {
    const answer = await fetch(`${gateway.url}/admin/api${path}`, {
      method,
      headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return answer.status;
  };
  try {
    // A client, in every field whose text may come to be logged.
    assert.equal((await complete(gateway, clientKey, { model: forged })).status, 404);
    await complete(gateway, clientKey, { model: `gemini-${forged}`, stream: true });
    await complete(gateway, clientKey, { [forged]: 1, user: forged, messages: [{ role: forged, content: forged }] });
    await complete(gateway, clientKey, { tools: [{ type: 'function', function: { name: forged, parameters: {} } }] });
    for (const head of [
      `GET /v1/${encodeURIComponent(forged)}`,
      `GET /v1/models?x=${encodeURIComponent(forged)}`,
      'GET /v1/models/x\u001b[31m',
    ])
      await rawExchange(
        gateway.port,
        `${head} HTTP/1.1\r\nhost: x\r\nuser-agent: a\u001b[31mb\r\nx-forwarded-for: 1.2.3.4\u001b[2J\r\nx-request-id: \u001b[31m\r\nauthorization: Bearer ${clientKey}\r\nconnection: close\r\n\r\n`,
      );
    // Gemini.
    for (const body of [
      { error: { code: 400, message: forged, status: 'INVALID_ARGUMENT' } },
      forged,
      { error: forged },
    ]) {
      for (const status of [400, 500]) {
        await simulator.script([{ match: { model: testModel }, error: { status, body } }]);
        await complete(gateway, clientKey, {});
      }
    }
    await simulator.script([{ match: { model: testModel }, garbageEvent: { after: 0, line: `data: ${forged}` } }]);
    await complete(gateway, clientKey, { stream: true });
    // Operators, and those who would like to be.
    await admin('POST', '/auth/login', { username: forged, password: forged });
    await admin('POST', '/users', { username: forged, password: `${forged}${forged}`, role: 'viewer' });
    await admin('POST', '/api-keys', { key_name: forged });
    await admin('POST', '/gemini-keys', { api_key: forged });
    await admin('PUT', `/api-keys/${encodeURIComponent(forged)}`, {});
    gateway.process.kill('SIGTERM');
    await gateway.ended;
    await eventually('the log is whole', () => said.includes('"stopped"'));
  } finally {
    await stack.stop();
  }
  const lines = said.split('\n').filter((line) => line !== '');
  for (const [what, count] of [
    ['"msg":"request"', 10],
    ['"msg":"admin login"', 1],
    ['"msg":"admin change"', 1],
  ] as const)
    assert.ok(lines.filter((line) => line.includes(what)).length >= count, `${what} was logged`);
  for (const line of lines) {
    const entry: unknown = JSON.parse(line);
    assert.ok(typeof entry === 'object' && entry !== null && 'role' in entry && 'level' in entry, line);
    assert.ok(!('msg' in entry) || entry.msg !== 'forged', line);
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for.
  const raw = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]/.exec(said);
  assert.equal(raw && `${JSON.stringify(raw[0])} in ${said.slice(Math.max(0, raw.index - 200), raw.index + 50)}`, null);
});
