/** JSON Schema in the two dialects of Gemini: gemini-wire.md §6 and golden pair E of its §11. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { GatewayError } from '../../shared/errors.ts';
import { toGeminiSchema } from './tool-schema.ts';

type Dialect = 'json' | 'openapi';

function translate(schema: unknown, dialect: Dialect = 'json'): unknown {
  const text = JSON.stringify(toGeminiSchema(schema, dialect, 'p').schema);
  return JSON.parse(text);
}

test('§11 E: one schema in both dialects', () => {
  const schema = {
    type: 'object',
    properties: { k: { const: 'x' }, v: { type: ['string', 'null'] }, n: { type: 'integer', exclusiveMinimum: 0 } },
    required: ['k'],
    additionalProperties: false,
    $schema: '…',
  };
  assert.deepEqual(translate(schema), {
    type: 'object',
    properties: {
      k: { type: 'string', enum: ['x'] },
      v: { type: ['string', 'null'] },
      n: { type: 'integer', minimum: 1 },
    },
    required: ['k'],
    additionalProperties: false,
  });
  assert.deepEqual(translate(schema, 'openapi'), {
    type: 'OBJECT',
    properties: {
      k: { type: 'STRING', enum: ['x'] },
      v: { type: 'STRING', nullable: true },
      n: { type: 'INTEGER', minimum: 1 },
    },
    required: ['k'],
    propertyOrdering: ['k', 'v', 'n'],
  });
});

interface Case {
  what: string;
  schema: unknown;
  json: unknown;
  openapi: unknown;
}

const text = { type: 'string' };
const cases: Case[] = [
  {
    what: 'oneOf is anyOf',
    schema: { oneOf: [text, { type: 'number' }] },
    json: { anyOf: [text, { type: 'number' }] },
    openapi: { anyOf: [{ type: 'STRING' }, { type: 'NUMBER' }] },
  },
  {
    what: 'anyOf with null',
    schema: { anyOf: [text, { type: 'null' }], description: 'D' },
    json: { anyOf: [text, { type: 'null' }], description: 'D' },
    openapi: { type: 'STRING', nullable: true, description: 'D' },
  },
  {
    what: 'nullable',
    schema: { type: 'string', nullable: true },
    json: { type: ['string', 'null'] },
    openapi: { type: 'STRING', nullable: true },
  },
  {
    what: 'two types',
    schema: { type: ['string', 'integer'], description: 'D' },
    json: { type: ['string', 'integer'], description: 'D' },
    openapi: { anyOf: [{ type: 'STRING' }, { type: 'INTEGER' }], description: 'D' },
  },
  { what: 'a type in capitals', schema: { type: 'STRING' }, json: text, openapi: { type: 'STRING' } },
  { what: 'only null', schema: { type: 'null' }, json: { type: 'null' }, openapi: { type: 'NULL' } },
  { what: 'const null', schema: { const: null }, json: { type: 'null' }, openapi: { type: 'NULL' } },
  {
    what: 'const of a boolean',
    schema: { const: true },
    json: { type: 'boolean', description: '(const: true)' },
    openapi: { type: 'BOOLEAN', description: '(const: true)' },
  },
  {
    what: 'const of a number',
    schema: { const: 7 },
    json: { type: 'integer', enum: [7] },
    openapi: { type: 'INTEGER', description: '(const: 7)' },
  },
  {
    what: 'enum of numbers',
    schema: { type: 'integer', enum: [1, 2] },
    json: { type: 'integer', enum: [1, 2] },
    openapi: { type: 'INTEGER', description: '(enum: [1,2])' },
  },
  {
    what: 'enum of texts and null',
    schema: { enum: ['a', 'b', null] },
    json: { type: ['string', 'null'], enum: ['a', 'b'] },
    openapi: { type: 'STRING', nullable: true, enum: ['a', 'b'] },
  },
  {
    what: 'enum with an empty text',
    schema: { type: 'string', enum: ['', 'a'] },
    json: { type: 'string', enum: ['', 'a'] },
    openapi: { type: 'STRING', enum: ['a'], description: '(enum: ["","a"])' },
  },
  {
    what: 'exclusive bounds of integers',
    schema: { type: 'integer', exclusiveMinimum: 0, exclusiveMaximum: 9 },
    json: { type: 'integer', minimum: 1, maximum: 8 },
    openapi: { type: 'INTEGER', minimum: 1, maximum: 8 },
  },
  {
    what: 'exclusive bounds of numbers',
    schema: { type: 'number', exclusiveMinimum: 0 },
    json: { type: 'number', minimum: 0, description: '(exclusiveMinimum: 0)' },
    openapi: { type: 'NUMBER', minimum: 0, description: '(exclusiveMinimum: 0)' },
  },
  {
    what: 'exclusive bounds as flags',
    schema: { type: 'integer', minimum: 3, exclusiveMinimum: true },
    json: { type: 'integer', minimum: 4 },
    openapi: { type: 'INTEGER', minimum: 4 },
  },
  {
    what: 'bounds of texts',
    schema: { type: 'string', minLength: 1, pattern: '^a', description: 'D' },
    json: { type: 'string', description: 'D (pattern: ^a, minLength: 1)' },
    openapi: { type: 'STRING', minLength: 1, pattern: '^a', description: 'D' },
  },
  {
    what: 'formats',
    schema: { type: 'string', format: 'date-time' },
    json: { type: 'string', format: 'date-time' },
    openapi: { type: 'STRING', format: 'date-time' },
  },
  {
    what: 'formats that Gemini refuses',
    schema: { type: 'string', format: 'email' },
    json: { type: 'string', description: '(format: email)' },
    openapi: { type: 'STRING', description: '(format: email)' },
  },
  {
    what: 'what only words can say',
    schema: { type: 'array', items: text, uniqueItems: true, contains: { const: 'a' } },
    json: { type: 'array', items: text, description: '(uniqueItems: true, contains: {"const":"a"})' },
    openapi: { type: 'ARRAY', items: { type: 'STRING' }, description: '(uniqueItems: true, contains: {"const":"a"})' },
  },
  {
    what: 'what says nothing to a model',
    schema: { type: 'string', default: 'x', examples: ['y'], deprecated: true, 'x-foo': 1, $comment: 'z', title: 'T' },
    json: { type: 'string', title: 'T' },
    openapi: { type: 'STRING', title: 'T' },
  },
  {
    what: 'a map',
    schema: { type: 'object', additionalProperties: { type: 'integer' } },
    json: { type: 'object', additionalProperties: { type: 'integer' } },
    openapi: { type: 'STRING', description: '(values: {"type":"integer"}, a JSON object, as text)' },
  },
  {
    what: 'a tuple',
    schema: { type: 'array', prefixItems: [text, { type: 'integer' }] },
    json: { type: 'array', prefixItems: [text, { type: 'integer' }] },
    openapi: { type: 'ARRAY', items: { anyOf: [{ type: 'STRING' }, { type: 'INTEGER' }] }, minItems: 2, maxItems: 2 },
  },
  {
    what: 'a tuple of an older draft',
    schema: { type: 'array', items: [text] },
    json: { type: 'array', prefixItems: [text] },
    openapi: { type: 'ARRAY', items: { type: 'STRING' }, minItems: 1, maxItems: 1 },
  },
  {
    what: 'a list of anything',
    schema: { type: 'array' },
    json: { type: 'array' },
    openapi: { type: 'ARRAY', items: { type: 'STRING', description: '(any JSON)' } },
  },
  { what: 'anything', schema: {}, json: {}, openapi: { type: 'STRING', description: '(any JSON)' } },
  {
    what: 'true',
    schema: { properties: { a: true } },
    json: { type: 'object', properties: { a: {} } },
    openapi: {
      type: 'OBJECT',
      properties: { a: { type: 'STRING', description: '(any JSON)' } },
      propertyOrdering: ['a'],
    },
  },
  {
    what: 'allOf is merged',
    schema: {
      allOf: [
        { type: 'object', properties: { a: text }, required: ['a'] },
        { properties: { b: { type: 'integer', minimum: 1 } }, required: ['b'] },
      ],
      description: 'D',
    },
    json: {
      type: 'object',
      properties: { a: text, b: { type: 'integer', minimum: 1 } },
      required: ['a', 'b'],
      description: 'D',
    },
    openapi: {
      type: 'OBJECT',
      properties: { a: { type: 'STRING' }, b: { type: 'INTEGER', minimum: 1 } },
      required: ['a', 'b'],
      propertyOrdering: ['a', 'b'],
      description: 'D',
    },
  },
  {
    what: 'allOf on one property narrows it',
    schema: {
      allOf: [
        { properties: { a: { type: 'number', minimum: 1, maximum: 9 } } },
        { properties: { a: { type: 'integer', minimum: 3 } } },
      ],
    },
    json: { type: 'object', properties: { a: { type: 'integer', minimum: 3, maximum: 9 } } },
    openapi: {
      type: 'OBJECT',
      properties: { a: { type: 'INTEGER', minimum: 3, maximum: 9 } },
      propertyOrdering: ['a'],
    },
  },
  {
    what: 'required names what is there',
    schema: { type: 'object', properties: { a: text }, required: ['a', 'zz'] },
    json: { type: 'object', properties: { a: text }, required: ['a'] },
    openapi: { type: 'OBJECT', properties: { a: { type: 'STRING' } }, required: ['a'], propertyOrdering: ['a'] },
  },
  {
    what: '§10.25: properties called like keywords',
    schema: {
      type: 'object',
      properties: { type: text, $ref: text, properties: text, enum: { type: 'integer' }, title: text, default: text },
    },
    json: {
      type: 'object',
      properties: { type: text, $ref: text, properties: text, enum: { type: 'integer' }, title: text, default: text },
    },
    openapi: {
      type: 'OBJECT',
      properties: {
        type: { type: 'STRING' },
        $ref: { type: 'STRING' },
        properties: { type: 'STRING' },
        enum: { type: 'INTEGER' },
        title: { type: 'STRING' },
        default: { type: 'STRING' },
      },
      propertyOrdering: ['type', '$ref', 'properties', 'enum', 'title', 'default'],
    },
  },
  {
    what: 'references of an older draft',
    schema: { type: 'object', properties: { a: { $ref: '#/definitions/A' } }, definitions: { A: text, B: text } },
    json: { type: 'object', properties: { a: { $ref: '#/$defs/A' } }, $defs: { A: text } },
    openapi: { type: 'OBJECT', properties: { a: { type: 'STRING' } }, propertyOrdering: ['a'] },
  },
  {
    what: 'a description beside a reference',
    schema: {
      type: 'object',
      properties: { a: { $ref: '#/$defs/A', description: 'mine' } },
      $defs: { A: { type: 'string', description: 'general' } },
    },
    json: { type: 'object', properties: { a: { type: 'string', description: 'mine' } } },
    openapi: { type: 'OBJECT', properties: { a: { type: 'STRING', description: 'mine' } }, propertyOrdering: ['a'] },
  },
  {
    what: 'a description beside a reference in allOf',
    schema: {
      type: 'object',
      properties: { a: { allOf: [{ $ref: '#/$defs/A' }], description: 'mine' } },
      $defs: { A: text },
    },
    json: { type: 'object', properties: { a: { type: 'string', description: 'mine' } } },
    openapi: { type: 'OBJECT', properties: { a: { type: 'STRING', description: 'mine' } }, propertyOrdering: ['a'] },
  },
  {
    what: 'a root that is a reference',
    schema: { $ref: '#/$defs/A', $defs: { A: { type: 'object', properties: { a: text } } } },
    json: { type: 'object', properties: { a: text } },
    openapi: { type: 'OBJECT', properties: { a: { type: 'STRING' } }, propertyOrdering: ['a'] },
  },
  {
    what: '§10.24: a pointer with ~1, and definitions within definitions',
    schema: {
      type: 'object',
      properties: { a: { $ref: '#/$defs/x~1y/$defs/z%20z' } },
      $defs: { 'x/y': { $defs: { 'z z': text } } },
    },
    json: { type: 'object', properties: { a: { $ref: '#/$defs/z_20z' } }, $defs: { z_20z: text } },
    openapi: { type: 'OBJECT', properties: { a: { type: 'STRING' } }, propertyOrdering: ['a'] },
  },
  {
    what: '§10.24: a schema within itself',
    schema: {
      $defs: { N: { type: 'object', properties: { v: text, next: { $ref: '#/$defs/N' } } } },
      type: 'object',
      properties: { root: { $ref: '#/$defs/N' } },
    },
    json: {
      type: 'object',
      properties: { root: { $ref: '#/$defs/N' } },
      $defs: { N: { type: 'object', properties: { v: text, next: { $ref: '#/$defs/N' } } } },
    },
    openapi: {
      type: 'OBJECT',
      properties: {
        root: {
          type: 'OBJECT',
          properties: {
            v: { type: 'STRING' },
            next: {
              type: 'OBJECT',
              properties: {
                v: { type: 'STRING' },
                next: { type: 'STRING', description: '(JSON as text, the same again: N)' },
              },
              propertyOrdering: ['v', 'next'],
            },
          },
          propertyOrdering: ['v', 'next'],
        },
      },
      propertyOrdering: ['root'],
    },
  },
  {
    what: 'a reference to elsewhere',
    schema: { properties: { a: { $ref: 'https://example.com/x.json' }, b: { $ref: '#/$defs/no' } } },
    json: { type: 'object', properties: { a: {}, b: {} } },
    openapi: {
      type: 'OBJECT',
      properties: {
        a: { type: 'STRING', description: '(any JSON)' },
        b: { type: 'STRING', description: '(any JSON)' },
      },
      propertyOrdering: ['a', 'b'],
    },
  },
];

describe('schemas', () => {
  for (const { what, schema, json, openapi } of cases)
    test(what, () => {
      assert.deepEqual(translate(schema), json);
      assert.deepEqual(translate(schema, 'openapi'), openapi);
    });

  test('names of prototypes are names', () => {
    const schema: unknown = JSON.parse(
      '{"type":"object","properties":{"__proto__":{"type":"string"},"constructor":{"type":"string"}},"required":["__proto__"],"$defs":{"__proto__":{"type":"string"}}}',
    );
    for (const dialect of ['json', 'openapi'] as const) {
      const out = JSON.stringify(toGeminiSchema(schema, dialect, 'p').schema);
      assert.ok(out.includes('"__proto__":{"type"') && out.includes('"required":["__proto__"]'), out);
    }
    assert.equal(Reflect.get({}, 'type'), undefined);
  });

  test('what is lost in words is said', () => {
    const isLossy = (schema: unknown): boolean => toGeminiSchema(schema, 'json', 'p').isLossy;
    assert.equal(isLossy({ type: 'string', pattern: 'a' }), true);
    assert.equal(isLossy({ type: 'string', title: 'x', default: 'y' }), false);
  });
});

describe('§10.24: every schema ends', () => {
  const doubling = (levels: number, combine: (ref: object) => object): unknown => {
    const $defs: Record<string, unknown> = {};
    for (let level = 0; level < levels; level++) $defs[`d${level}`] = combine({ $ref: `#/$defs/d${level + 1}` });
    $defs[`d${levels}`] = text;
    return { $ref: '#/$defs/d0', $defs };
  };
  const twice = (ref: object): object => ({ type: 'object', properties: { a: ref, b: { ...ref, description: 'x' } } });
  const bombs: [string, unknown][] = [
    ['references that double at each level', doubling(40, twice)],
    ['allOf that doubles at each level', doubling(40, (ref) => ({ allOf: [ref, ref] }))],
    ['a chain of 10,000 references', doubling(10_000, (ref) => ref)],
    ['a reference to itself', { $ref: '#' }],
    ['references in a circle', { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } }],
    ['allOf of itself', { allOf: [{ $ref: '#' }], properties: { a: { allOf: [{ $ref: '#' }, { $ref: '#' }] } } }],
    [
      '10,000 places with one name',
      {
        type: 'object',
        properties: Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`p${i}`, { $ref: `#/x/${i}/same` }])),
        x: Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [String(i), { same: text }])),
      },
    ],
    ['a long pointer', { properties: { a: { $ref: `#/${'a/'.repeat(100_000)}` } } }],
  ];
  for (const [what, schema] of bombs)
    for (const dialect of ['json', 'openapi'] as const)
      test(`${what}, ${dialect}`, () => {
        const started = performance.now();
        try {
          assert.ok(JSON.stringify(toGeminiSchema(schema, dialect, 'p').schema).length < 5e6);
        } catch (thrown) {
          assert.ok(thrown instanceof GatewayError && thrown.detail.param === 'p', String(thrown));
        }
        assert.ok(performance.now() - started < 1_000);
      });

  test('whatever its keywords', () => {
    const names = fc.constantFrom(
      'type',
      'properties',
      'items',
      'prefixItems',
      'anyOf',
      'oneOf',
      'allOf',
      '$ref',
      '$defs',
      'definitions',
      'enum',
      'const',
      'required',
      'additionalProperties',
      'nullable',
      'minimum',
      'exclusiveMinimum',
      'maxLength',
      'format',
      'not',
      'description',
      '__proto__',
      'a',
      'b',
    );
    const leaves = fc.oneof(
      fc.constantFrom(
        'object',
        'array',
        'string',
        'null',
        '#',
        '#/$defs/a',
        '#/definitions/b',
        '#/properties/a',
        '#/allOf/0',
        '#/a/b',
        '',
      ),
      fc.boolean(),
      fc.integer(),
      fc.constant(null),
    );
    const { schema } = fc.letrec((tie) => ({
      schema: fc.oneof(
        { maxDepth: 8 },
        leaves,
        fc.array(tie('schema'), { maxLength: 3 }),
        fc.dictionary(names, tie('schema'), { maxKeys: 5 }),
      ),
    }));
    fc.assert(
      fc.property(schema, fc.constantFrom<Dialect>('json', 'openapi'), (source, dialect) => {
        try {
          JSON.stringify(toGeminiSchema(source, dialect, 'p').schema);
        } catch (thrown) {
          assert.ok(thrown instanceof GatewayError, String(thrown));
        }
      }),
      { numRuns: 5000 },
    );
  });
});
