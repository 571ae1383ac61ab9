/** What a usage row says of a request: who ended it and in which phase, its attempts, its model, its cost, its error. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock } from '../shared/clock.ts';
import type { LeaseWish } from '../shared/messages.ts';
import { BodyHold } from './body-memory.ts';
import { ClientLimits } from './client-limits/client-limits.ts';
import { Prices } from './prices.ts';
import { RequestRecord } from './request-record.ts';

const arrivedWallMs = Date.UTC(2026, 10, 25, 8);
const model = 'gemini-3.8-flash';

function wish(changes: Partial<LeaseWish> = {}): LeaseWish {
  return {
    model,
    modelAsked: 'gpt-4o',
    stream: true,
    warnings: 'seed, n',
    cost: { requests: 1, tokens: 1 },
    affinity: null,
    ownedBy: null,
    mayWait: true,
    ...changes,
  };
}

function makeRecord(): { record: RequestRecord; clock: FakeClock } {
  const clock = new FakeClock(arrivedWallMs);
  const admission = new ClientLimits(clock).admit(
    {
      id: 'c',
      name: 'c',
      hash: '',
      masked: '',
      isActive: true,
      createdAtMs: 0,
      version: 1,
      note: '',
      expiresAtMs: null,
      limits: {
        requestsPerMinute: null,
        tokensPerMinute: null,
        tokensPerDay: null,
        tokensPerMonth: null,
        costNanoPerDay: null,
        costNanoPerMonth: null,
        concurrentStreams: null,
      },
      allowedModels: null,
    },
    1,
  );
  const hold = new BodyHold(
    () => true,
    () => undefined,
  );
  const arrival = { requestId: 'r', clientKeyId: 'c', endpoint: 'chat.completions', arrivedMs: 0, arrivedWallMs };
  return { record: new RequestRecord({ clock, prices: new Prices() }, { ...arrival, admission, hold }), clock };
}

const refusal = (status: number) => ({ status, message: 'no', project: null, limits: [], chargedModel: null });

describe('request record', () => {
  test('attempts have their wait, duration, status and reason, each call by itself', () => {
    const { record, clock } = makeRecord();
    record.wanted(wish());
    clock.advance(2);
    const first = record.leased('k1', model, 0);
    const other = record.leased('k2', model, 1);
    clock.advance(10);
    record.attemptEnded(first, { kind: 'rest', forMs: 1_000, reason: 'quota_minute', refusal: refusal(429) });
    clock.advance(250);
    const second = record.leased('k3', model, 0);
    clock.advance(40);
    record.attemptEnded(other, { kind: 'neutral', reason: 'ECONNRESET' });
    record.attemptEnded(second, { kind: 'ok' });
    const row = record.toRow();
    assert.equal(row.geminiKeyId, 'k3');
    assert.deepEqual(
      row.attempts.map(({ geminiKeyId, startedMs, waitMs, durationMs, status, reason }) => [
        geminiKeyId,
        startedMs,
        waitMs,
        durationMs,
        status,
        reason,
      ]),
      [
        ['k1', 2, 2, 10, 429, 'quota_minute'],
        ['k2', 2, 2, 300, null, 'ECONNRESET'],
        ['k3', 262, 250, 40, 200, 'ok'],
      ],
    );
  });

  test('a complete answer: ended by Gemini, with the price of the model that served', () => {
    const { record, clock } = makeRecord();
    record.wanted(wish());
    record.attemptEnded(record.leased('k', model, 0), { kind: 'ok' });
    clock.advance(5);
    record.contentCame();
    record.status = 200;
    record.finishReason = 'stop';
    record.usage = { prompt: 1_000_000, cached: 0, toolPrompt: 0, thoughts: 0, output: 0, estimated: false };
    record.modelServed = 'gemini-2.5-flash';
    record.endedIn('streaming');
    record.endedIn('settling');
    const row = record.toRow();
    const { endedBy, phase, errorCode, modelAsked, modelServed, costNano, warnings, firstTokenMs } = row;
    assert.deepEqual(
      { endedBy, phase, errorCode, modelAsked, modelServed, costNano, warnings, firstTokenMs },
      {
        endedBy: 'upstream',
        phase: 'streaming',
        errorCode: null,
        modelAsked: 'gpt-4o',
        modelServed: 'gemini-2.5-flash',
        costNano: 300_000_000,
        warnings: 'seed, n',
        firstTokenMs: 5,
      },
    );
  });

  test('who ended it: the client by leaving, Gemini by failing, the gateway by refusing', () => {
    const cases = [
      ['upstream_cut', true, 'upstream'],
      ['upstream_rejected', true, 'upstream'],
      ['keys_resting', true, 'gateway'],
      ['request_timeout', true, 'gateway'],
      ['invalid_value', false, 'gateway'],
    ] as const;
    for (const [code, called, endedBy] of cases) {
      const { record } = makeRecord();
      if (called) record.leased('k', model, 0);
      record.failed({ code }, 500, 'error');
      assert.equal(record.toRow().endedBy, endedBy, code);
    }
    const { record } = makeRecord();
    record.leased('k', model, 0);
    record.termination = 'client_gone';
    assert.equal(record.toRow().endedBy, 'client');
  });

  test('an error is kept as the client saw it, but for what may quote the client', () => {
    const cases: [Parameters<RequestRecord['failed']>[0], string, string | null][] = [
      [{ code: 'invalid_value', message: "Invalid 'n': too large.", param: 'n' }, "Invalid 'n': too large.", 'n'],
      [{ code: 'upstream_rejected', message: 'Invalid text: "my secret plan".' }, 'Gemini refused the request.', null],
      [{ code: 'upstream_cut' }, 'The connection to Gemini broke before the answer was complete.', null],
      [
        { code: 'invalid_value', message: 'x'.repeat(9_000), param: 'p'.repeat(9_000) },
        'x'.repeat(500),
        'p'.repeat(200),
      ],
    ];
    for (const [error, message, param] of cases) {
      const { record } = makeRecord();
      record.failed(error, 400, 'error');
      const { errorMessage, errorParam } = record.toRow();
      assert.deepEqual([errorMessage, errorParam], [message, param]);
    }
  });

  test('a name that a client made up is no model that served; one that Gemini knows is, also when it failed', () => {
    const cases = [
      ['invented', 404, null],
      ['invented', null, null],
      ['not-in-the-price-list', 429, 'not-in-the-price-list'],
      [model, null, model],
    ] as const;
    for (const [called, status, served] of cases) {
      const { record } = makeRecord();
      record.wanted(wish({ model: called }));
      const outcome = { kind: 'neutral', reason: 'x' } as const;
      record.attemptEnded(
        record.leased('k', called, 0),
        status === null ? outcome : { ...outcome, refusal: refusal(status) },
      );
      record.failed({ code: 'upstream_error' }, 502, 'error');
      const row = record.toRow();
      assert.deepEqual([row.modelServed, row.costNano], [served, 0], `${called} ${status}`);
    }
  });

  test('figures beyond all measure are bounded', () => {
    const { record } = makeRecord();
    record.wanted(wish());
    const much = Number.MAX_SAFE_INTEGER;
    record.usage = { prompt: much, cached: much, toolPrompt: much, thoughts: much, output: much, estimated: false };
    const { usage, costNano } = record.toRow();
    assert.equal(usage.prompt, 1_000_000_000);
    assert.ok(Number.isSafeInteger(costNano));
  });
});
