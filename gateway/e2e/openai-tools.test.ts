/**
 * Goal: what the `openai` package does around tools, structured output, images and thinking works as against OpenAI.
 * Method: its own helpers on Node 20, a scripted simulator, and a look at what reached Gemini.
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type OpenAI from 'openai';
import type { ChatCompletionRunner } from 'openai/lib/ChatCompletionRunner';
import type { ChatCompletionStreamingRunner } from 'openai/lib/ChatCompletionStreamingRunner';
import type {
  ChatCompletionChunk,
  ChatCompletionMessageFunctionToolCall,
  ChatCompletionMessageParam,
} from 'openai/resources/chat/completions';
import { type Stack, startStack, testModel } from './harness.ts';

type Part = Record<string, unknown>;
type Role = 'user' | 'model';

const city = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const declarations = ['get_weather', 'get_time'].map((name) => ({
  type: 'function' as const,
  function: { name, description: `For tests: ${name}`, parameters: city },
}));
const question: ChatCompletionMessageParam[] = [{ role: 'user', content: 'How is Paris, and Rome?' }];

const firstSignature = Buffer.from('signature one?>').toString('base64');
const secondSignature = Buffer.from('signature two').toString('base64');
const placeholder = 'skip_thought_signature_validator';

const usageMetadata = { promptTokenCount: 20, candidatesTokenCount: 10, totalTokenCount: 30 };

function response(parts: Part[], finishReason?: string): unknown {
  const candidate = { index: 0, content: { role: 'model', parts } };
  return { candidates: [finishReason === undefined ? candidate : { ...candidate, finishReason }], usageMetadata };
}

function call(id: string, name: string, city: string, thoughtSignature?: string): Part {
  const part = { functionCall: { id, name, args: { city } } };
  return thoughtSignature === undefined ? part : { ...part, thoughtSignature };
}

const result = (id: string, name: string, answer: unknown): Part => ({
  functionResponse: { id, name, response: answer },
});

/** Two calls at once in two events, then one more; then the simulator says what it got, in its own words. */
const twoSteps = [
  {
    times: 1,
    events: [
      response([{ text: 'Two questions at once. ' }]),
      response([call('w1', 'get_weather', 'Paris', firstSignature)]),
      response([call('t1', 'get_time', 'Paris')]),
      response([], 'STOP'),
    ],
  },
  { times: 1, events: [response([call('w2', 'get_weather', 'Rome', secondSignature)], 'STOP')] },
];

/** What Gemini must be shown after `twoSteps`, with these signatures on the first call of each step. */
function historyOf(first: string, second: string): { role: Role; parts: Part[] }[] {
  return [
    { role: 'user', parts: [{ text: 'How is Paris, and Rome?' }] },
    {
      role: 'model',
      parts: [
        { text: 'Two questions at once. ' },
        call('w1', 'get_weather', 'Paris', first),
        call('t1', 'get_time', 'Paris'),
      ],
    },
    {
      role: 'user',
      parts: [
        result('w1', 'get_weather', { weather: 'rain in Paris' }),
        result('t1', 'get_time', { output: 'noon in Paris' }),
      ],
    },
    { role: 'model', parts: [call('w2', 'get_weather', 'Rome', second)] },
    { role: 'user', parts: [result('w2', 'get_weather', { weather: 'rain in Rome' })] },
  ];
}

function answerOf(name: string, argumentsText: string): string {
  const { city }: { city: string } = JSON.parse(argumentsText);
  return name === 'get_weather' ? JSON.stringify({ weather: `rain in ${city}` }) : `noon in ${city}`;
}

describe('the openai package: tools, structured output, images, thinking', () => {
  let stack: Stack;

  before(async () => {
    stack = await startStack();
  });
  after(() => stack.stop());
  beforeEach(() => stack.simulator.reset());

  /** The bodies that Gemini was asked with in this test. */
  async function geminiRequests(): Promise<Record<string, unknown>[]> {
    const entries = await stack.simulator.log();
    return entries.filter(({ method }) => method.endsWith('enerateContent')).map(({ body }) => asRecord(body));
  }

  async function lastConfig(): Promise<unknown> {
    return (await geminiRequests()).at(-1)?.['generationConfig'];
  }

  /** Answers tools until none is called. `edit` is what a client makes of a message before it sends it back. */
  async function converse(
    edit: (message: OpenAI.ChatCompletionMessage) => OpenAI.ChatCompletionMessage,
  ): Promise<string> {
    const messages = [...question];
    for (let step = 0; step < 5; step++) {
      const { choices } = await stack.openai.chat.completions.create({
        model: testModel,
        messages,
        tools: declarations,
      });
      const message = choices[0]?.message;
      assert.ok(message !== undefined);
      const edited = edit(message);
      messages.push(edited);
      if (edited.tool_calls === undefined) return edited.content ?? '';
      for (const { id, function: called } of edited.tool_calls.filter(isFunctionCall))
        messages.push({ role: 'tool', tool_call_id: id, content: answerOf(called.name, called.arguments) });
    }
    throw new Error('the conversation does not end');
  }

  test('two calls in a stream: indexes 0 and 1, ids of their own, one finish reason', async () => {
    await stack.simulator.script(twoSteps);
    const chunks: ChatCompletionChunk[] = [];
    const stream = await stack.openai.chat.completions.create({
      model: testModel,
      messages: question,
      tools: declarations,
      stream: true,
    });
    for await (const chunk of stream) chunks.push(chunk);
    const calls = chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? []);
    assert.deepEqual(
      calls.map(({ index, type, function: called }) => [index, type, called?.name, called?.arguments]),
      [
        [0, 'function', 'get_weather', '{"city":"Paris"}'],
        [1, 'function', 'get_time', '{"city":"Paris"}'],
      ],
    );
    assert.equal(new Set(calls.map(({ id }) => id)).size, 2);
    assert.ok(calls.every(({ id }) => typeof id === 'string' && id !== ''));
    assert.deepEqual(calls.map(signatureOf), [firstSignature, undefined]);
    const reasons = chunks.flatMap(({ choices }) => choices[0]?.finish_reason ?? []);
    assert.deepEqual(reasons, ['tool_calls']);
    assert.equal(chunks.at(-1)?.choices[0]?.finish_reason, 'tool_calls');
  });

  test('calls without ids from Gemini, and twice of the same function, are told apart', async () => {
    const bare = (name: string, args: unknown): Part => ({ functionCall: { name, args } });
    const events = [
      response([bare('get_weather', { city: 'Paris' }), bare('get_weather', { city: 'Rome' })]),
      response([bare('get_time', undefined)], 'STOP'),
    ];
    await stack.simulator.script([{ events }]);
    const stream = stack.openai.chat.completions.stream({ model: testModel, messages: question, tools: declarations });
    const { tool_calls: calls = [] } = await stream.finalMessage();
    assert.deepEqual(
      calls.filter(isFunctionCall).map(({ function: { arguments: text } }) => text),
      ['{"city":"Paris"}', '{"city":"Rome"}', '{}'],
    );
    assert.equal(new Set(calls.map(({ id }) => id)).size, 3);
  });

  test('the helper for streams: events of calls, the final message and its usage', async () => {
    await stack.simulator.script(twoSteps);
    const stream = stack.openai.chat.completions.stream({
      model: testModel,
      messages: question,
      tools: declarations,
      stream_options: { include_usage: true },
    });
    const done: unknown[] = [];
    stream.on('tool_calls.function.arguments.done', ({ index, name, arguments: text }) =>
      done.push([index, name, text]),
    );
    const completion = await stream.finalChatCompletion();
    assert.deepEqual(done, [
      [0, 'get_weather', '{"city":"Paris"}'],
      [1, 'get_time', '{"city":"Paris"}'],
    ]);
    const choice = completion.choices[0];
    assert.equal(choice?.finish_reason, 'tool_calls');
    assert.equal(choice.message.content, 'Two questions at once. ');
    assert.equal(choice.message.tool_calls?.length, 2);
    assert.deepEqual(
      [completion.usage?.prompt_tokens, completion.usage?.completion_tokens, completion.usage?.total_tokens],
      [20, 10, 30],
    );
  });

  for (const stream of [false, true])
    test(`runTools with stream ${stream}: two tools, three steps`, async () => {
      await stack.simulator.script(twoSteps);
      const tools = declarations.map(({ type, function: declared }) => ({
        type,
        function: { ...declared, function: (text: string) => answerOf(declared.name, text) },
      }));
      const params = { model: testModel, messages: question, tools };
      const runner: ChatCompletionRunner | ChatCompletionStreamingRunner = stream
        ? stack.openai.chat.completions.runTools({ ...params, stream })
        : stack.openai.chat.completions.runTools(params);
      assert.match((await runner.finalContent()) ?? '', /get_weather said .*rain in Rome/);
      const requests = await geminiRequests();
      assert.equal(requests.length, 3);
      assert.deepEqual(requests[2]?.['contents'], historyOf(firstSignature, secondSignature));
    });

  test('signatures come back from extra_content alone', async () => {
    await stack.simulator.script(twoSteps);
    let count = 0;
    const ids = new Map<string, string>();
    await converse((message) => ({
      ...message,
      ...eachCall(message, (made) => {
        const id = `client-${count++}`;
        ids.set(id, made.id);
        return { ...made, id };
      }),
    }));
    const contents = JSON.stringify((await geminiRequests()).at(-1)?.['contents']);
    assert.equal(ids.size, 3);
    for (const signature of [firstSignature, secondSignature]) assert.equal(contents.split(signature).length, 2);
    assert.ok(!contents.includes(placeholder));
  });

  test('signatures come back from ids alone, as clients send them that know no extra_content', async () => {
    await stack.simulator.script(twoSteps);
    const said = await converse((message) => withoutExtraContent(message));
    assert.match(said, /get_weather said .*rain in Rome/);
    const requests = await geminiRequests();
    assert.deepEqual(requests.at(-1)?.['contents'], historyOf(firstSignature, secondSignature));
  });

  test('where a client keeps neither, the placeholder stands on the first call of each step', async () => {
    await stack.simulator.script(twoSteps);
    let count = 0;
    await converse((message) => {
      const stripped = withoutExtraContent(message);
      return { ...stripped, ...eachCall(stripped, (made) => ({ ...made, id: ['w1', 't1', 'w2'][count++] ?? '' })) };
    });
    const requests = await geminiRequests();
    assert.deepEqual(requests.at(-1)?.['contents'], historyOf(placeholder, placeholder));
  });

  test('results in another order than their calls, and a call nobody answered', async () => {
    await stack.simulator.script(twoSteps.slice(0, 1));
    const create = (messages: ChatCompletionMessageParam[]): Promise<OpenAI.ChatCompletion> =>
      stack.openai.chat.completions.create({ model: testModel, messages, tools: declarations });
    const message = (await create(question)).choices[0]?.message;
    const [weather, time] = message?.tool_calls ?? [];
    assert.ok(message !== undefined && weather !== undefined && time !== undefined);
    const timeResult = { role: 'tool', tool_call_id: time.id, content: '["noon"]' } as const;
    const weatherResult = { role: 'tool', tool_call_id: weather.id, content: 'rain' } as const;
    await create([...question, message, timeResult, weatherResult]);
    await create([...question, message, timeResult]);
    const requests = await geminiRequests();
    const results = requests.slice(1).map(({ contents }) => (Array.isArray(contents) ? contents[2].parts : undefined));
    const noon = result('t1', 'get_time', { output: '["noon"]' });
    assert.deepEqual(results, [
      [result('w1', 'get_weather', { output: 'rain' }), noon],
      [result('w1', 'get_weather', { error: 'no result' }), noon],
    ]);
  });

  test('tool_choice: required, one by name, none, several allowed', async () => {
    const ask = async (
      tool_choice: OpenAI.ChatCompletionToolChoiceOption,
    ): Promise<{ names: string[]; config: unknown }> => {
      const completion = await stack.openai.chat.completions.create({
        model: testModel,
        messages: [{ role: 'user', content: 'Hello' }],
        tools: declarations,
        tool_choice,
      });
      const { toolConfig } = asRecord((await geminiRequests()).at(-1));
      return {
        names: (completion.choices[0]?.message.tool_calls ?? [])
          .filter(isFunctionCall)
          .map(({ function: { name } }) => name),
        config: asRecord(toolConfig)['functionCallingConfig'],
      };
    };
    assert.deepEqual(await ask('required'), { names: ['get_weather'], config: { mode: 'ANY' } });
    assert.deepEqual(await ask('none'), { names: [], config: { mode: 'NONE' } });
    const time = { type: 'function', function: { name: 'get_time' } } as const;
    const onlyTime = { mode: 'ANY', allowedFunctionNames: ['get_time'] };
    assert.deepEqual(await ask(time), { names: ['get_time'], config: onlyTime });
    const allowed = { mode: 'required' as const, tools: [time] };
    assert.deepEqual(await ask({ type: 'allowed_tools', allowed_tools: allowed }), {
      names: ['get_time'],
      config: onlyTime,
    });
  });

  test('names that Gemini would refuse come back as they were declared', async () => {
    const name = '2-städte wetter';
    const completion = await stack.openai.chat.completions.create({
      model: testModel,
      messages: [{ role: 'user', content: 'Hello' }],
      tools: [{ type: 'function', function: { name, parameters: city } }],
      tool_choice: { type: 'function', function: { name } },
    });
    const [made] = (completion.choices[0]?.message.tool_calls ?? []).filter(isFunctionCall);
    assert.equal(made?.function.name, name);
  });

  test('parse: a JSON schema of one piece, a recursive one, and strict arguments', async () => {
    const person = {
      type: 'object',
      properties: {
        name: { type: 'string' },
        address: {
          type: 'object',
          properties: { zip: { type: ['string', 'null'] } },
          required: ['zip'],
          additionalProperties: false,
        },
        kind: { type: 'string', enum: ['friend', 'stranger'] },
      },
      required: ['name', 'address', 'kind'],
      additionalProperties: false,
    };
    const tree = {
      type: 'object',
      properties: { root: { $ref: '#/$defs/node' } },
      required: ['root'],
      additionalProperties: false,
      $defs: {
        node: {
          type: 'object',
          properties: { name: { type: 'string' }, children: { type: 'array', items: { $ref: '#/$defs/node' } } },
          required: ['name', 'children'],
          additionalProperties: false,
        },
      },
    };
    const parse = async (schema: Record<string, unknown>): Promise<unknown> => {
      const completion = await stack.openai.chat.completions.parse({
        model: testModel,
        messages: [{ role: 'user', content: 'Give me one' }],
        response_format: { type: 'json_schema', json_schema: { name: 'one', strict: true, schema } },
      });
      const text = completion.choices[0]?.message.content ?? '';
      return JSON.parse(text);
    };
    assert.deepEqual(await parse(person), { name: 'simulated', address: { zip: 'simulated' }, kind: 'friend' });
    const config = asRecord(await lastConfig());
    assert.equal(config['responseMimeType'], 'application/json');
    assert.deepEqual(config['responseJsonSchema'], person);
    assert.deepEqual(await parse(tree), { root: { name: 'simulated', children: [] } });

    const completion = await stack.openai.chat.completions.parse({
      model: testModel,
      messages: [{ role: 'user', content: 'Call it' }],
      tools: [{ type: 'function', function: { name: 'greet', strict: true, parameters: person } }],
      tool_choice: 'required',
    });
    const [made] = completion.choices[0]?.message.tool_calls ?? [];
    assert.deepEqual(made?.function.parsed_arguments, {
      name: 'simulated',
      address: { zip: 'simulated' },
      kind: 'friend',
    });
  });

  test('vision: images in every message, in their places', async () => {
    const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
    const url = `data:image/png;base64,${png}`;
    await stack.openai.chat.completions.create({
      model: testModel,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'One' },
            { type: 'image_url', image_url: { url } },
            { type: 'text', text: 'and two' },
            { type: 'image_url', image_url: { url: url.replace('data:', 'DATA:') } },
          ],
        },
        { role: 'assistant', content: 'Seen.' },
        { role: 'user', content: [{ type: 'image_url', image_url: { url } }] },
      ],
    });
    const inlineData = { mimeType: 'image/png', data: png };
    assert.deepEqual((await geminiRequests()).at(-1)?.['contents'], [
      { role: 'user', parts: [{ text: 'One' }, { inlineData }, { text: 'and two' }, { inlineData }] },
      { role: 'model', parts: [{ text: 'Seen.' }] },
      { role: 'user', parts: [{ inlineData }] },
    ]);
  });

  test('reasoning_effort by model family, and thoughts where they are asked for', async () => {
    const efforts = [
      ['gemini-3.8-flash', 'minimal', { thinkingLevel: 'low' }],
      ['gemini-3.8-flash', 'high', { thinkingLevel: 'high' }],
      ['gemini-3.6-flash', 'minimal', { thinkingLevel: 'minimal' }],
      ['gemini-2.5-flash', 'none', { thinkingBudget: 0 }],
      ['gemini-2.5-flash', 'medium', { thinkingBudget: 8192 }],
    ] as const;
    for (const [model, reasoning_effort, expected] of efforts) {
      const messages: ChatCompletionMessageParam[] = [{ role: 'user', content: 'Think' }];
      await stack.openai.chat.completions.create({ model, messages, reasoning_effort });
      assert.deepEqual(asRecord(await lastConfig())['thinkingConfig'], expected, `${model} ${reasoning_effort}`);
    }
    const thinking = {
      model: testModel,
      messages: [{ role: 'user' as const, content: 'Think' }],
      reasoning_effort: 'medium' as const,
      extra_body: { google: { thinking_config: { include_thoughts: true } } },
    };
    const whole = await stack.openai.chat.completions.create(thinking);
    const message = whole.choices[0]?.message;
    const thought = asRecord(message)['reasoning_content'];
    assert.ok(typeof thought === 'string' && thought.includes('Reading the prompt'));
    assert.ok(!message?.content?.includes('Reading the prompt'));
    assert.ok((whole.usage?.completion_tokens_details?.reasoning_tokens ?? 0) > 0);
    let streamedThought = '';
    for await (const chunk of await stack.openai.chat.completions.create({ ...thinking, stream: true }))
      streamedThought += asRecord(chunk.choices[0]?.delta)['reasoning_content'] ?? '';
    assert.equal(streamedThought, thought);
  });
});

function isFunctionCall(made: OpenAI.ChatCompletionMessageToolCall): made is ChatCompletionMessageFunctionToolCall {
  return made.type === 'function';
}

/** The calls of a message, changed one by one; nothing when it has none. */
function eachCall(
  { tool_calls }: OpenAI.ChatCompletionMessage,
  change: (made: OpenAI.ChatCompletionMessageToolCall) => OpenAI.ChatCompletionMessageToolCall,
): { tool_calls?: OpenAI.ChatCompletionMessageToolCall[] } {
  return tool_calls === undefined ? {} : { tool_calls: tool_calls.map(change) };
}

/** As a client stores it that knows only the fields of OpenAI's own API. */
function withoutExtraContent(message: OpenAI.ChatCompletionMessage): OpenAI.ChatCompletionMessage {
  const { role, content, refusal } = message;
  const calls = eachCall(message, (made) =>
    made.type === 'function'
      ? { id: made.id, type: made.type, function: made.function }
      : { id: made.id, type: made.type, custom: made.custom },
  );
  return { role, content, refusal, ...calls };
}

function signatureOf(made: unknown): unknown {
  const google = asRecord(asRecord(made)['extra_content'])['google'];
  return asRecord(google)['thought_signature'];
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
