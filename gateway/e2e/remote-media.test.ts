/** Images that a message names by URL: left to Google, downloaded under a guard, or refused, as REMOTE_MEDIA says. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import OpenAI from 'openai';
import { metric, type Stack, startStack, testModel } from './harness.ts';

function ask(stack: Stack, url: string): Promise<OpenAI.Chat.ChatCompletion> {
  return stack.openai.chat.completions.create({
    model: testModel,
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is it?' },
          { type: 'image_url', image_url: { url } },
        ],
      },
    ],
  });
}

const isRefused = (error: unknown): boolean =>
  error instanceof OpenAI.BadRequestError && error.param === 'messages[0].content[1].image_url.url';

describe('left to Google', () => {
  let stack: Stack;
  before(async () => {
    stack = await startStack();
  });
  after(() => stack.stop());

  test('the URL reaches Gemini as a file', async () => {
    await ask(stack, 'https://pictures.example/cat.png').catch(() => undefined);
    const [entry] = (await stack.simulator.log()).filter(({ method }) => method === 'generateContent');
    assert.match(JSON.stringify(entry?.body), /"fileData":\{"fileUri":"https:\/\/pictures\.example\/cat\.png"/);
  });

  test('§10.31: an address of a private network is refused at once', async () => {
    const before = (await stack.simulator.stats()).requests;
    for (const url of [
      'http://127.0.0.1/x.png',
      'http://169.254.169.254/latest',
      'http://[::1]/x.png',
      'http://10.1.2.3/x.png',
    ])
      await assert.rejects(ask(stack, url), isRefused);
    assert.equal((await stack.simulator.stats()).requests, before);
  });
});

describe('downloaded here', () => {
  let stack: Stack;
  before(async () => {
    stack = await startStack({ env: { REMOTE_MEDIA: 'fetch' } });
  });
  after(() => stack.stop());

  test('§10.31: nothing on this machine or its network can be reached by it', async () => {
    let visits = 0;
    const bait = createServer((_, answer) => {
      visits++;
      answer.end();
    });
    await new Promise<void>((resolve) => bait.listen(0, '127.0.0.1', resolve));
    const address = bait.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const urls = [
      `https://127.0.0.1:${port}/x.png`,
      `http://localhost:${port}/x.png`,
      'https://0x7f.1/x.png',
      'https://metadata.internal/',
    ];
    for (const url of urls) await assert.rejects(ask(stack, url), isRefused);
    bait.close();
    assert.equal(visits, 0);
    assert.equal((await stack.simulator.stats()).requests, 0, 'Gemini was not called');
    assert.equal(await metric(stack.gateway, 'gemini_pool_requests_in_flight'), 0);
  });
});

test('refused, when the operator says so', async () => {
  const stack = await startStack({ env: { REMOTE_MEDIA: 'refuse' } });
  try {
    await assert.rejects(ask(stack, 'https://pictures.example/cat.png'), isRefused);
  } finally {
    await stack.stop();
  }
});
