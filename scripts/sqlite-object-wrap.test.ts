/** better-sqlite3 as it is installed here does not unregister clean-up hooks, which aborts Node 24.19 and newer. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

test('the set-up compiles better-sqlite3 without the hooks of node::ObjectWrap', () => {
  const binary = new URL('../node_modules/better-sqlite3/build/Release/better_sqlite3.node', import.meta.url);
  const bytes = readFileSync(fileURLToPath(binary));
  // Its own hook, which closes what is open, is there.
  assert.ok(bytes.includes('AddEnvironmentCleanupHook'));
  assert.ok(!bytes.includes('RemoveEnvironmentCleanupHook'), 'run: npm ci && node scripts/setup.mjs');
});
