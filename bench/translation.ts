/** What translation costs by itself, in both directions: loops over the pure functions, without sockets or threads. */
import type { GeminiResponse } from '../shared/gemini-wire.ts';
import { GeminiEventReader } from '../workers/gemini-events.ts';
import { planChat } from '../workers/translation/chat-request.ts';
import { toCompletion } from '../workers/translation/chat-response.ts';
import { ChatStream } from '../workers/translation/chat-stream.ts';
import { type CaseResult, toSubject } from './figures.ts';
import { alternate, roundsOf } from './load-rounds.ts';
import type { Stand } from './stand.ts';

const triesARound = 3;
const roundMs = 100;
const model = 'gemini-3.8-flash';
const ids = { requestId: '0'.repeat(32), createdSeconds: 1_764_000_000 };
const streamEvents = 20;

const messages = Array.from({ length: 20 }, (_, index) => ({
  role: index % 2 === 0 ? 'user' : 'assistant',
  content: `Message ${index}: the sea is large, and "moves" with the moon.\nTwice a day.`,
}));
const tools = Array.from({ length: 10 }, (_, index) => ({
  type: 'function',
  function: {
    name: `tool_${index}`,
    description: 'Looks something up.',
    parameters: {
      type: 'object',
      properties: {
        place: { type: 'string' },
        days: { type: ['integer', 'null'], minimum: 1 },
        unit: { enum: ['c', 'f'] },
      },
      required: ['place'],
      additionalProperties: false,
    },
  },
}));
const chat = JSON.stringify({ model, messages });
const chatWithTools = JSON.stringify({ model, messages: messages.slice(0, 1), tools });
const chatWithImage = JSON.stringify({
  model,
  messages: [
    {
      role: 'user',
      content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,iVBORw0K${'A'.repeat(1_000_000)}` } }],
    },
  ],
});
const { answer } = planChat(chat, { strict: false });
const usageMetadata = { promptTokenCount: 9, candidatesTokenCount: 40, totalTokenCount: 49 };
const delta = (text: string, finishReason?: string): GeminiResponse => ({
  candidates: [
    { content: { role: 'model', parts: [{ text }] }, ...(finishReason === undefined ? {} : { finishReason }) },
  ],
  usageMetadata,
});
const whole = delta('The sea is large and moves with the moon. '.repeat(10), 'STOP');
const stream = Buffer.from(
  Array.from(
    { length: streamEvents },
    (_, index) =>
      `data: ${JSON.stringify(delta('The sea is large. ', index === streamEvents - 1 ? 'STOP' : undefined))}\r\n\r\n`,
  ).join(''),
);

function readStream(): string {
  const chunks = new ChatStream(answer, ids);
  let out = '';
  const reader = new GeminiEventReader((response) => {
    out += chunks.step(response);
  });
  reader.feed(stream);
  reader.end();
  return out + chunks.end().tail;
}

/** Microseconds of one call: the best of some rounds, since whatever else runs can only slow one down. */
function microseconds(call: () => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < triesARound; round++) {
    let calls = 0;
    const startMs = performance.now();
    let nowMs = startMs;
    while (nowMs - startMs < roundMs) {
      call();
      calls++;
      nowMs = performance.now();
    }
    best = Math.min(best, ((nowMs - startMs) * 1000) / calls);
  }
  return best;
}

export const translationAbout = 'the pure functions by themselves, without sockets or threads';

/** A subject for each direction and size. */
export async function runTranslation(stand: Stand): Promise<CaseResult> {
  const cases: [what: string, call: () => unknown][] = [
    ['request of 20 messages', () => planChat(chat, { strict: false })],
    ['request with 10 tools', () => planChat(chatWithTools, { strict: false })],
    ['request with an image of 1 MB', () => planChat(chatWithImage, { strict: false })],
    ['whole answer', () => toCompletion(whole, answer, ids)],
    [`stream of ${streamEvents} events, from bytes to chunks`, readStream],
  ];
  const rounds = roundsOf(stand);
  const found = await alternate(
    cases.map(([name, call]) => ({ target: { name }, call })),
    rounds,
    async ({ call }) => ({ cpu_us: microseconds(call) }),
  );
  const subjects = [...found].map(([name, figures]) => toSubject(name, figures));
  return { name: 'translation', about: translationAbout, unit: 'call', rounds, subjects, ratios: {} };
}
