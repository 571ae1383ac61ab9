/**
 * Goal: the newest clients that people point at this gateway work with it. Method: `clients/` is a package of its own,
 * with a Node of its own, since they no longer run on Node 20; each of its scripts runs against a real gateway.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { clientsFolder, installClients, nodeForClients, runInClients } from './client-packages.ts';
import { type Stack, startStack } from './harness.ts';

const scriptMs = 60_000;

describe('the newest clients', () => {
  let stack: Stack;

  before(async () => {
    await installClients();
    stack = await startStack();
  });
  after(() => stack?.stop());

  for (const script of ['openai-newest.mjs', 'ai-sdk.mjs', 'langchain.mjs'])
    test(script, async () => {
      const { code, output } = await runInClients(nodeForClients(), [join(clientsFolder, script)], scriptMs, {
        GATEWAY_URL: `${stack.gateway.url}/v1`,
        GATEWAY_KEY: stack.clientKey,
        SIMULATOR_URL: stack.simulator.url,
      });
      assert.equal(code, 0, output);
    });
});
