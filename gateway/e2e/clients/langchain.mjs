// @ts-nocheck
/** LangChain's ChatOpenAI. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { z } from 'zod';
import {
  apiKey,
  assertTwoStepsCameBack,
  baseURL,
  descriptions,
  getTime,
  getWeather,
  lastGeminiRequest,
  model,
  pngBase64,
  reset,
  saidAtTheEnd,
  script,
  toolPrompt,
  twoSteps,
} from './stand.mjs';

const makeModel = (fields = {}) =>
  new ChatOpenAI({ model, apiKey, maxRetries: 0, configuration: { baseURL }, ...fields });

const schema = z.object({ city: z.string() });
const tools = [
  tool(getWeather, { name: 'get_weather', description: descriptions.get_weather, schema }),
  tool(getTime, { name: 'get_time', description: descriptions.get_time, schema }),
];
const byName = new Map(tools.map((each) => [each.name, each]));

const person = z.object({
  name: z.string(),
  age: z.number().int().min(18),
  address: z.object({ street: z.string(), zip: z.string().nullable() }),
  tags: z.array(z.enum(['new', 'old'])).min(1),
});

/** Asks until no tool is called; `ask` gives the next message of the model for the conversation so far. */
async function converse(ask) {
  const messages = [new HumanMessage(toolPrompt)];
  for (let step = 0; step < 5; step++) {
    const message = await ask(messages);
    messages.push(message);
    if (message.tool_calls.length === 0) return messages;
    // A ToolMessage, since the tool is called with the whole call.
    for (const toolCall of message.tool_calls) messages.push(await byName.get(toolCall.name).invoke(toolCall));
  }
  throw new Error('the conversation does not end');
}

beforeEach(reset);

test('invoke: text, usage, finish reason, parameters', async () => {
  const message = await makeModel({ maxTokens: 500, stop: ['END'] }).invoke([
    new SystemMessage('Be brief.'),
    new HumanMessage('Hello there'),
  ]);
  assert.match(message.text, /You said: “Hello there”/);
  assert.equal(message.response_metadata.finish_reason, 'stop');
  assert.equal(message.usage_metadata.total_tokens, message.response_metadata.tokenUsage.totalTokens);
  assert.ok(message.usage_metadata.input_tokens > 0 && message.usage_metadata.output_tokens > 0);
  const { generationConfig, systemInstruction } = await lastGeminiRequest();
  assert.deepEqual(systemInstruction.parts, [{ text: 'Be brief.' }]);
  assert.equal(generationConfig.maxOutputTokens, 500);
});

test('stream: pieces that add up, with usage', async () => {
  let whole;
  let pieces = 0;
  for await (const chunk of await makeModel().stream('Hello there, and a good day to you')) {
    if (chunk.text !== '') pieces++;
    whole = whole === undefined ? chunk : whole.concat(chunk);
  }
  assert.ok(pieces > 1, 'in more than one piece');
  assert.match(whole.text, /You said: “Hello there, and a good day to you”/);
  assert.equal(whole.response_metadata.finish_reason, 'stop');
  assert.ok(whole.usage_metadata.output_tokens > 0);
});

test('bindTools: two calls at once, results, another call, an answer', async () => {
  await script(twoSteps);
  const bound = makeModel().bindTools(tools);
  const messages = await converse((history) => bound.invoke(history));
  assert.deepEqual(
    messages[1].tool_calls.map(({ name, args }) => [name, args.city]),
    [
      ['get_weather', 'Paris'],
      ['get_time', 'Paris'],
    ],
  );
  assert.equal(messages[1].response_metadata.finish_reason, 'tool_calls');
  assert.ok(messages[2] instanceof ToolMessage);
  assert.match(messages.at(-1).text, saidAtTheEnd);
  await assertTwoStepsCameBack();
});

test('bindTools with streams', async () => {
  await script(twoSteps);
  const bound = makeModel().bindTools(tools);
  const messages = await converse(async (history) => {
    let whole;
    for await (const chunk of await bound.stream(history)) whole = whole === undefined ? chunk : whole.concat(chunk);
    return whole;
  });
  assert.equal(messages[1].tool_calls.length, 2);
  assert.equal(new Set(messages[1].tool_calls.map(({ id }) => id)).size, 2);
  assert.match(messages.at(-1).text, saidAtTheEnd);
  await assertTwoStepsCameBack();
});

test('a tool that must be called', async () => {
  const message = await makeModel().bindTools(tools, { tool_choice: 'get_time' }).invoke('Hello');
  assert.deepEqual(
    message.tool_calls.map(({ name }) => name),
    ['get_time'],
  );
  const any = await makeModel().bindTools(tools, { tool_choice: 'any' }).invoke('Hello');
  assert.equal(any.tool_calls.length, 1);
});

for (const method of ['jsonSchema', 'functionCalling'])
  for (const strict of [undefined, true])
    test(`withStructuredOutput: ${method}, strict ${strict}`, async () => {
      const structured = makeModel().withStructuredOutput(person, { name: 'person', method, strict });
      person.parse(await structured.invoke('Somebody'));
    });

test('withStructuredOutput: JSON mode, and the raw message beside it', async () => {
  const answer = z.object({ answer: z.string() });
  const structured = makeModel().withStructuredOutput(answer, { method: 'jsonMode', includeRaw: true });
  const { parsed, raw } = await structured.invoke('Answer in JSON');
  assert.match(parsed.answer, /Answer in JSON/);
  assert.equal(raw.response_metadata.finish_reason, 'stop');
  assert.equal((await lastGeminiRequest()).generationConfig.responseMimeType, 'application/json');
});

test('thoughts are kept beside the text, and effort reaches Gemini', async () => {
  await script([{ thoughts: ['I wonder. ', 'I see.'], text: 'Forty-two.' }]);
  const extra_body = { google: { thinking_config: { include_thoughts: true } } };
  const thinker = makeModel({ modelKwargs: { reasoning_effort: 'high', extra_body } });
  const message = await thinker.invoke('Think');
  assert.equal(message.text, 'Forty-two.');
  assert.equal(message.additional_kwargs.reasoning_content, 'I wonder. I see.');
  assert.ok(message.usage_metadata.output_token_details.reasoning > 0);
  const { thinkingConfig } = (await lastGeminiRequest()).generationConfig;
  assert.deepEqual(thinkingConfig, { thinkingLevel: 'high', includeThoughts: true });

  let streamed;
  for await (const chunk of await thinker.stream('Think'))
    streamed = streamed === undefined ? chunk : streamed.concat(chunk);
  assert.equal(streamed.text, 'Forty-two.');
  assert.equal(streamed.additional_kwargs.reasoning_content, 'I wonder. I see.');
});

test('an image reaches Gemini as it was', async () => {
  const url = `data:image/png;base64,${pngBase64}`;
  const content = [
    { type: 'text', text: 'What is this?' },
    { type: 'image_url', image_url: { url } },
  ];
  await makeModel().invoke([new HumanMessage({ content })]);
  assert.deepEqual((await lastGeminiRequest()).contents[0].parts, [
    { text: 'What is this?' },
    { inlineData: { mimeType: 'image/png', data: pngBase64 } },
  ]);
});

test('several prompts at once', async () => {
  const messages = await makeModel().batch(['one', 'two', 'three']);
  messages.forEach((message, index) => {
    assert.match(message.text, new RegExp(`You said: “${['one', 'two', 'three'][index]}”`));
  });
});

test('errors have their status', async () => {
  await assert.rejects(makeModel({ model: 'gemini-0-none' }).invoke('Hello'), ({ status }) => status === 404);
  await assert.rejects(makeModel({ apiKey: 'gp_wrong' }).invoke('Hello'), ({ status }) => status === 401);
});
