import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { classifyTransport } from './transport-fault.ts';

/** Code, what it says of the key, and whether another try makes sense. */
function sum(thrown: unknown): string {
  const { error, outcome, retry } = classifyTransport(thrown);
  return `${error.code}, ${outcome.kind}, ${retry}`;
}

describe('classifyTransport', () => {
  const codes: [string, string][] = [
    ['UND_ERR_HEADERS_TIMEOUT', 'upstream_timeout'],
    ['UND_ERR_BODY_TIMEOUT', 'upstream_timeout'],
    ['UND_ERR_CONNECT_TIMEOUT', 'upstream_unreachable'],
    ['UND_ERR_SOCKET', 'upstream_cut'],
    ['ECONNRESET', 'upstream_cut'],
    ['ENOTFOUND', 'upstream_unreachable'],
    ['EAI_AGAIN', 'upstream_unreachable'],
    ['ECONNREFUSED', 'upstream_unreachable'],
    ['EMFILE', 'upstream_unreachable'],
    ['HPE_INVALID_CONSTANT', 'upstream_protocol'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'upstream_unreachable'],
  ];
  for (const [code, expected] of codes)
    test(`${code}: ${expected}`, () =>
      assert.equal(
        sum(Object.assign(new Error('x'), { code })),
        `${expected}, neutral, ${expected === 'upstream_timeout' ? 'once' : 'true'}`,
      ));

  test('bytes that are no HTTP: undici names the error, without a code', () => {
    const error = Object.assign(new Error('x'), { name: 'HTTPParserError', code: undefined });
    assert.equal(sum(error), 'upstream_protocol, neutral, true');
  });

  test('what is not known is our bug and is not repeated', () => {
    assert.equal(sum(new TypeError('x')), 'internal_error, neutral, false');
    assert.equal(sum('x'), 'internal_error, neutral, false');
  });
});
