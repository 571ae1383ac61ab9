/** What is recorded of a request, whole or not: read through the admin API, as its operator does. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { RequestEntry, RequestList } from '../../shared/admin-usage.ts';
import { eventually, type Stack, startStack, testModel } from './harness.ts';

describe('rows of requests', () => {
  let stack: Stack;
  before(async () => {
    stack = await startStack();
  });
  after(() => stack.stop());
  beforeEach(() => stack.simulator.reset());

  /** The one request that was recorded since the ones that `asked` is about. */
  async function recorded(asked: () => Promise<unknown>): Promise<RequestEntry> {
    const list = async (): Promise<RequestList> => {
      const answer = await fetch(`${stack.gateway.url}/admin/api/requests?limit=5`, {
        headers: { authorization: `Bearer ${stack.adminToken}` },
      });
      return (await answer.json()) as RequestList;
    };
    const before = (await list()).requests[0]?.id ?? '';
    await asked();
    let found: RequestEntry[] = [];
    await eventually('the row is there', async () => {
      found = (await list()).requests.filter(({ id }) => id > before);
      return found.length > 0;
    });
    assert.equal(found.length, 1);
    return found[0] as RequestEntry;
  }

  const chat = (stream: boolean, more: object = {}) => ({
    model: testModel,
    stream,
    messages: [{ role: 'user' as const, content: 'Tell me about the sea.' }],
    ...more,
  });

  /** Sends a request, and leaves once the simulator holds it back. */
  async function leave(body: object): Promise<void> {
    const abort = new AbortController();
    const asking = fetch(`${stack.gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${stack.clientKey}` },
      body: JSON.stringify(body),
      signal: abort.signal,
    }).then((answer) => answer.text());
    await eventually('Gemini holds it back', async () => ((await stack.simulator.stats()).held['door'] ?? 0) > 0);
    abort.abort();
    await assert.rejects(asking);
  }

  test('a complete answer, with what was left out of it', async () => {
    const row = await recorded(() => stack.openai.chat.completions.create({ ...chat(false), logit_bias: { 1: 1 } }));
    const { outcome, ended_by, phase, status, tokens_estimated, finish_reason, model_asked, error_code } = row;
    assert.deepEqual(
      { outcome, ended_by, phase, status, tokens_estimated, finish_reason, model_asked, error_code },
      {
        outcome: 'completed',
        ended_by: 'upstream',
        phase: 'calling',
        status: 200,
        tokens_estimated: false,
        finish_reason: 'stop',
        model_asked: testModel,
        error_code: null,
      },
    );
    assert.deepEqual(row.warnings, ['logit_bias']);
    assert.ok(row.cost !== null && row.cost > 0);
    assert.deepEqual(
      row.attempts.map(({ status: of, reason }) => [of, reason]),
      [[200, 'ok']],
    );
  });

  test('a client that leaves before the answer began: its prompt is estimated, and flagged', async () => {
    await stack.simulator.script([{ match: { model: testModel }, holdUntilReleased: 'door' }]);
    const row = await recorded(() => leave(chat(false)));
    const { outcome, ended_by, phase, status, tokens_estimated, output_tokens } = row;
    assert.deepEqual(
      { outcome, ended_by, phase, status, tokens_estimated, output_tokens },
      {
        outcome: 'client_gone',
        ended_by: 'client',
        phase: 'calling',
        status: 499,
        tokens_estimated: true,
        output_tokens: 0,
      },
    );
    assert.ok(row.prompt_tokens > 0 && row.cost !== null && row.cost > 0);
    assert.equal(row.attempts[0]?.reason, 'cancelled');
  });

  test('a client that leaves in the midst of a stream: what Gemini had counted by then', async () => {
    await stack.simulator.script([
      { match: { model: testModel }, chunks: 6, holdUntilReleased: 'door', holdAfterEvents: 3 },
    ]);
    const row = await recorded(() => leave(chat(true)));
    assert.deepEqual(
      [row.outcome, row.ended_by, row.phase, row.status, row.tokens_estimated],
      ['client_gone', 'client', 'streaming', 200, false],
    );
    assert.ok(row.prompt_tokens > 0 && row.output_tokens + row.thoughts_tokens > 0);
    assert.ok(row.first_token_ms !== null);
  });

  test('a stream that Gemini cuts: failed with status 200, ended by Gemini, with what was used', async () => {
    await stack.simulator.script([{ match: { model: testModel }, chunks: 6, cutAfterEvents: 4 }]);
    const row = await recorded(async () => {
      const stream = await stack.openai.chat.completions.create({ ...chat(true), stream: true });
      await assert.rejects(async () => {
        for await (const chunk of stream) assert.ok(chunk);
      });
    });
    assert.deepEqual(
      [row.outcome, row.ended_by, row.phase, row.status, row.error_code],
      ['failed', 'upstream', 'streaming', 200, 'upstream_cut'],
    );
    assert.ok(row.prompt_tokens > 0);
  });

  test('a text that Gemini refuses is not in the row, though the client is told', async () => {
    const quoted = 'Invalid value: "the plan of the bank"';
    const error = { status: 400, body: { error: { code: 400, status: 'INVALID_ARGUMENT', message: quoted } } };
    await stack.simulator.script([{ match: { model: testModel }, error }]);
    const row = await recorded(() =>
      assert.rejects(stack.openai.chat.completions.create(chat(false)), /plan of the bank/),
    );
    assert.deepEqual(
      [row.error_code, row.error_message, row.ended_by],
      ['upstream_rejected', 'Gemini refused the request.', 'upstream'],
    );
    assert.deepEqual([row.attempts[0]?.status, row.cost], [400, 0]);
  });

  test('embeddings that fail have the tokens of the batches that were answered', async () => {
    const method = 'batchEmbedContents';
    await stack.simulator.script([
      { match: { method }, times: 1 },
      { match: { method }, delayMs: 200, error: 'bad_request' },
    ]);
    const input = Array.from({ length: 150 }, (_, index) => `text number ${index}`);
    const row = await recorded(() =>
      assert.rejects(stack.openai.embeddings.create({ model: 'gemini-embedding-001', input })),
    );
    assert.deepEqual([row.outcome, row.status, row.endpoint], ['failed', 400, 'embeddings']);
    assert.ok(row.prompt_tokens > 0 && row.tokens_estimated, `${row.prompt_tokens}`);
    assert.equal(row.attempts.length, 2);
  });
});
