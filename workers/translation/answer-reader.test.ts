/** Answers that take several calls of Gemini: cut and resumed, or continued with a token. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { GeminiResponse } from '../../shared/gemini-wire.ts';
import { AnswerReader } from './answer-reader.ts';
import { planChat } from './chat-request.ts';

const body = { model: 'gemini-3.8-flash', messages: [{ role: 'user', content: 'q' }], stream: true };
const context = planChat(JSON.stringify(body), { strict: false, resumeStreams: true }).answer;

/** A reader, and what it has told its sink, in order. */
function newReader(): { reader: AnswerReader; told: string[] } {
  const told: string[] = [];
  const reader = new AnswerReader(context, 'r'.repeat(32), {
    onText: (text) => told.push(text),
    onThought: (text) => told.push(`(${text})`),
    onCall: (call) => told.push(`<${call.type}>`),
    onImage: () => told.push('<image>'),
  });
  return { reader, told };
}

const says = (text: string, more: object = {}): GeminiResponse => ({
  candidates: [{ content: { role: 'model', parts: [{ text }] }, index: 0, ...more }],
});
const calls = (name: string): GeminiResponse => ({
  candidates: [{ content: { role: 'model', parts: [{ functionCall: { name, args: {} } }] }, index: 0 }],
});

/** 40 characters, some ten tokens. */
const forty = 'A line of forty characters, exactly so. ';

describe('usage of an answer that comes without figures', () => {
  test('each call of a resumed stream is estimated once', () => {
    const { reader } = newReader();
    reader.read(says(forty));
    assert.equal(reader.usage?.output, 10);
    assert.equal(reader.resume(), forty);
    assert.equal(reader.usage?.output, 10);
    reader.read(says('Then twenty of others'.slice(0, 20)));
    assert.equal(reader.usage?.output, 15);
    reader.resume();
    reader.read(says('and four', { finishReason: 'STOP' }));
    assert.equal(reader.usage?.output, 17);
    assert.equal(reader.usage.estimated, true);
  });

  test('what a resumed stream repeats was made, too', () => {
    const { reader, told } = newReader();
    reader.read(says(forty));
    reader.resume();
    reader.read(says(`${forty}And more`, { finishReason: 'STOP' }));
    assert.equal(told.join(''), `${forty}And more`);
    assert.equal(reader.usage?.output, 10 + 12);
  });

  test('a call that was refused adds nothing', () => {
    const { reader } = newReader();
    reader.read(says(forty));
    reader.resume();
    reader.resume();
    reader.resume();
    assert.equal(reader.usage?.output, 10);
  });

  test('each call of an answer that goes on with a token is estimated once', () => {
    const { reader } = newReader();
    reader.read(says(forty, { finishReason: 'CONTINUATION', continuationToken: 'more' }));
    assert.equal(reader.takeContinuation(), 'more');
    reader.read(says(forty, { finishReason: 'STOP' }));
    assert.equal(reader.usage?.output, 20);
  });
});

test('what is held back of a resumed answer comes before a call', () => {
  const { reader, told } = newReader();
  reader.read(says(forty));
  reader.resume();
  reader.read(says('A line of'));
  assert.deepEqual(told, [forty]);
  reader.read(calls('look'));
  assert.deepEqual(told, [forty, 'A line of', '<function>']);
});

test('what is held back when a resumed answer is cut as well is asked for again', () => {
  const { reader, told } = newReader();
  reader.read(says(forty));
  reader.resume();
  reader.read(says('A line of'));
  assert.equal(reader.resume(), forty);
  reader.read(says('A line, and the end', { finishReason: 'STOP' }));
  reader.finish(true);
  assert.deepEqual(told, [forty, 'A line, and the end']);
});
