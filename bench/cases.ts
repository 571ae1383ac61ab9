/** What the bench measures. */
import type { Scenario } from './simulator/scenario.ts';

export interface BenchCase {
  about: string;
  model: string;
  stream: boolean;
  connections: number;
  requests: number;
  rampMs: number;
  /** What CPU is divided by. */
  unit: 'request' | 'event';
  unitsPerRequest: number;
  scenario: Scenario;
  openAiBody: string;
  geminiBody: string;
}

const model = 'gemini-3.8-flash';
const prompt = 'Tell me about the sea, in a few sentences, and do not forget the tides.';
const burstEvents = 20;
const slowEvents = 20;
const chunkSize = 24;

function bodies(stream: boolean): Pick<BenchCase, 'openAiBody' | 'geminiBody'> {
  return {
    openAiBody: JSON.stringify({ model, messages: [{ role: 'user', content: prompt }], ...(stream ? { stream } : {}) }),
    geminiBody: JSON.stringify({ contents: [{ role: 'user', parts: [{ text: prompt }] }] }),
  };
}

export const benchCases: Readonly<Record<string, BenchCase>> = {
  request: {
    about: 'answers without streaming, 64 connections',
    model,
    stream: false,
    connections: 64,
    requests: 40_000,
    rampMs: 0,
    unit: 'request',
    unitsPerRequest: 1,
    scenario: { match: {}, text: 'The sea is large and moves with the moon.' },
    ...bodies(false),
  },
  burst: {
    about: `streams whose ${burstEvents} events come at once, 64 connections`,
    model,
    stream: true,
    connections: 64,
    requests: 15_000,
    rampMs: 0,
    unit: 'request',
    unitsPerRequest: 1,
    scenario: { match: {}, chunks: burstEvents, chunkSize, intervalMs: 0 },
    ...bodies(true),
  },
  slow: {
    about: `500 streams at once, ${slowEvents} events each, one every 200 ms`,
    model,
    stream: true,
    connections: 500,
    requests: 1_000,
    rampMs: 1,
    unit: 'event',
    unitsPerRequest: slowEvents,
    scenario: { match: {}, chunks: slowEvents, chunkSize, intervalMs: 200 },
    ...bodies(true),
  },
};
