/** G-2: a setting whose name was mistyped is told at the start, in the log and by the doctor; its value is not. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startGateway } from '../../bench/running-gateway.ts';
import { geminiKeys } from './harness.ts';
import { runTool } from './operator-tool.ts';

const secret = 'hunter2-hunter2';

test('G-2 names in .env and in the environment that look like a setting: one warning each, and the gateway starts', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gemini-pool-mistyped-'));
  writeFileSync(join(folder, '.env'), `GEMINI_API_KEY=${geminiKeys(1)}\nDOMAIN=ai.example.com\n`, { mode: 0o600 });
  try {
    const gateway = await startGateway({ folder, env: { METRICS_TOKENS: secret, NODE_ENV: 'production' } });
    await gateway.stop();
    const warnings = gateway.lines.filter((line) => line.includes('is no setting'));
    assert.equal(warnings.length, 2, warnings.join('\n'));
    assert.match(warnings.join('\n'), /GEMINI_API_KEY is no setting and has no effect\. Is GEMINI_API_KEYS meant\?/);
    assert.match(warnings.join('\n'), /METRICS_TOKENS is no setting and has no effect\. Is METRICS_TOKEN meant\?/);
    assert.ok(!gateway.lines.some((line) => line.includes(secret) || line.includes('AIza')));
    const env = { DATABASE_URL: `sqlite:${join(folder, 'gemini_pool.db')}` };
    const doctor = await runTool('doctor', { args: ['--only', 'configuration'], cwd: folder, env });
    assert.match(doctor.stdout, /GEMINI_API_KEY is no setting and has no effect/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
