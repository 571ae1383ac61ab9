/** A small instance of a schema, of either of Gemini's schema channels: required properties only, first choices. */
import { isRecord } from './gemini-request.ts';

const depthMax = 40;
const itemsMax = 1_000;
const lengthMax = 10_000;
/** A schema that branches at every level would have an instance without end. */
const nodesMax = 20_000;

/** The schema that `$ref`s point into, and how many values may still be made. */
interface Making {
  root: unknown;
  nodesLeft: number;
}

export function instanceOf(schema: unknown): unknown {
  return make(schema, { root: schema, nodesLeft: nodesMax }, 0);
}

function make(schema: unknown, making: Making, depth: number): unknown {
  if (!isRecord(schema) || depth > depthMax || making.nodesLeft-- <= 0) return {};
  const { $ref, enum: choices, anyOf, oneOf } = schema;
  if (typeof $ref === 'string') return make(resolveRef($ref, making.root), making, depth + 1);
  if (Array.isArray(choices)) return choices[0];
  const alternatives = Array.isArray(anyOf) ? anyOf : Array.isArray(oneOf) ? oneOf : null;
  if (alternatives !== null) return make(easiest(alternatives), making, depth + 1);
  return ofType(typeOf(schema), schema, making, depth);
}

/** The schema that a local `$ref` points at; undefined when there is none. */
export function resolveRef(ref: string, root: unknown): unknown {
  if (!ref.startsWith('#')) return undefined;
  let found: unknown = root;
  for (const step of ref
    .slice(1)
    .split('/')
    .filter((part) => part !== '')) {
    const name = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
    if (Array.isArray(found)) found = found[Number(name)];
    else if (isRecord(found) && Object.hasOwn(found, name)) found = found[name];
    else return undefined;
  }
  return found;
}

/** An alternative that cannot recurse, if there is one. */
function easiest(alternatives: readonly unknown[]): unknown {
  return alternatives.find((choice) => isRecord(choice) && choice['$ref'] === undefined) ?? alternatives[0];
}

function typeOf(schema: Record<string, unknown>): string {
  const { type } = schema;
  const named: unknown = Array.isArray(type) ? type[0] : type;
  if (typeof named === 'string') return named.toLowerCase();
  if (isRecord(schema['properties'])) return 'object';
  return schema['items'] !== undefined || schema['prefixItems'] !== undefined ? 'array' : 'string';
}

function ofType(type: string, schema: Record<string, unknown>, making: Making, depth: number): unknown {
  switch (type) {
    case 'object':
      return objectOf(schema, making, depth);
    case 'array':
      return arrayOf(schema, making, depth);
    case 'integer':
    case 'number':
      return numberOf(schema, type === 'integer');
    case 'boolean':
      return true;
    case 'null':
      return null;
    default:
      return stringOf(schema);
  }
}

function objectOf(schema: Record<string, unknown>, making: Making, depth: number): unknown {
  const { properties, required } = schema;
  if (!isRecord(properties)) return {};
  const isRequired = new Set(Array.isArray(required) ? required : []);
  const names = Object.keys(properties).filter((name) => isRequired.size === 0 || isRequired.has(name));
  // Without required ones, the first level is filled anyway: an empty object would show nothing.
  const chosen = isRequired.size === 0 && depth > 0 ? [] : names;
  return Object.fromEntries(chosen.map((name) => [name, make(properties[name], making, depth + 1)]));
}

function arrayOf(schema: Record<string, unknown>, making: Making, depth: number): unknown[] {
  const { prefixItems, items, minItems, maxItems } = schema;
  if (Array.isArray(prefixItems)) return prefixItems.map((item) => make(item, making, depth + 1));
  const wanted = Math.min(
    Math.max(Number(minItems ?? (depth === 0 ? 1 : 0)), 0),
    Number(maxItems ?? itemsMax),
    itemsMax,
  );
  return Array.from({ length: wanted }, () => make(items, making, depth + 1));
}

function numberOf({ minimum, maximum }: Record<string, unknown>, isInteger: boolean): number {
  const least = typeof minimum === 'number' ? minimum : Number.NEGATIVE_INFINITY;
  const most = typeof maximum === 'number' ? maximum : Number.POSITIVE_INFINITY;
  const number = Math.min(Math.max(1, least), most);
  return isInteger ? Math.ceil(number) : number;
}

function stringOf({ format, minLength, maxLength }: Record<string, unknown>): string {
  if (format === 'date-time') return '2026-11-24T12:00:00Z';
  if (format === 'date') return '2026-11-24';
  if (format === 'time') return '12:00:00Z';
  const text = 'simulated';
  return text
    .padEnd(Math.min(Number(minLength ?? 0), lengthMax), '.')
    .slice(0, Number(maxLength ?? Number.POSITIVE_INFINITY));
}
