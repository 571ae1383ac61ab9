/** Answers of Gemini that end in another way than most, as OpenAI's own client sees them; and a Gemini that is not there. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import OpenAI from 'openai';
import { freePort } from '../../bench/nginx.ts';
import type { Scenario, ScriptedError } from '../../bench/simulator/scenario.ts';
import { complete, expectQuiet, type Stack, startStack, testModel } from './harness.ts';

const usageMetadata = { promptTokenCount: 4, candidatesTokenCount: 2, totalTokenCount: 6 };
const candidate = (text: string | null, finishReason?: string): object => ({
  candidates: [
    {
      index: 0,
      ...(text !== null && { content: { role: 'model', parts: [{ text }] } }),
      ...(finishReason && { finishReason }),
    },
  ],
  usageMetadata,
});

const unregistered = "Method doesn't allow unregistered callers (callers without established identity).";

/** What Gemini says, and the finish reason with the content that a client gets; an error's status where there is none. */
const answers: [
  what: string,
  scenario: Omit<Scenario, 'match'>,
  expected: [finish: string, content: string] | number,
][] = [
  ['MAX_TOKENS', { events: [candidate('Half of'), candidate(' it', 'MAX_TOKENS')] }, ['length', 'Half of it']],
  ['SAFETY after a text', { events: [candidate('So'), candidate(null, 'SAFETY')] }, ['content_filter', 'So']],
  ['SAFETY without a text', { events: [candidate(null, 'SAFETY')] }, ['content_filter', '']],
  ['RECITATION', { events: [candidate('To be'), candidate(null, 'RECITATION')] }, ['content_filter', 'To be']],
  [
    'a blocked prompt',
    { events: [{ promptFeedback: { blockReason: 'SAFETY' }, usageMetadata }] },
    ['content_filter', ''],
  ],
  ['no candidates', { events: [{ candidates: [], usageMetadata }] }, 502],
  ['a finish reason of tomorrow', { events: [candidate('Well'), candidate(null, 'TIRED')] }, ['stop', 'Well']],
];

describe('U-21 odd answers', () => {
  let stack: Stack;

  before(async () => {
    stack = await startStack();
  });
  after(async () => {
    await expectQuiet(stack.gateway);
    await stack.stop();
  });

  const hello = { model: testModel, messages: [{ role: 'user' as const, content: 'Hello' }] };

  for (const [what, scenario, expected] of answers)
    for (const stream of [false, true])
      test(`${what} (${stream ? 'stream' : 'whole'}): ${String(expected)}`, async () => {
        await stack.simulator.reset();
        await stack.simulator.script([{ match: { model: testModel }, ...scenario }]);
        const ask = async (): Promise<[string, string]> => {
          if (!stream) {
            const [choice] = (await stack.openai.chat.completions.create(hello)).choices;
            return [choice?.finish_reason ?? '', choice?.message.content ?? ''];
          }
          const completion = await stack.openai.chat.completions
            .stream({ ...hello, stream: true })
            .finalChatCompletion();
          return [completion.choices[0]?.finish_reason ?? '', completion.choices[0]?.message.content ?? ''];
        };
        if (typeof expected === 'number')
          await assert.rejects(ask, (error) => error instanceof OpenAI.APIError && error.status === expected);
        else assert.deepEqual(await ask(), expected);
      });
});

describe("errors that are no key's fault", () => {
  const errors: [error: ScriptedError, calls: number, status: number][] = [
    ['overloaded', 3, 503],
    ['deadline', 2, 504],
    ['unregistered', 1, 502],
    [{ status: 401, body: { error: { code: 401, status: 'UNAUTHENTICATED', message: unregistered } } }, 1, 502],
  ];
  for (const [error, calls, status] of errors)
    test(`${JSON.stringify(error)}: ${calls} calls, ${status}, and every key stays`, async () => {
      const stack = await startStack();
      try {
        await stack.simulator.script([{ match: { model: testModel }, error }]);
        assert.equal((await complete(stack.gateway, stack.clientKey, { stream: false })).status, status);
        assert.equal((await stack.simulator.log()).length, calls);
        const listed = await fetch(`${stack.gateway.url}/admin/api/gemini-keys`, {
          headers: { authorization: `Bearer ${stack.adminToken}` },
        });
        assert.doesNotMatch(await listed.text(), /"state":"disabled"/);
        await expectQuiet(stack.gateway);
      } finally {
        await stack.stop();
      }
    });
});

describe('U-23 a Gemini that is not there', { concurrency: true }, () => {
  let folder: string;
  let server: Server;
  let securePort = 0;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'gemini-pool-tls-'));
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key];
    execFileSync('openssl', ['req', '-x509', ...newKey, '-subj', '/CN=localhost', '-out', cert, '-days', '2'], {
      stdio: 'ignore',
    });
    server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, answer) => answer.end('{}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    securePort = typeof address === 'object' && address !== null ? address.port : 0;
  });
  after(() => {
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true });
  });

  const places: [what: string, url: () => Promise<string>][] = [
    ['nobody listens', async () => `http://127.0.0.1:${await freePort()}`],
    ['a name that is none', async () => 'http://gemini.invalid'],
    ['a certificate that nobody signed', async () => `https://127.0.0.1:${securePort}`],
  ];
  for (const [what, url] of places)
    test(`${what}: 502 upstream_unreachable, and no key is blamed`, async () => {
      const stack = await startStack({ env: { GEMINI_BASE_URL: await url() } });
      try {
        for (const stream of [false, true]) {
          const seen = await complete(stack.gateway, stack.clientKey, { stream });
          assert.equal(seen.status, 502, seen.text);
          assert.match(seen.text, /"code":"upstream_unreachable"/);
          assert.doesNotMatch(seen.text, /AIza|127\.0\.0\.1|gemini\.invalid|certificate/);
        }
        const listed = await fetch(`${stack.gateway.url}/admin/api/gemini-keys`, {
          headers: { authorization: `Bearer ${stack.adminToken}` },
        });
        assert.doesNotMatch(await listed.text(), /"state":"disabled"/);
        await expectQuiet(stack.gateway);
      } finally {
        await stack.stop();
      }
    });
});
