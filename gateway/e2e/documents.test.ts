/**
 * The documents' commands, run as they are written: blocks marked `run` are put to a gateway of the test's own, of which
 * only address, key and password are filled in.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { adminPassword } from '../../bench/running-gateway.ts';
import { installClients, nodeForClients, runInClients } from './client-packages.ts';
import { geminiKeys, type Stack, startStack } from './harness.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const documents = ['README.md', 'README.zh-CN.md', 'CONTRIBUTING.md', 'SECURITY.md', ...pagesOf('docs')];
const scriptMs = 60_000;

interface Block {
  document: string;
  line: number;
  language: string;
  text: string;
}

function pagesOf(folder: string): string[] {
  return readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`);
}

/** The fenced blocks whose first line says `run` after the language. */
function runnableBlocks(document: string): Block[] {
  const text = readFileSync(join(root, document), 'utf8');
  return [...text.matchAll(/^```(\w+) run\n([\s\S]*?)^```$/gm)].map(({ 1: language = '', 2: block = '', index }) => ({
    document,
    line: text.slice(0, index).split('\n').length,
    language,
    text: block,
  }));
}

const blocks = documents.flatMap(runnableBlocks);

describe("the documents' commands", () => {
  let stack: Stack;
  let folder: string;
  let env: Record<string, string>;

  before(async () => {
    stack = await startStack();
    folder = mkdtempSync(join(tmpdir(), 'gemini-pool-documents-'));
    // The project as a folder to work in, whose new files are nobody's.
    for (const name of readdirSync(root)) if (name !== '.git') symlinkSync(join(root, name), join(folder, name));
    // An answer of 400 and above is a failure here, which curl tells only when asked.
    mkdirSync(join(folder, '.bin'));
    const curl = '#!/bin/sh\nPATH=$PLAIN_PATH exec curl --fail-with-body "$@"\n';
    writeFileSync(join(folder, '.bin', 'curl'), curl, { mode: 0o755 });
    env = {
      PLAIN_PATH: process.env['PATH'] ?? '',
      PATH: `${join(folder, '.bin')}:${process.env['PATH']}`,
      HOME: folder,
      GEMINI_API_KEYS: geminiKeys(1).join(),
      GEMINI_BASE_URL: stack.simulator.url,
      DATABASE_URL: `sqlite:${join(stack.gateway.folder, 'gemini_pool.db')}`,
      LISTEN_ADDR: `127.0.0.1:${stack.gateway.port}`,
      ADMIN_PASSWORD: adminPassword,
      JWT_SECRET: 'only-for-tests-only-for-tests-only-for-tests',
    };
  });
  after(async () => {
    await stack?.stop();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  const filledIn = (text: string): string =>
    text
      .replaceAll('http://127.0.0.1:8080', stack.gateway.url)
      .replaceAll('gp_…', stack.clientKey)
      .replaceAll('"password":"…"', `"password":"${adminPassword}"`);

  test('there are some', () => {
    assert.ok(blocks.length >= 4, `${blocks.length}`);
  });

  for (const { document, line, language, text } of blocks)
    test(`${document}, line ${line}: ${language}`, async () => {
      if (language === 'sh') {
        const { code, output } = await runShell(filledIn(text), folder, env);
        assert.equal(code, 0, output);
        return;
      }
      assert.ok(['js', 'ts'].includes(language), `nothing here runs ${language}`);
      await installClients();
      const args = ['--input-type=module', '--eval', filledIn(text)];
      const { code, output } = await runInClients(nodeForClients(), args, scriptMs);
      assert.equal(code, 0, output);
      assert.ok(output.trim().length > 0, 'it prints an answer');
    });
});

function runShell(text: string, cwd: string, env: Record<string, string>): Promise<{ code: number; output: string }> {
  const child = spawn('bash', ['-e', '-u', '-o', 'pipefail', '-x', '-c', text], { cwd, env, timeout: scriptMs });
  let output = '';
  const take = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? -1, output }));
  });
}
