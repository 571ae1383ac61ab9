/**
 * JSON Schema as Gemini takes it, in one of its two dialects. What can't be said in a dialect moves into the
 * description, where the model reads it. Names of properties are never taken for keywords, and the walk ends for every
 * schema: references are followed once (json) or to a depth (openapi), and the nodes are counted.
 */
import { isRecord, type JsonRecord } from '../../shared/gemini-wire.ts';
import type { GeminiSchema, SchemaDialect } from './gemini-schema.ts';
import { SchemaRoot } from './schema-merge.ts';
import { SchemaNotes } from './schema-notes.ts';
import { addBounds, addEnum, addFormat, readTypes, type SchemaTypes } from './schema-values.ts';

/** Deeper places become anything. */
const depthMax = 64;
/** How often the openapi dialect, which has no references, repeats a schema within itself. */
const recursionMax = 2;

/** Translates a schema. `isLossy` when something of it is left only in words. Throws at `param` when it is too large. */
export function toGeminiSchema(
  source: unknown,
  dialect: SchemaDialect,
  param: string,
): { schema: GeminiSchema; isLossy: boolean } {
  const translator = new SchemaTranslator(source, dialect, param);
  const schema = translator.translate(source);
  return { schema, isLossy: translator.isLossy };
}

/** Whether parameters say that there are none: Gemini wants them left out then. */
export function isEmptyParameters(schema: JsonRecord): boolean {
  const { type, properties, additionalProperties } = schema;
  if (type !== undefined && type !== 'object') return false;
  if (isRecord(properties) ? Object.keys(properties).length > 0 : properties !== undefined) return false;
  if (additionalProperties !== undefined && additionalProperties !== false) return false;
  for (const name in schema) if (!emptyKeywords.has(name)) return false;
  return true;
}

const emptyKeywords: ReadonlySet<string> = new Set([
  'type',
  'properties',
  'additionalProperties',
  'required',
  'title',
  'description',
  '$schema',
]);

/** Keywords beside a reference that say nothing about values. */
const annotations: ReadonlySet<string> = new Set([
  '$ref',
  'default',
  'examples',
  'example',
  'title',
  '$comment',
  '$id',
]);

class SchemaTranslator {
  readonly #root: SchemaRoot;
  readonly #dialect: SchemaDialect;
  /** The json dialect's definitions: by pointer the name, and those that are still to be translated. */
  readonly #definitionNames = new Map<string, string>();
  readonly #definitions: Record<string, GeminiSchema> = Object.create(null);
  readonly #waiting: [name: string, target: unknown][] = [];
  /** The openapi dialect's references that lead to the place at hand. */
  readonly #path: string[] = [];
  /** Within a copy of a definition references stay references, so that copies don't hold copies. */
  #isCopying = false;
  isLossy = false;

  constructor(source: unknown, dialect: SchemaDialect, param: string) {
    this.#root = new SchemaRoot(source, param);
    this.#dialect = dialect;
  }

  translate(source: unknown): GeminiSchema {
    // A root that is a reference is replaced by what it refers to.
    const root = isRecord(source) && source['$ref'] !== undefined ? this.#root.merge(source) : source;
    const schema = this.#node(root, 0);
    for (let next = this.#waiting.pop(); next !== undefined; next = this.#waiting.pop())
      this.#definitions[next[0]] = this.#node(next[1], 0);
    if (this.#definitionNames.size > 0) schema.$defs = this.#definitions;
    return schema;
  }

  #node(source: unknown, depth: number): GeminiSchema {
    this.#root.spend(1);
    if (!isRecord(source) || depth > depthMax) {
      if (source !== true) this.isLossy = true;
      return this.#anything(source === false ? 'nothing is allowed here' : 'any JSON');
    }
    const pointer = referenceOf(source);
    if (pointer !== undefined) return this.#reference(source, pointer, depth);
    return this.#build(Array.isArray(source['allOf']) ? this.#root.merge(source) : source, depth);
  }

  #reference(source: JsonRecord, pointer: string, depth: number): GeminiSchema {
    const target = this.#root.resolve(pointer);
    if (target === undefined) {
      this.isLossy = true;
      return this.#anything('any JSON');
    }
    if (this.#dialect === 'openapi') return this.#inline(source, pointer, depth);
    let hasMore = false;
    for (const name in source) if (!annotations.has(name) && name !== 'allOf') hasMore = true;
    if (!hasMore || this.#isCopying) return { $ref: `#/$defs/${this.#define(pointer, target)}` };
    // Gemini takes nothing beside a reference, so what stands there goes into a copy of what is referred to.
    this.#isCopying = true;
    const schema = this.#build(this.#root.merge(source), depth);
    this.#isCopying = false;
    return schema;
  }

  #inline(source: JsonRecord, pointer: string, depth: number): GeminiSchema {
    const repeats = this.#path.filter((passed) => passed === pointer).length;
    if (repeats >= recursionMax) {
      this.isLossy = true;
      return { type: 'STRING', description: `(JSON as text, the same again: ${pointer.split('/').at(-1)})` };
    }
    this.#path.push(pointer);
    const schema = this.#build(this.#root.merge(source), depth);
    this.#path.pop();
    return schema;
  }

  /** The name of a definition, which is translated later. */
  #define(pointer: string, target: unknown): string {
    const known = this.#definitionNames.get(pointer);
    if (known !== undefined) return known;
    const wanted = (pointer.split('/').at(-1) ?? '').replace(/[^A-Za-z0-9_.-]/g, '_').slice(0, 60);
    let name = wanted === '' ? 'schema' : wanted;
    for (let n = this.#definitionNames.size; name in this.#definitions; n++) name = `${wanted}_${n}`;
    this.#definitionNames.set(pointer, name);
    this.#definitions[name] = {};
    this.#waiting.push([name, target]);
    return name;
  }

  #anything(note: string): GeminiSchema {
    return this.#dialect === 'json' ? {} : { type: 'STRING', description: `(${note})` };
  }

  #build(schema: JsonRecord, depth: number): GeminiSchema {
    const out: GeminiSchema = {};
    const notes = new SchemaNotes();
    const types = readTypes(schema);
    const alternatives = alternativesOf(schema);
    if (this.#dialect === 'openapi' && alternatives !== undefined && types.names.length === 0) {
      const single = this.#nullableOne(schema, alternatives, types, depth);
      if (single !== undefined) return single;
    }
    if (alternatives !== undefined) out.anyOf = alternatives.map((member) => this.#node(member, depth + 1));
    if (this.#dialect === 'json') addJsonType(out, types);
    else this.#addOpenapiType(schema, out, types, depth, notes);
    if (out.type !== undefined || out.anyOf === undefined || this.#dialect === 'json')
      this.#addValues(schema, out, types, depth, notes);
    // The openapi dialect has no objects without known properties.
    if (out.type === 'OBJECT' && out.properties === undefined) {
      out.type = 'STRING';
      notes.say('a JSON object, as text');
    }
    notes.addWordsOnly(schema);
    if (!notes.isEmpty) this.isLossy = true;
    if (typeof schema['title'] === 'string') out.title = schema['title'];
    const description = notes.describe(schema['description']);
    if (description !== undefined) out.description = description;
    return out;
  }

  #addValues(schema: JsonRecord, out: GeminiSchema, types: SchemaTypes, depth: number, notes: SchemaNotes): void {
    if (Array.isArray(schema['enum'])) this.#root.spend(schema['enum'].length >> 3);
    addEnum(schema, out, types, this.#dialect, notes);
    addFormat(schema, out, this.#dialect, notes);
    addBounds(schema, out, types, this.#dialect, notes);
    const isObject = types.names.length === 0 || types.names.includes('object');
    if (isObject && isRecord(schema['properties'])) this.#addProperties(schema, schema['properties'], out, depth);
    if (isObject) this.#addAdditional(schema['additionalProperties'], out, depth, notes);
    if (types.names.length === 0 || types.names.includes('array')) this.#addItems(schema, out, types, depth);
  }

  #addProperties(schema: JsonRecord, source: JsonRecord, out: GeminiSchema, depth: number): void {
    const properties: Record<string, GeminiSchema> = Object.create(null);
    const names = Object.keys(source);
    for (const name of names) properties[name] = this.#node(source[name], depth + 1);
    if (names.length > 0 || this.#dialect === 'json') out.properties = properties;
    const { required, propertyOrdering } = schema;
    const isProperty = (name: unknown): name is string => typeof name === 'string' && name in properties;
    if (Array.isArray(required)) {
      const known = required.filter(isProperty);
      if (known.length > 0) out.required = known;
    }
    if (Array.isArray(propertyOrdering)) out.propertyOrdering = propertyOrdering.filter(isProperty);
    else if (this.#dialect === 'openapi' && names.length > 0) out.propertyOrdering = names;
  }

  #addAdditional(additional: unknown, out: GeminiSchema, depth: number, notes: SchemaNotes): void {
    if (additional === undefined) return;
    if (this.#dialect === 'json') {
      out.additionalProperties = typeof additional === 'boolean' ? additional : this.#node(additional, depth + 1);
    } else if (isRecord(additional) && Object.keys(additional).length > 0) notes.add('values', additional);
  }

  #addItems(schema: JsonRecord, out: GeminiSchema, types: SchemaTypes, depth: number): void {
    const { items } = schema;
    const tuple = Array.isArray(items) ? items : schema['prefixItems'];
    if (Array.isArray(tuple)) {
      const members = tuple.map((member: unknown) => this.#node(member, depth + 1));
      if (this.#dialect === 'json') {
        out.prefixItems = members;
        if (isRecord(items)) out.items = this.#node(items, depth + 1);
      } else {
        out.items = members.length === 1 && members[0] !== undefined ? members[0] : { anyOf: members };
        out.minItems ??= members.length;
        out.maxItems ??= members.length;
        this.isLossy = true;
      }
    } else if (items !== undefined && items !== false) out.items = this.#node(items, depth + 1);
    else if (this.#dialect === 'openapi' && types.names.includes('array')) out.items = this.#anything('any JSON');
  }

  /** `T or null`, which OpenAPI says as a nullable T. */
  #nullableOne(
    schema: JsonRecord,
    alternatives: readonly unknown[],
    { isNullable }: SchemaTypes,
    depth: number,
  ): GeminiSchema | undefined {
    const others = alternatives.filter((member) => !(isRecord(member) && member['type'] === 'null'));
    const nullable = isNullable || others.length < alternatives.length;
    if (others.length === 0 || (!nullable && others.length > 1)) return undefined;
    const out: GeminiSchema =
      others.length === 1
        ? this.#node(others[0], depth + 1)
        : { anyOf: others.map((member) => this.#node(member, depth + 1)) };
    if (nullable) out.nullable = true;
    if (typeof schema['title'] === 'string') out.title = schema['title'];
    if (typeof schema['description'] === 'string' && schema['description'] !== '')
      out.description = schema['description'];
    return out;
  }

  #addOpenapiType(schema: JsonRecord, out: GeminiSchema, types: SchemaTypes, depth: number, notes: SchemaNotes): void {
    const { names, isNullable } = types;
    const [name] = names;
    if (names.length > 1 && out.anyOf === undefined) {
      out.anyOf = names.map((each) => {
        const variant: Record<string, unknown> = Object.create(null);
        for (const keyword in schema)
          if (keyword !== 'description' && keyword !== 'title' && keyword !== 'nullable')
            variant[keyword] = schema[keyword];
        variant['type'] = each;
        return this.#build(variant, depth + 1);
      });
    } else if (name !== undefined) out.type = name.toUpperCase();
    else if (out.anyOf === undefined) {
      out.type = isNullable ? 'NULL' : 'STRING';
      if (!isNullable) notes.say('any JSON');
      return;
    }
    if (isNullable) out.nullable = true;
  }
}

/** The pointer of a node that is a reference, or a reference wrapped in an `allOf` to stand beside a description. */
function referenceOf(source: JsonRecord): string | undefined {
  if (typeof source['$ref'] === 'string') return source['$ref'];
  const { allOf } = source;
  if (!Array.isArray(allOf) || allOf.length !== 1) return undefined;
  const [only]: unknown[] = allOf;
  return isRecord(only) && typeof only['$ref'] === 'string' && Object.keys(only).length === 1
    ? only['$ref']
    : undefined;
}

function alternativesOf(schema: JsonRecord): readonly unknown[] | undefined {
  const { anyOf, oneOf } = schema;
  const alternatives: unknown = Array.isArray(anyOf) ? anyOf : oneOf;
  return Array.isArray(alternatives) && alternatives.length > 0 ? alternatives : undefined;
}

function addJsonType(out: GeminiSchema, { names, isNullable }: SchemaTypes): void {
  const [name] = names;
  if (name === undefined) {
    if (!isNullable) return;
    if (out.anyOf === undefined) out.type = 'null';
    else if (!out.anyOf.some(({ type }) => type === 'null')) out.anyOf.push({ type: 'null' });
  } else if (isNullable) out.type = [...names, 'null'];
  else out.type = names.length === 1 ? name : names;
}
