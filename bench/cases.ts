/** The cases that put the gateway beside nginx: the same bytes asked of both, through the same simulator. */
import type { Scenario } from './simulator/scenario.ts';

/** A request as a path and a JSON body. */
export interface Ask {
  path: string;
  body: string;
}

export interface BenchCase {
  about: string;
  connections: number;
  /** In one round. */
  requests: number;
  /** Time within which the connections open. */
  rampMs: number;
  /** What CPU is divided by. An event is one of Gemini's, whatever becomes of it on the way. */
  unit: 'request' | 'stream' | 'event';
  unitsPerRequest: number;
  scenario: Scenario | null;
  openAi: Ask;
  gemini: Ask;
  /** Rounds of a full run, where the usual number would take too long. */
  rounds?: number;
  /** Part of the short run. */
  isShort?: true;
  /** Other gateways can be asked the same. */
  isForPeers?: true;
}

export const chatModel = 'gemini-3.8-flash';
const embeddingModel = 'gemini-embedding-001';
const shortPrompt = 'Tell me about the sea, in a few sentences, and do not forget the tides.';
const text = 'The sea is large and moves with the moon.';
const burstEvents = 20;
const chunkSize = 24;

function chat(content: string, stream: boolean): Pick<BenchCase, 'openAi' | 'gemini'> {
  return {
    openAi: {
      path: '/v1/chat/completions',
      body: JSON.stringify({
        model: chatModel,
        messages: [{ role: 'user', content }],
        ...(stream ? { stream } : {}),
      }),
    },
    gemini: {
      path: `/v1beta/models/${chatModel}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
      body: JSON.stringify({ contents: [{ role: 'user', parts: [{ text: content }] }] }),
    },
  };
}

function image(bytes: number): Pick<BenchCase, 'openAi' | 'gemini'> {
  const data = `iVBORw0KGgoAAAAN${'A'.repeat(Math.ceil((bytes * 4) / 3 / 4) * 4 - 16)}`;
  const question = 'What is in this picture?';
  const { openAi, gemini } = chat(question, false);
  const parts = [{ text: question }, { inlineData: { mimeType: 'image/png', data } }];
  const content = [
    { type: 'text', text: question },
    { type: 'image_url', image_url: { url: `data:image/png;base64,${data}` } },
  ];
  return {
    openAi: { ...openAi, body: JSON.stringify({ model: chatModel, messages: [{ role: 'user', content }] }) },
    gemini: { ...gemini, body: JSON.stringify({ contents: [{ role: 'user', parts }] }) },
  };
}

/** Tools as agents declare them: some fields, a list of objects, a choice of two shapes. */
function tools(count: number): Pick<BenchCase, 'openAi' | 'gemini'> {
  const place = {
    type: 'object',
    properties: { name: { type: 'string' }, latitude: { type: 'number' }, longitude: { type: 'number' } },
    required: ['name'],
    additionalProperties: false,
  };
  const functions = Array.from({ length: count }, (_, index) => ({
    name: `look_up_${index}`,
    description: `Looks up what is known about places, number ${index}. Use it when the user names one.`,
    parameters: {
      type: 'object',
      properties: {
        places: { type: 'array', items: place, minItems: 1 },
        days: { type: ['integer', 'null'], minimum: 1 },
        unit: { type: 'string', enum: ['celsius', 'fahrenheit'] },
        near: { anyOf: [place, { type: 'string' }] },
      },
      required: ['places'],
      additionalProperties: false,
    },
  }));
  const { openAi, gemini } = chat(shortPrompt, false);
  return {
    openAi: {
      ...openAi,
      body: JSON.stringify({
        model: chatModel,
        messages: [{ role: 'user', content: shortPrompt }],
        tools: functions.map((declared) => ({ type: 'function', function: declared })),
      }),
    },
    gemini: {
      ...gemini,
      body: JSON.stringify({
        contents: [{ role: 'user', parts: [{ text: shortPrompt }] }],
        tools: [
          {
            functionDeclarations: functions.map(({ parameters, ...declared }) => ({
              ...declared,
              parametersJsonSchema: parameters,
            })),
          },
        ],
      }),
    },
  };
}

function embeddings(): Pick<BenchCase, 'openAi' | 'gemini'> {
  const request = { model: `models/${embeddingModel}`, content: { parts: [{ text: shortPrompt }] } };
  return {
    openAi: { path: '/v1/embeddings', body: JSON.stringify({ model: embeddingModel, input: shortPrompt }) },
    gemini: {
      path: `/v1beta/models/${embeddingModel}:batchEmbedContents`,
      body: JSON.stringify({ requests: [request] }),
    },
  };
}

const perRequest = { rampMs: 0, unit: 'request', unitsPerRequest: 1, scenario: { match: {}, text } } as const;

function slowStreams(streams: number, events: number, intervalMs: number): Omit<BenchCase, 'requests' | 'rampMs'> {
  return {
    about: `${streams.toLocaleString('en')} streams at once, an event every ${intervalMs} ms`,
    connections: streams,
    unit: 'event',
    unitsPerRequest: events,
    scenario: { match: {}, chunks: events, chunkSize, intervalMs },
    ...chat(shortPrompt, true),
  };
}

export const benchCases: Readonly<Record<string, BenchCase>> = {
  request: {
    about: 'answers without streaming, 64 connections',
    connections: 64,
    requests: 30_000,
    ...perRequest,
    ...chat(shortPrompt, false),
    isShort: true,
    isForPeers: true,
  },
  burst: {
    about: `streams whose ${burstEvents} events come at once, 64 connections`,
    connections: 64,
    requests: 15_000,
    rampMs: 0,
    unit: 'stream',
    unitsPerRequest: 1,
    scenario: { match: {}, chunks: burstEvents, chunkSize, intervalMs: 0 },
    ...chat(shortPrompt, true),
    isShort: true,
    isForPeers: true,
  },
  slow: { ...slowStreams(1_000, 20, 200), requests: 2_000, rampMs: 200, isShort: true, isForPeers: true },
  streams: { ...slowStreams(9_000, 10, 2_000), requests: 9_000, rampMs: 2_000, rounds: 2 },
  prompt: {
    about: 'prompts of 100 kB, 32 connections',
    connections: 32,
    requests: 3_000,
    ...perRequest,
    ...chat(`${shortPrompt} `.repeat(1 + Math.ceil(100_000 / shortPrompt.length)).slice(0, 100_000), false),
  },
  image: {
    about: 'an image of 5 MB, 8 connections',
    connections: 8,
    requests: 160,
    ...perRequest,
    ...image(5_000_000),
  },
  tools: {
    about: '128 tools with nested schemas, 32 connections',
    connections: 32,
    requests: 3_000,
    ...perRequest,
    ...tools(128),
  },
  embeddings: {
    about: 'embeddings of one short text (3,072 numbers), 64 connections',
    connections: 64,
    requests: 6_000,
    ...perRequest,
    scenario: null,
    ...embeddings(),
  },
};
