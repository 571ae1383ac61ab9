/** Bytes to events: whatever the cuts and the framing, the same responses come out, and errors come out as errors. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { GatewayError } from '../shared/errors.ts';
import { GeminiEventReader, parseGeminiResponse } from './gemini-events.ts';
import { UpstreamFault } from './translation/upstream-error.ts';

const events = [
  { candidates: [{ content: { parts: [{ text: 'Grüße, 日本 👋' }], role: 'model' } }] },
  {
    candidates: [{ content: { parts: [{ text: ' und\nmehr' }] }, finishReason: 'STOP' }],
    modelVersion: 'gemini-3.8-flash',
  },
  { usageMetadata: { promptTokenCount: 3, totalTokenCount: 9 } },
];

function framed(newline: string): string {
  return events.map((event) => `data: ${JSON.stringify(event)}${newline}${newline}`).join('');
}

function readAll(chunks: readonly (string | Uint8Array)[]): unknown[] {
  const seen: unknown[] = [];
  const reader = new GeminiEventReader((response) => seen.push(response));
  for (const chunk of chunks) reader.feed(Buffer.from(chunk));
  reader.end();
  return seen;
}

/** `bytes` in pieces of the given lengths, the rest as the last one. */
function split(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const length of lengths) {
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  pieces.push(bytes.subarray(at));
  return pieces;
}

describe('GeminiEventReader', () => {
  for (const newline of ['\n', '\r\n', '\r']) {
    test(`§10.62, 63: split anywhere, with ${JSON.stringify(newline)}, all events are read`, () => {
      const bytes = Buffer.from(framed(newline));
      fc.assert(
        fc.property(fc.array(fc.integer({ min: 0, max: 40 })), (lengths) => {
          assert.deepEqual(readAll(split(bytes, lengths)), events);
        }),
      );
    });
  }

  const whole = `data: ${JSON.stringify(events[0])}`;
  const tolerated: [string, string][] = [
    ['§10.63: a last event without an empty line after it', whole],
    ['a last event with half an empty line', `${whole}\n`],
    ['§10.64: no space after the colon', `data:${JSON.stringify(events[0])}\n\n`],
    [
      '§10.64: empty data, comments, other fields, [DONE]',
      `data:\n\n: hi\nevent: x\nid: 1\n\n${whole}\n\ndata: [DONE]\n\n`,
    ],
    ['§10.64: a byte order mark', `\ufeff${whole}\n\n`],
    ['one response as a list in an event', `data: [${JSON.stringify(events[0])}]\n\n`],
  ];
  for (const [what, text] of tolerated) test(what, () => assert.deepEqual(readAll([text]), [events[0]]));

  test('§10.81: a JSON list in place of a stream is read', () => {
    assert.deepEqual(readAll([JSON.stringify(events, null, 2)]), events);
    assert.deepEqual(readAll([JSON.stringify(events)]), events);
    assert.deepEqual(readAll([`[${events.map((event) => JSON.stringify(event)).join('\n,\r\n')}]\n`]), events);
  });

  test('§10.65: one event of 25 MB in chunks of 16 KiB takes linear time', () => {
    const big = {
      candidates: [{ content: { parts: [{ inlineData: { mimeType: 'image/png', data: 'A'.repeat(25e6) } }] } }],
    };
    const bytes = Buffer.from(`data: ${JSON.stringify(big)}\r\n\r\n`);
    const chunks: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += 16_384) chunks.push(bytes.subarray(at, at + 16_384));
    const seen = readAll(chunks);
    assert.equal(seen.length, 1);
  });

  const error = { error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' } };
  const nameOnly = { error: { message: 'Quota', status: 'RESOURCE_EXHAUSTED' } };
  const faults: [string, string, number][] = [
    ['§10.72: an error event', `${whole}\n\ndata: ${JSON.stringify(error)}\n\n`, 503],
    ['§10.72: an error event that ends the stream at once', `data: ${JSON.stringify(error)}`, 503],
    ['§10.73: a raw error after the last event', `${whole}\n\n${JSON.stringify(error, null, 2)}\n`, 503],
    ['§10.73: a raw error on one line', `${whole}\n\n${JSON.stringify(error)}`, 503],
    ['a raw error in a list', JSON.stringify([error], null, 2), 503],
    ['an error with a name and no code', `data: ${JSON.stringify(nameOnly)}\n\n`, 429],
    ['an error that is text', `data: {"error":"boom"}\n\n`, 500],
  ];
  for (const [what, text, status] of faults)
    test(what, () =>
      assert.throws(
        () => readAll([text]),
        (thrown) => thrown instanceof UpstreamFault && thrown.status === status,
      ),
    );

  const garbage: [string, string, string][] = [
    ['§10.82: HTML', '<html>\n<body>Hello: you</body>\n</html>', 'upstream_protocol'],
    ['an event that is no JSON', 'data: {"a":\n\n', 'upstream_protocol'],
    ['an event that is no object', 'data: 7\n\n', 'upstream_protocol'],
    ['§10.74: an event cut in the middle', `${whole}\n\n${whole.slice(0, 40)}`, 'upstream_cut'],
    ['a list cut in the middle', JSON.stringify(events).slice(0, 40), 'upstream_cut'],
  ];
  for (const [what, text, code] of garbage)
    test(`${what}: ${code}`, () =>
      assert.throws(
        () => readAll([text]),
        (thrown) => thrown instanceof GatewayError && thrown.code === code,
      ));
});

describe('parseGeminiResponse', () => {
  test('one object is one answer', () => {
    assert.deepEqual(parseGeminiResponse(JSON.stringify(events[1]), 'application/json'), events[1]);
  });

  test('§10.81: a list of deltas is joined', () => {
    const joined = parseGeminiResponse(JSON.stringify(events), 'application/json');
    assert.deepEqual(JSON.parse(JSON.stringify(joined)), {
      candidates: [{ content: { parts: [{ text: 'Grüße, 日本 👋' }, { text: ' und\nmehr' }] }, finishReason: 'STOP' }],
      usageMetadata: { promptTokenCount: 3, totalTokenCount: 9 },
      modelVersion: 'gemini-3.8-flash',
    });
  });

  test('an error is an UpstreamFault', () => {
    const body = '[{"error":{"code":429,"message":"x"}}]';
    assert.throws(
      () => parseGeminiResponse(body, 'application/json'),
      (thrown) => thrown instanceof UpstreamFault && thrown.status === 429 && thrown.body === body,
    );
  });

  const garbage: [string, string, string, string][] = [
    ['§10.82: HTML', '<html></html>', 'text/html', 'upstream_protocol'],
    ['nothing', '', 'application/json', 'upstream_protocol'],
    ['an empty list', '[]', 'application/json', 'upstream_protocol'],
    ['null', 'null', 'application/json', 'upstream_protocol'],
    ['half an object', '{"candidates":[', 'application/json; charset=UTF-8', 'upstream_cut'],
  ];
  for (const [what, text, type, code] of garbage)
    test(`${what}: ${code}`, () =>
      assert.throws(
        () => parseGeminiResponse(text, type),
        (thrown) => thrown instanceof GatewayError && thrown.code === code,
      ));
});
