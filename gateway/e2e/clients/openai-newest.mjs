// @ts-nocheck
/** The newest `openai` package, with the helpers that it has around chat completions. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import OpenAI from 'openai';
import { LengthFinishReasonError } from 'openai/error';
import { zodFunction, zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import {
  apiKey,
  assertTwoStepsCameBack,
  baseURL,
  descriptions,
  eventually,
  getTime,
  getWeather,
  lastGeminiRequest,
  model,
  openStreams,
  pngBase64,
  reset,
  saidAtTheEnd,
  script,
  toolPrompt,
  twoSteps,
} from './stand.mjs';

const openai = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const user = (content) => [{ role: 'user', content }];

/** One tool with its schema by zod, one with its schema by hand. */
const tools = [
  zodFunction({
    name: 'get_weather',
    description: descriptions.get_weather,
    parameters: z.object({ city: z.string() }),
    function: getWeather,
  }),
  {
    type: 'function',
    function: {
      name: 'get_time',
      description: descriptions.get_time,
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
      parse: JSON.parse,
      function: getTime,
    },
  },
];

const order = z.object({
  customer: z.object({ name: z.string(), email: z.string().nullable() }),
  lines: z.array(z.object({ product: z.string(), count: z.number() })),
  status: z.enum(['open', 'paid']),
});

const folder = z.object({
  name: z.string(),
  get folders() {
    return z.array(folder);
  },
});

beforeEach(reset);

test('chat: text, finish reason, usage, request id', async () => {
  const { data, response } = await openai.chat.completions
    .create({ model, messages: user('Hello there') })
    .withResponse();
  assert.match(data.choices[0].message.content, /You said: “Hello there”/);
  assert.equal(data.choices[0].message.refusal, null);
  assert.equal(data.choices[0].finish_reason, 'stop');
  assert.equal(data.usage.total_tokens, data.usage.prompt_tokens + data.usage.completion_tokens);
  assert.equal(response.status, 200);
  assert.equal(data._request_id, response.headers.get('x-request-id'));
  assert.ok(data._request_id);
});

test('the helper for streams: events, the final message, usage', async () => {
  const stream = openai.chat.completions.stream({
    model,
    messages: user('Hello there, and a good day to you'),
    stream_options: { include_usage: true },
  });
  const deltas = [];
  let done;
  stream.on('content.delta', ({ delta }) => deltas.push(delta));
  stream.on('content.done', ({ content }) => {
    done = content;
  });
  const completion = await stream.finalChatCompletion();
  const [{ message, finish_reason }] = completion.choices;
  assert.ok(deltas.length > 1, 'in more than one piece');
  assert.equal(deltas.join(''), message.content);
  assert.equal(done, message.content);
  assert.match(message.content, /You said: “Hello there, and a good day to you”/);
  assert.equal(finish_reason, 'stop');
  assert.ok(completion.usage.completion_tokens > 0);
});

test('the helper for streams: two calls at once', async () => {
  await script(twoSteps);
  const stream = openai.chat.completions.stream({
    model,
    messages: user(toolPrompt),
    tools: tools.map(({ type, function: { name, description, parameters, strict } }) => ({
      type,
      function: { name, description, parameters, strict },
    })),
  });
  const done = [];
  stream.on('tool_calls.function.arguments.done', ({ index, name, arguments: text }) => {
    done.push([index, name, JSON.parse(text)]);
  });
  const { tool_calls: calls, content } = await stream.finalMessage();
  assert.deepEqual(done, [
    [0, 'get_weather', { city: 'Paris' }],
    [1, 'get_time', { city: 'Paris' }],
  ]);
  assert.equal(content, 'Two questions at once. ');
  assert.equal(new Set(calls.map(({ id }) => id)).size, 2);
});

test('runTools: two tools, three steps', async () => {
  await script(twoSteps);
  const runner = openai.chat.completions.runTools({ model, messages: user(toolPrompt), tools });
  const results = [];
  runner.on('functionToolCallResult', (result) => results.push(result));
  assert.match(await runner.finalContent(), saidAtTheEnd);
  assert.deepEqual(results, ['{"weather":"rain in Paris"}', 'noon in Paris', '{"weather":"rain in Rome"}']);
  await assertTwoStepsCameBack();
  const usage = await runner.totalUsage();
  assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
});

test('runTools with streams', async () => {
  await script(twoSteps);
  const runner = openai.chat.completions.runTools({ model, messages: user(toolPrompt), tools, stream: true });
  assert.match(await runner.finalContent(), saidAtTheEnd);
  await assertTwoStepsCameBack();
});

test('parse: nested and recursive schemas', async () => {
  const format = zodResponseFormat(order, 'order');
  const nested = await openai.chat.completions.parse({ model, messages: user('An order'), response_format: format });
  order.parse(nested.choices[0].message.parsed);
  assert.equal(nested.choices[0].message.parsed.status, 'open');

  const tree = await openai.chat.completions.parse({
    model,
    messages: user('A folder'),
    response_format: zodResponseFormat(folder, 'folder'),
  });
  folder.parse(tree.choices[0].message.parsed);
  const { responseJsonSchema } = (await lastGeminiRequest()).generationConfig;
  assert.match(JSON.stringify(responseJsonSchema), /"\$ref":"#/);

  const text = JSON.stringify({ name: 'a', folders: [{ name: 'b', folders: [{ name: 'c', folders: [] }] }] });
  await script([{ text }]);
  const stream = openai.chat.completions.stream({
    model,
    messages: user('A deeper folder'),
    response_format: zodResponseFormat(folder, 'folder'),
  });
  assert.equal((await stream.finalMessage()).parsed.folders[0].folders[0].name, 'c');
});

test('parse: arguments of a tool by its schema', async () => {
  const parameters = z.object({ table: z.string(), limit: z.number(), sort: z.enum(['asc', 'desc']) });
  const completion = await openai.chat.completions.parse({
    model,
    messages: user('Look it up'),
    tools: [zodFunction({ name: 'query', parameters })],
    tool_choice: 'required',
  });
  const [{ function: called }] = completion.choices[0].message.tool_calls;
  assert.equal(called.name, 'query');
  parameters.parse(called.parsed_arguments);
});

test('parse: an answer that was cut is the error for that', async () => {
  await script([{ text: '{"customer":', finishReason: 'MAX_TOKENS' }]);
  await assert.rejects(
    openai.chat.completions.parse({
      model,
      messages: user('An order'),
      response_format: zodResponseFormat(order, 'order'),
    }),
    LengthFinishReasonError,
  );
});

test('vision: the image reaches Gemini as it was', async () => {
  const content = [
    { type: 'text', text: 'What is this?' },
    { type: 'image_url', image_url: { url: `data:image/png;base64,${pngBase64}`, detail: 'high' } },
    { type: 'text', text: 'Say it in a word.' },
  ];
  await openai.chat.completions.create({ model, messages: user(content) });
  const [question, image, wish] = (await lastGeminiRequest()).contents[0].parts;
  assert.deepEqual(question, { text: 'What is this?' });
  assert.deepEqual(image.inlineData, { mimeType: 'image/png', data: pngBase64 });
  assert.deepEqual(wish, { text: 'Say it in a word.' });
});

test('abort: the call to Gemini ends with the stream', async () => {
  await script([{ chunks: 1000, chunkSize: 8, intervalMs: 20 }]);
  const stream = openai.chat.completions.stream({ model, messages: user('Talk on') });
  stream.once('content', () => stream.abort());
  await assert.rejects(stream.done(), OpenAI.APIUserAbortError);
  assert.ok(stream.aborted);
  await eventually('Gemini sees the client leave', async () => (await openStreams()) === 0);
});

test('abort: before the answer', async () => {
  await script([{ delayMs: 5_000 }]);
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 100);
  await assert.rejects(
    openai.chat.completions.create({ model, messages: user('Wait') }, { signal: controller.signal }),
    OpenAI.APIUserAbortError,
  );
});

test('errors arrive as the classes of the package', async () => {
  const create = (body, key = apiKey) =>
    new OpenAI({ baseURL, apiKey: key, maxRetries: 0 }).chat.completions.create({
      model,
      messages: user('Hello'),
      ...body,
    });
  await assert.rejects(create({ model: 'gemini-0-none' }), OpenAI.NotFoundError);
  await assert.rejects(create({}, 'gp_wrong'), OpenAI.AuthenticationError);
  await assert.rejects(create({ messages: [] }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, 'messages');
    return true;
  });
});
