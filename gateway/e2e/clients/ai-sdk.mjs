// @ts-nocheck
/** The AI SDK with its provider for OpenAI-compatible services. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, generateObject, generateText, isStepCount, Output, streamText, tool } from 'ai';
import { z } from 'zod';
import {
  apiKey,
  assertTwoStepsCameBack,
  baseURL,
  descriptions,
  geminiRequests,
  getTime,
  getWeather,
  lastGeminiRequest,
  model as modelId,
  pngBase64,
  reset,
  saidAtTheEnd,
  script,
  toolPrompt,
  twoSteps,
} from './stand.mjs';

const settings = { name: 'pool', baseURL, apiKey, includeUsage: true, supportsStructuredOutputs: true };
const model = createOpenAICompatible(settings)(modelId);
const common = { model, maxRetries: 0 };

const inputSchema = z.object({ city: z.string() });
const tools = {
  get_weather: tool({ description: descriptions.get_weather, inputSchema, execute: getWeather }),
  get_time: tool({ description: descriptions.get_time, inputSchema, execute: getTime }),
};

const recipe = z.object({
  name: z.string().min(1),
  servings: z.number().int().min(2),
  kind: z.enum(['soup', 'salad']),
  ingredients: z.array(z.object({ name: z.string(), grams: z.number().nullable() })).min(1),
});

beforeEach(reset);

test('generateText: text, finish reason, usage, instructions', async () => {
  const result = await generateText({ ...common, instructions: 'Be brief.', prompt: 'Hello there' });
  assert.match(result.text, /You said: “Hello there”/);
  assert.equal(result.finishReason, 'stop');
  assert.ok(result.usage.inputTokens > 0 && result.usage.outputTokens > 0);
  assert.equal(result.usage.totalTokens, result.usage.inputTokens + result.usage.outputTokens);
  assert.deepEqual((await lastGeminiRequest()).systemInstruction.parts, [{ text: 'Be brief.' }]);
});

test('streamText: pieces, finish reason, usage', async () => {
  const result = streamText({ ...common, prompt: 'Hello there, and a good day to you' });
  const pieces = [];
  for await (const piece of result.textStream) pieces.push(piece);
  assert.ok(pieces.length > 1, 'in more than one piece');
  assert.match(pieces.join(''), /You said: “Hello there, and a good day to you”/);
  assert.equal(await result.finishReason, 'stop');
  assert.ok((await result.usage).outputTokens > 0);
});

test('generateText: tools in several steps, two at once', async () => {
  await script(twoSteps);
  const result = await generateText({ ...common, tools, prompt: toolPrompt, stopWhen: isStepCount(5) });
  const calls = result.steps.map(({ toolCalls }) => toolCalls.map(({ toolName, input }) => [toolName, input.city]));
  assert.deepEqual(calls, [
    [
      ['get_weather', 'Paris'],
      ['get_time', 'Paris'],
    ],
    [['get_weather', 'Rome']],
    [],
  ]);
  assert.equal(result.steps[0].text, 'Two questions at once. ');
  assert.equal(result.steps[0].finishReason, 'tool-calls');
  assert.equal(result.finishReason, 'stop');
  assert.match(result.text, saidAtTheEnd);
  await assertTwoStepsCameBack();
});

test('streamText: tools in several steps, two at once', async () => {
  await script(twoSteps);
  const result = streamText({ ...common, tools, prompt: toolPrompt, stopWhen: isStepCount(5) });
  const called = [];
  for await (const part of result.stream) {
    assert.notEqual(part.type, 'error', String(part.error));
    if (part.type === 'tool-call') called.push([part.toolName, part.input.city]);
  }
  assert.deepEqual(called, [
    ['get_weather', 'Paris'],
    ['get_time', 'Paris'],
    ['get_weather', 'Rome'],
  ]);
  assert.match(await result.text, saidAtTheEnd);
  await assertTwoStepsCameBack();
});

test('a tool that must be called, and tools that must not be', async () => {
  const toolChoice = { type: 'tool', toolName: 'get_time' };
  const called = await generateText({ ...common, tools, toolChoice, prompt: 'Hello', stopWhen: isStepCount(1) });
  assert.deepEqual(
    called.toolCalls.map(({ toolName }) => toolName),
    ['get_time'],
  );
  const quiet = await generateText({ ...common, tools, toolChoice: 'none', prompt: 'What of get_time?' });
  assert.equal(quiet.toolCalls.length, 0);
  assert.match(quiet.text, /What of get_time\?/);
});

test('generateObject and Output.object give what the schema says', async () => {
  const { object } = await generateObject({ ...common, schema: recipe, prompt: 'A recipe' });
  recipe.parse(object);
  const { generationConfig } = await lastGeminiRequest();
  assert.equal(generationConfig.responseMimeType, 'application/json');
  assert.deepEqual(Object.keys(generationConfig.responseJsonSchema.properties), Object.keys(recipe.shape));

  const { output } = await generateText({ ...common, output: Output.object({ schema: recipe }), prompt: 'Another' });
  recipe.parse(output);
  const streamed = streamText({ ...common, output: Output.object({ schema: recipe }), prompt: 'One more' });
  let last;
  for await (const partial of streamed.partialOutputStream) last = partial;
  recipe.parse(last);
  assert.deepEqual(await streamed.output, last);
  const choice = await generateText({ ...common, output: Output.choice({ options: ['red', 'blue'] }), prompt: 'Pick' });
  assert.equal(choice.output, 'red');
});

test('tools and an output schema together', async () => {
  await script(twoSteps);
  const output = Output.object({ schema: recipe });
  const result = await generateText({ ...common, tools, output, prompt: toolPrompt, stopWhen: isStepCount(5) });
  recipe.parse(result.output);
  assert.equal((await geminiRequests()).length, 3);
});

test('thoughts show as reasoning, and effort reaches Gemini', async () => {
  await script([{ thoughts: ['I wonder. ', 'I see.'], text: 'Forty-two.' }]);
  const google = { thinking_config: { include_thoughts: true } };
  const providerOptions = { pool: { reasoningEffort: 'low', extra_body: { google } } };
  const whole = await generateText({ ...common, providerOptions, prompt: 'Think' });
  assert.equal(whole.reasoningText, 'I wonder. I see.');
  assert.equal(whole.text, 'Forty-two.');
  assert.ok(whole.usage.outputTokenDetails.reasoningTokens > 0);
  const { thinkingConfig } = (await lastGeminiRequest()).generationConfig;
  assert.deepEqual(thinkingConfig, { thinkingLevel: 'low', includeThoughts: true });

  const streamed = streamText({ ...common, providerOptions, prompt: 'Think' });
  const types = [];
  for await (const { type } of streamed.stream) if (types.at(-1) !== type) types.push(type);
  assert.equal(await streamed.reasoningText, 'I wonder. I see.');
  assert.equal(await streamed.text, 'Forty-two.');
  assert.ok(types.indexOf('reasoning-end') < types.indexOf('text-start'), types.join());
});

test('an image reaches Gemini as it was', async () => {
  const content = [
    { type: 'text', text: 'What is this?' },
    { type: 'file', mediaType: 'image/png', data: Buffer.from(pngBase64, 'base64') },
  ];
  const { text } = await generateText({ ...common, messages: [{ role: 'user', content }] });
  assert.match(text, /What is this\?/);
  assert.deepEqual((await lastGeminiRequest()).contents[0].parts, [
    { text: 'What is this?' },
    { inlineData: { mimeType: 'image/png', data: pngBase64 } },
  ]);
});

test('errors have their status and their message', async () => {
  const isError = (status, message) => (error) => {
    assert.ok(APICallError.isInstance(error), String(error));
    assert.equal(error.statusCode, status);
    assert.match(error.message, message);
    return true;
  };
  const provider = createOpenAICompatible(settings);
  await assert.rejects(
    generateText({ model: provider('gemini-0-none'), maxRetries: 0, prompt: 'Hello' }),
    isError(404, /gemini-0-none/),
  );
  const stranger = createOpenAICompatible({ ...settings, apiKey: 'gp_wrong' });
  await assert.rejects(
    generateText({ model: stranger(modelId), maxRetries: 0, prompt: 'Hello' }),
    isError(401, /key/i),
  );
  await script([{ error: 'bad_request' }]);
  await assert.rejects(generateText({ ...common, prompt: 'Hello' }), isError(400, /./));
});

test('a stream that breaks is an error with its reason, after what had come', async () => {
  await script([{ chunks: 8, chunkSize: 8, cutAfterEvents: 4 }]);
  let said = '';
  const types = new Set();
  const errors = [];
  const result = streamText({ ...common, prompt: 'Hello', onError: ({ error }) => errors.push(error) });
  try {
    for await (const part of result.stream) {
      types.add(part.type);
      if (part.type === 'text-delta') said += part.text;
    }
  } catch {
    // The connection closes behind the error, which the SDK throws on top of it.
  }
  assert.ok(said.length > 0);
  assert.ok(types.has('error') && !types.has('finish'), [...types].join());
  assert.match(errors[0].message, /broke/);
});
