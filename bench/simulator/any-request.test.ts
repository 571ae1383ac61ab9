/**
 * Goal: no request, however odd, makes the simulator throw, and whatever it takes it answers in JSON. Method: requests
 * drawn from the table of fields, each field of its type most of the time.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { generatedTexts } from './generated-texts.ts';
import type { Field } from './message-table.ts';
import { listedModels } from './model-catalogue.ts';
import { requestMessages } from './request-fields.ts';
import { parseRequest } from './request-parser.ts';
import { checkGenerate } from './request-rules.ts';
import { tokensOfRequest } from './tokens.ts';

const depthMax = 5;
const words = fc.constantFrom(
  '',
  'f',
  'user',
  'model',
  'application/json',
  'AAAA',
  '1s',
  'models/x',
  '#/$defs/a',
  '__proto__',
);
const freeKeys = fc.constantFrom(
  'type',
  'properties',
  '$ref',
  '$defs',
  'a',
  'enum',
  'anyOf',
  'items',
  'required',
  '__proto__',
);
const freeJson = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: depthMax },
    fc.constantFrom('object', 'string', '#', '#/$defs/a', 'a', 1, true, null),
    fc.dictionary(freeKeys, tie('value'), { maxKeys: 3 }),
    fc.array(tie('value'), { maxLength: 3 }),
  ),
})).value;

const scalars: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  string: words,
  bytes: words,
  duration: words,
  bool: fc.boolean(),
  int32: fc.integer({ min: -2, max: 200 }),
  int64: fc.oneof(fc.nat(9), fc.constant('3')),
  float: fc.double({ min: 0, max: 2, noNaN: true }),
  double: fc.double({ noNaN: true }),
};

function anyOfField(field: Field, depth: number): fc.Arbitrary<unknown> {
  const one =
    field.message !== null
      ? anyMessage(field.message.name, depth + 1)
      : field.enumNames !== null
        ? fc.constantFrom(...field.enumNames)
        : (scalars[field.kind] ?? freeJson);
  const whole =
    field.shape === 'list'
      ? fc.array(one, { maxLength: 3 })
      : field.shape === 'map'
        ? fc.dictionary(freeKeys, one, { maxKeys: 2 })
        : one;
  return fc.oneof({ weight: 40, arbitrary: whole }, { weight: 1, arbitrary: fc.jsonValue() });
}

function anyMessage(name: string, depth: number): fc.Arbitrary<unknown> {
  const message = requestMessages.get(name);
  if (message === undefined || depth > depthMax) return fc.constant({});
  const fields = [...message.fields].filter(([key, { jsonName }]) => key === jsonName);
  // A part needs a data member and may have but one, or nearly nothing would pass.
  const data = fields.filter(([key]) => message.oneof?.has(key));
  const rest = someOf(
    fields.filter(([key]) => !message.oneof?.has(key)),
    depth,
  );
  if (data.length === 0) return rest;
  const one = fc.oneof(...data.map(([key, field]) => anyOfField(field, depth).map((value) => ({ [key]: value }))));
  return fc.tuple(one, rest).map(([member, more]) => ({ ...more, ...member }));
}

/** At most three fields, so that what one forbids the others seldom trip over. */
function someOf(fields: readonly (readonly [string, Field])[], depth: number): fc.Arbitrary<object> {
  return fc
    .subarray([...fields], { maxLength: Math.min(3, fields.length) })
    .chain((chosen) => fc.record(Object.fromEntries(chosen.map(([key, field]) => [key, anyOfField(field, depth)]))));
}

test('any request is refused or answered', () => {
  const property = fc.property(
    anyMessage('GenerateContentRequest', 0),
    fc.constantFrom(...listedModels),
    fc.boolean(),
    (body, { id, model }, isStream) => {
      const parsed = parseRequest(JSON.stringify(body), 'GenerateContentRequest');
      if ('reply' in parsed) return assert.ok(JSON.parse(parsed.reply.body).error.message);
      const { request } = parsed;
      const tokens = tokensOfRequest(request);
      const refusal = checkGenerate(request, { model, id, isStream }, tokens);
      if (refusal !== null) return assert.ok(JSON.parse(refusal.body).error.message);
      for (const event of generatedTexts({ request, tokens, model, scenario: null, isStream }, 'r').events)
        assert.ok(JSON.parse(event).candidates.length > 0);
    },
  );
  fc.assert(property, { numRuns: 1_500 });
});

test('a simple request with any configuration is refused or answered', () => {
  let taken = 0;
  const property = fc.property(
    anyMessage('GenerationConfig', 1),
    fc.oneof(fc.constant({ type: 'object' }), freeJson),
    fc.constantFrom(...listedModels),
    (generationConfig, parametersJsonSchema, { id, model }) => {
      const contents = [{ parts: [{ text: 'f' }] }];
      const tools = [{ functionDeclarations: [{ name: 'f', parametersJsonSchema }] }];
      const parsed = parseRequest(JSON.stringify({ contents, generationConfig, tools }), 'GenerateContentRequest');
      if ('reply' in parsed) return;
      const { request } = parsed;
      if (checkGenerate(request, { model, id, isStream: true }, 1) !== null) return;
      taken++;
      for (const event of generatedTexts({ request, tokens: 1, model, scenario: null, isStream: true }, 'r').events)
        assert.ok(JSON.parse(event).candidates.length > 0);
    },
  );
  fc.assert(property, { numRuns: 1_500 });
  assert.ok(taken > 100, `${taken} were taken`);
});
