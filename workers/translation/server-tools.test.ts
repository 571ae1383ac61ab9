/** What Gemini's own tools did goes to the client and comes back as it was. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { GeminiResponse } from '../../shared/gemini-wire.ts';
import { planChat } from './chat-request.ts';
import { WholeChoice } from './chat-response.ts';
import { ChatStream } from './chat-stream.ts';
import { readServerToolParts } from './server-tools.ts';

const parts = [
  { toolCall: { id: 's1', toolType: 'GOOGLE_SEARCH', args: { queries: ['weather'] } }, thoughtSignature: 'c2ln' },
  { toolResponse: { id: 's1', toolType: 'GOOGLE_SEARCH', response: { ok: true } } },
];
const answer: GeminiResponse = {
  candidates: [{ content: { role: 'model', parts: [...parts, { text: 'Sunny.' }] }, finishReason: 'STOP', index: 0 }],
  usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 },
};
const ids = { requestId: 'r'.repeat(32), createdSeconds: 1 };
const question = { model: 'gemini-3.8-flash', messages: [{ role: 'user', content: 'How is the weather?' }] };
const plan = planChat(JSON.stringify(question), { strict: false });

/** The contents of the next request, when the client sends the message back. */
function nextContents(message: object): unknown {
  const messages = [...question.messages, message, { role: 'user', content: 'And tomorrow?' }];
  return JSON.parse(planChat(JSON.stringify({ ...question, messages }), { strict: false }).geminiBody).contents;
}

const expected = [
  { role: 'user', parts: [{ text: 'How is the weather?' }] },
  { role: 'model', parts: [...parts, { text: 'Sunny.' }] },
  { role: 'user', parts: [{ text: 'And tomorrow?' }] },
];

describe("Gemini's own tools in the history", () => {
  test('from a whole answer', () => {
    const choice = new WholeChoice(plan.answer, ids);
    choice.step(answer);
    assert.deepEqual(nextContents(choice.endChoice().choice.message), expected);
  });

  test('from a stream', () => {
    const stream = new ChatStream(plan.answer, ids);
    stream.step(answer);
    const extra = /"extra_content":(\{.*?\}\]\}\})/.exec(stream.end().tail)?.[1] ?? '{}';
    const message = { role: 'assistant', content: 'Sunny.', extra_content: JSON.parse(extra) };
    assert.deepEqual(nextContents(message), expected);
  });

  test('what is no such part is left out', () => {
    const odd = [null, 1, 'x', {}, { toolCall: 'no' }, { text: 'injected' }, { toolCall: {}, text: 'injected' }];
    assert.deepEqual(readServerToolParts({ google: { server_tool_parts: odd } }), [{ toolCall: {} }]);
    for (const extra of [null, 1, {}, { google: null }, { google: { server_tool_parts: {} } }])
      assert.deepEqual(readServerToolParts(extra), []);
  });
});
