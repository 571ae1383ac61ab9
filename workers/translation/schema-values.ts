/** What a schema says of single values: their types, lists of them, bounds and formats. */
import { isRecord, type JsonRecord } from '../../shared/gemini-wire.ts';
import type { GeminiSchema, SchemaDialect } from './gemini-schema.ts';
import type { SchemaNotes } from './schema-notes.ts';

export interface SchemaTypes {
  /** Without `null`; empty when nothing is said, or only null is allowed. */
  names: string[];
  isNullable: boolean;
}

const typeNames: ReadonlySet<string> = new Set(['string', 'number', 'integer', 'boolean', 'array', 'object']);

/** The types that a schema says, or else the ones that its other keywords imply. */
export function readTypes(schema: JsonRecord): SchemaTypes {
  const { type } = schema;
  const given: unknown[] = Array.isArray(type) ? type : [type];
  const names: string[] = [];
  let isNullable = schema['nullable'] === true;
  for (const entry of given) {
    const name = typeof entry === 'string' ? entry.toLowerCase() : '';
    if (name === 'null') isNullable = true;
    else if (typeNames.has(name) && !names.includes(name)) names.push(name);
  }
  const values = valuesOf(schema);
  if (values?.includes(null)) isNullable = true;
  if (names.length === 0 && !(isNullable && type !== undefined)) names.push(...implied(schema, values));
  return { names, isNullable };
}

/** The values that are allowed, by `enum` or by `const`. */
function valuesOf(schema: JsonRecord): readonly unknown[] | undefined {
  if (Array.isArray(schema['enum'])) return schema['enum'];
  return schema['const'] === undefined ? undefined : [schema['const']];
}

function implied(schema: JsonRecord, values: readonly unknown[] | undefined): string[] {
  if (values !== undefined) {
    const names = new Set(values.map(typeOfValue));
    names.delete('null');
    if (names.has('number')) names.delete('integer');
    return names.size === 1 ? [...names] : [];
  }
  if (isRecord(schema['properties']) || isRecord(schema['additionalProperties'])) return ['object'];
  return schema['items'] === undefined && schema['prefixItems'] === undefined ? [] : ['array'];
}

function typeOfValue(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

/** Adds the list of allowed values as far as the dialect has one: OpenAPI's is of strings only. */
export function addEnum(
  schema: JsonRecord,
  out: GeminiSchema,
  types: SchemaTypes,
  dialect: SchemaDialect,
  notes: SchemaNotes,
): void {
  const values = valuesOf(schema);
  if (values === undefined) return;
  const isJson = dialect === 'json';
  const takesEnum = isJson || (types.names.length === 1 && types.names[0] === 'string');
  const allowed: (string | number)[] = [];
  let isWhole = true;
  for (const value of values) {
    if (takesEnum && typeof value === 'string' && (isJson || value !== '')) allowed.push(value);
    else if (takesEnum && typeof value === 'number') allowed.push(isJson ? value : String(value));
    else if (value !== null) isWhole = false;
  }
  if (allowed.length > 0) out.enum = allowed;
  if (!isWhole) notes.add(schema['enum'] === undefined ? 'const' : 'enum', schema['enum'] ?? schema['const']);
}

type Bound = 'minItems' | 'maxItems' | 'minimum' | 'maximum';
type TextBound = 'minLength' | 'maxLength' | 'minProperties' | 'maxProperties';
const bounds: readonly Bound[] = ['minItems', 'maxItems', 'minimum', 'maximum'];
/** In JSON Schema Gemini doesn't document these. */
const openapiBounds: readonly TextBound[] = ['minLength', 'maxLength', 'minProperties', 'maxProperties'];

/** Adds bounds; exclusive ones become inclusive where that says the same. */
export function addBounds(
  schema: JsonRecord,
  out: GeminiSchema,
  types: SchemaTypes,
  dialect: SchemaDialect,
  notes: SchemaNotes,
): void {
  for (const name of bounds) {
    const value = schema[name];
    if (typeof value === 'number') out[name] = value;
  }
  for (const name of openapiBounds) {
    const value = schema[name];
    if (typeof value !== 'number') continue;
    if (dialect === 'openapi') out[name] = value;
    else notes.add(name, value);
  }
  const isInteger = types.names.length === 1 && types.names[0] === 'integer';
  addExclusive(schema, out, 'minimum', 'exclusiveMinimum', isInteger ? 1 : 0, notes);
  addExclusive(schema, out, 'maximum', 'exclusiveMaximum', isInteger ? -1 : 0, notes);
}

/** `step` is what lies between a bound and the next value inside it; 0 where there is no next value. */
function addExclusive(
  schema: JsonRecord,
  out: GeminiSchema,
  name: 'minimum' | 'maximum',
  exclusiveName: 'exclusiveMinimum' | 'exclusiveMaximum',
  step: -1 | 0 | 1,
  notes: SchemaNotes,
): void {
  // In an older draft the exclusive bound is a flag beside the bound.
  const exclusive = schema[exclusiveName] === true ? schema[name] : schema[exclusiveName];
  if (typeof exclusive !== 'number') return;
  const inclusive = step === 0 ? exclusive : Math.trunc(exclusive) + step;
  const known = schema[exclusiveName] === true ? undefined : out[name];
  const pick = name === 'minimum' ? Math.max : Math.min;
  out[name] = known === undefined ? inclusive : pick(known, inclusive);
  if (step === 0) notes.add(exclusiveName, exclusive);
}

const jsonFormats: ReadonlySet<string> = new Set(['int32', 'int64', 'float', 'double', 'date-time', 'date', 'time']);
const openapiFormats: ReadonlySet<string> = new Set(['int32', 'int64', 'float', 'double', 'date-time', 'enum']);

export function addFormat(schema: JsonRecord, out: GeminiSchema, dialect: SchemaDialect, notes: SchemaNotes): void {
  const { format, pattern } = schema;
  if (typeof format === 'string') {
    if ((dialect === 'json' ? jsonFormats : openapiFormats).has(format)) out.format = format;
    else notes.add('format', format);
  }
  if (typeof pattern !== 'string') return;
  if (dialect === 'openapi') out.pattern = pattern;
  else notes.add('pattern', pattern);
}
