/** Goal: answers fit their request and are the same each time. Method: the answering function itself, without HTTP. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Answer, answerTo } from './answer.ts';
import { checkBatchEmbed, checkEmbed } from './embed-rules.ts';
import { vectorText } from './embeddings.ts';
import type { GenerateContentRequest, Part } from './gemini-request.ts';
import { resolveModel } from './model-catalogue.ts';
import { checkGenerate } from './request-rules.ts';
import type { Scenario } from './scenario.ts';
import { instanceOf } from './schema-instance.ts';
import { tokensOfRequest } from './tokens.ts';

function modelCalled(id: string) {
  const model = resolveModel(id);
  assert.ok(model !== undefined);
  return model;
}

/** The answer to a request that must first pass all checks. */
function answer(
  request: GenerateContentRequest,
  {
    id = 'gemini-3.8-flash',
    scenario = null,
    isStream = false,
  }: {
    id?: string;
    scenario?: Scenario | null;
    isStream?: boolean;
  } = {},
): Answer {
  const model = modelCalled(id);
  const tokens = tokensOfRequest(request);
  assert.equal(checkGenerate(request, { model, id, isStream }, tokens)?.message, undefined);
  return answerTo({ request, tokens, model, scenario, isStream });
}

function textOf({ events }: Answer): string {
  return events
    .flat()
    .map(({ text, thought }) => (thought ? '' : (text ?? '')))
    .join('');
}

function says(text: string): { role: string; parts: Part[] } {
  return { role: 'user', parts: [{ text }] };
}

const weather = {
  functionDeclarations: [
    {
      name: 'get_weather',
      description: 'd',
      parametersJsonSchema: {
        type: 'object',
        properties: { city: { type: 'string', enum: ['Oslo', 'Rome'] }, days: { type: 'integer', minimum: 2 } },
        required: ['city', 'days'],
      },
    },
  ],
};

describe('answers', () => {
  test('text echoes the prompt and names its origin', () => {
    const reply = answer({ contents: [says('Wie geht’s?')] });
    assert.equal(textOf(reply), 'Hello! This is the Gemini simulator, not Google. You said: “Wie geht’s?”');
    assert.equal(reply.finishReason, 'STOP');
    const { promptTokenCount, candidatesTokenCount, thoughtsTokenCount, totalTokenCount } = reply.usage;
    assert.deepEqual([promptTokenCount, candidatesTokenCount, thoughtsTokenCount, totalTokenCount], [3, 18, 32, 53]);
    assert.deepEqual(answer({ contents: [says('Wie geht’s?')] }), reply);
  });

  test('a function that is named is called, and its results are told after the round trip', () => {
    const contents = [says('Use get_weather please')];
    const first = answer({ contents, tools: [weather] });
    const parts = first.events.flat();
    const { functionCall, thoughtSignature } = parts[0] ?? {};
    assert.equal(parts.length, 1);
    assert.deepEqual(functionCall?.args, { city: 'Oslo', days: 2 });
    assert.ok(functionCall?.id !== undefined && thoughtSignature !== undefined);
    const { id } = functionCall;
    const response: Part = { functionResponse: { id, name: 'get_weather', response: { t: 4 } } };
    const round = [...contents, { role: 'model', parts }, { role: 'user', parts: [response] }];
    assert.match(textOf(answer({ contents: round, tools: [weather] })), /get_weather said \{"t":4\}/);
  });

  test('mode ANY calls, NONE does not, other texts do not', () => {
    const contents = [says('hello')];
    const calls = (mode: string, text = 'hello'): number =>
      answer({ contents: [says(text)], tools: [weather], toolConfig: { functionCallingConfig: { mode } } })
        .events.flat()
        .filter(({ functionCall }) => functionCall !== undefined).length;
    assert.equal(calls('ANY'), 1);
    assert.equal(calls('NONE', 'get_weather'), 0);
    assert.equal(calls('AUTO'), 0);
    assert.match(textOf(answer({ contents, tools: [weather] })), /hello/);
  });

  test('a signature does not pass on another family of models', () => {
    const contents = [says('get_weather')];
    const parts = answer({ contents, tools: [weather] }).events.flat();
    const results = parts.map((): Part => ({ functionResponse: { name: 'get_weather', response: {} } }));
    const request = { contents: [...contents, { role: 'model', parts }, { role: 'user', parts: results }] };
    const context = { model: modelCalled('gemini-4-argon'), id: 'gemini-4-argon', isStream: true };
    assert.equal(checkGenerate(request, context, 1)?.message, 'Corrupted thought signature.');
  });

  test('thoughts come first when asked for', () => {
    const thinkingConfig = { includeThoughts: true, thinkingLevel: 'HIGH' };
    const reply = answer({ contents: [says('x')], generationConfig: { thinkingConfig } });
    assert.deepEqual(
      reply.events
        .flat()
        .map(({ thought = false }) => thought)
        .slice(0, 3),
      [true, true, false],
    );
    assert.equal(reply.usage.thoughtsTokenCount, 64);
  });

  test('thinking can take all of a small output limit', () => {
    const reply = answer({ contents: [says('x')], generationConfig: { maxOutputTokens: 8 } });
    assert.deepEqual([reply.events, reply.finishReason], [[], 'MAX_TOKENS']);
  });

  test('output limit and stop sequences cut the text', () => {
    const generationConfig = { maxOutputTokens: 34 };
    const cut = answer({ contents: [says('a long prompt')], generationConfig });
    assert.deepEqual([textOf(cut), cut.finishReason], ['Hello! T', 'MAX_TOKENS']);
    const stopped = answer({ contents: [says('x')], generationConfig: { stopSequences: [' is', 'the'] } });
    assert.deepEqual([textOf(stopped), stopped.finishReason], ['Hello! This', 'STOP']);
  });

  test('instances satisfy their schemas', () => {
    const node = {
      type: 'object',
      properties: { next: { $ref: '#/$defs/node' }, id: { type: 'number' } },
      required: ['id'],
    };
    const cases: [unknown, unknown][] = [
      [{ type: 'STRING', enum: ['a', 'b'] }, 'a'],
      [{ type: ['null', 'string'] }, null],
      [{ type: 'array', items: { type: 'boolean' }, minItems: 2 }, [true, true]],
      [{ $defs: { node }, $ref: '#/$defs/node' }, { id: 1 }],
      [{ anyOf: [{ $ref: '#' }, { type: 'integer', minimum: 2.5 }] }, 3],
      [{ type: 'object', properties: { a: { type: 'string', maxLength: 3 } } }, { a: 'sim' }],
      [{ prefixItems: [{ type: 'null' }, { type: 'number', maximum: 0.5 }] }, [null, 0.5]],
    ];
    for (const [schema, instance] of cases) assert.deepEqual(instanceOf(schema), instance, JSON.stringify(schema));
    const level = (next: number): unknown => ({
      type: 'object',
      properties: { a: { $ref: `#/$defs/n${next}` }, b: { $ref: `#/$defs/n${next}` } },
      required: ['a', 'b'],
    });
    const $defs = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`n${index}`, level((index + 1) % 41)]));
    const vast = { $defs: { ...$defs, n40: { type: 'null' } }, $ref: '#/$defs/n0' };
    assert.equal(typeof instanceOf(vast), 'object', 'it ends');
    const generationConfig = { responseMimeType: 'application/json', responseJsonSchema: cases[3]?.[0] };
    assert.equal(textOf(answer({ contents: [says('x')], generationConfig })), '{"id":1}');
  });

  test('grounding offsets are bytes of the text', () => {
    const reply = answer({ contents: [says('Zürich – wo?')], tools: [{ googleSearch: {} }] });
    const { groundingSupports } = JSON.parse(JSON.stringify(reply.lastCandidate['groundingMetadata']));
    const bytes = Buffer.from(textOf(reply));
    for (const { segment } of groundingSupports)
      assert.equal(bytes.subarray(segment.startIndex ?? 0, segment.endIndex).toString(), segment.text);
  });

  test('a long answer on Gemini 4 goes on with its token, and only for the same request', () => {
    const scenario: Scenario = { text: 'x'.repeat(100), hopTokens: 10 };
    const options = { id: 'gemini-4-argon', scenario, isStream: true };
    const request: GenerateContentRequest = { contents: [says('go')] };
    let reply = answer(request, options);
    const texts = [textOf(reply)];
    while (reply.finishReason === 'CONTINUATION') {
      reply = answer({ ...request, continuationToken: String(reply.lastCandidate['continuationToken']) }, options);
      texts.push(textOf(reply));
    }
    assert.deepEqual(
      texts.map((text) => text.length),
      [40, 40, 20],
    );
    assert.equal(reply.finishReason, 'STOP');
    assert.deepEqual([reply.usage.promptTokenCount, reply.usage['initialPromptTokenCount']], [21, 1]);
  });

  test('pictures and speech', () => {
    const picture = answer({ contents: [says('a cat')] }, { id: 'gemini-3.1-flash-image' }).events.flat();
    assert.deepEqual(
      picture.map(({ inlineData }) => inlineData?.mimeType),
      [undefined, 'image/png'],
    );
    const generationConfig = { responseModalities: ['AUDIO'] };
    const speech = answer(
      { contents: [says('say hi')], generationConfig },
      { id: 'gemini-3.8-flash-tts' },
    ).events.flat();
    assert.equal(Buffer.from(speech[0]?.inlineData?.data ?? '', 'base64').toString('latin1', 0, 4), 'RIFF');
  });

  test('embeddings have length one, depend on the text alone, and are checked', () => {
    const content = { parts: [{ text: 'sea' }] };
    const vector: number[] = JSON.parse(vectorText({ content, outputDimensionality: 256 }));
    assert.equal(vector.length, 256);
    assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-4);
    assert.notEqual(vectorText({ content }), vectorText({ content: { parts: [{ text: 'see' }] } }));

    const id = 'gemini-embedding-001';
    const context = { model: modelCalled(id), id, isStream: false };
    const model = `models/${id}`;
    const refusals = [
      checkEmbed({ content }, context),
      checkEmbed({}, context),
      checkEmbed({ content: { parts: [{ text: '' }] } }, context),
      checkEmbed({ content, outputDimensionality: 64 }, context),
      checkEmbed({ content, title: 'x' }, context),
      checkEmbed({ content: { parts: [{ text: 'x'.repeat(9_000) }] } }, context),
      checkBatchEmbed([{ model, content }], context),
      checkBatchEmbed([{ content }], context),
      checkBatchEmbed([{ model: 'models/gemini-embedding-2', content }], context),
      checkBatchEmbed(
        Array.from({ length: 101 }, () => ({ model, content })),
        context,
      ),
      checkBatchEmbed([], context),
    ].map((reply) => reply?.message.split(' ')[1] ?? null);
    assert.deepEqual(refusals, [
      null,
      'EmbedContentRequest.content:',
      'EmbedContentRequest.content.parts[0]:',
      'EmbedContentRequest.output_dimensionality:',
      'EmbedContentRequest.title:',
      'input',
      null,
      'BatchEmbedContentsRequest.requests[0].model:',
      'BatchEmbedContentsRequest.requests[0].model:',
      'BatchEmbedContentsRequest.requests:',
      'BatchEmbedContentsRequest.requests:',
    ]);
  });
});
