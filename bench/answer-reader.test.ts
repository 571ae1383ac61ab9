import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AnswerReader } from './answer-reader.ts';

const json = '{"text":"the sea"}';
const event = 'data: {"text":"0\\r\\n\\r\\n"}\n\n';
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

const answers: [what: string, text: string, status: number, events: number][] = [
  ['a counted body', `HTTP/1.1 200 OK\r\nContent-Length: ${json.length}\r\nx-a: b\r\n\r\n${json}`, 200, 0],
  ['an error', `HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\n{}`, 503, 0],
  ['no body', 'HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n', 204, 0],
  [
    'a stream',
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(event)}${chunk(event.repeat(3))}0\r\n\r\n`,
    200,
    4,
  ],
  [
    'a stream with a length',
    `HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: ${event.length * 2}\r\n\r\n${event.repeat(2)}`,
    200,
    2,
  ],
  ['a stream with a trailer', `HTTP/1.1 200 OK\r\n\r\n${chunk(event)}0\r\nx-sum: 1\r\n\r\n`, 200, 1],
];

describe('answer reader', () => {
  for (const [what, text, status, events] of answers) {
    test(`${what}: its end, status and events, in one piece`, () => {
      const reader = new AnswerReader();
      reader.begin();
      assert.equal(reader.read(Buffer.from(text)), true);
      assert.deepEqual([reader.status, reader.events], [status, events]);
    });

    test(`${what}: whole with its last byte and not before, byte by byte`, () => {
      const reader = new AnswerReader();
      reader.begin();
      const ends = [...Buffer.from(text)].map((byte) => reader.read(Buffer.of(byte)));
      assert.equal(ends.indexOf(true), ends.length - 1);
      assert.equal(reader.status, status);
    });
  }

  test('one answer after another on the same connection', () => {
    const reader = new AnswerReader();
    for (const [, text, status] of answers) {
      reader.begin();
      assert.equal(reader.read(Buffer.from(text)), true);
      assert.equal(reader.status, status);
    }
  });

  test('a size that is no number is refused', () => {
    const reader = new AnswerReader();
    reader.begin();
    assert.throws(() => reader.read(Buffer.from('HTTP/1.1 200 OK\r\n\r\nxyz\r\n')));
  });
});
