/**
 * The JSON Schema channel: only the keywords that Google documents for it. It may ignore others in some places, but it
 * refuses them in some, so they are refused here. Cycles are allowed where an instance can end.
 */
import { isRecord } from './gemini-request.ts';
import { resolveRef } from './schema-instance.ts';

const keywords = new Set([
  '$id',
  '$defs',
  '$ref',
  '$anchor',
  'type',
  'format',
  'title',
  'description',
  'enum',
  'items',
  'prefixItems',
  'minItems',
  'maxItems',
  'minimum',
  'maximum',
  'anyOf',
  'oneOf',
  'properties',
  'additionalProperties',
  'required',
  'propertyOrdering',
]);
const typeNames = new Set(['string', 'number', 'integer', 'boolean', 'array', 'object', 'null']);
const depthMax = 64;

/** The first thing wrong, for the debug detail of a 400 that says nothing; null when there is none. */
export function jsonSchemaProblem(schema: unknown, mustBeObject: boolean): string | null {
  if (!isRecord(schema)) return 'the schema is not an object';
  const { type, $ref, anyOf, oneOf } = schema;
  const isFree = $ref !== undefined || anyOf !== undefined || oneOf !== undefined;
  if (mustBeObject && !isFree && type !== undefined && type !== 'object') return 'the root is not of type object';
  const alternatives = Array.isArray(anyOf) ? anyOf : [];
  if (alternatives.length > 0 && alternatives.every((choice) => isRecord(choice) && choice['$ref'] !== undefined))
    return 'anyOf of $refs at the root';
  return (
    nodeProblem(schema, schema, 0) ??
    (mustRecurse(schema, schema, [], new Set()) ? 'a cycle of required properties' : null)
  );
}

function nodeProblem(schema: unknown, root: unknown, depth: number): string | null {
  if (depth > depthMax) return 'too deep';
  if (!isRecord(schema)) return 'a schema is not an object';
  const unknown = Object.keys(schema).find((keyword) => !keywords.has(keyword));
  if (unknown !== undefined) return `keyword ${unknown}`;
  if (schema['$ref'] !== undefined) return refProblem(schema, root);
  const own = valueProblem(schema);
  if (own !== null) return own;
  for (const part of partsOf(schema)) {
    const problem = nodeProblem(part, root, depth + 1);
    if (problem !== null) return problem;
  }
  return null;
}

function refProblem(schema: Record<string, unknown>, root: unknown): string | null {
  const { $ref } = schema;
  if (Object.keys(schema).some((keyword) => !keyword.startsWith('$'))) return 'keywords beside a $ref';
  if (typeof $ref !== 'string' || resolveRef($ref, root) === undefined) return `$ref ${String($ref)} leads nowhere`;
  for (const part of partsOf(schema)) {
    const problem = nodeProblem(part, root, 1);
    if (problem !== null) return problem;
  }
  return null;
}

function valueProblem({
  type,
  enum: choices,
  required,
  minItems,
  maxItems,
  minimum,
  maximum,
}: Record<string, unknown>): string | null {
  const types = type === undefined ? [] : Array.isArray(type) ? type : [type];
  if (types.some((name) => typeof name !== 'string' || !typeNames.has(name))) return `type ${JSON.stringify(type)}`;
  const isList = Array.isArray(choices);
  if (choices !== undefined && !isList) return 'enum is not a list';
  if (
    isList &&
    (choices.length === 0 || !choices.every((choice) => typeof choice === 'string' || typeof choice === 'number'))
  )
    return 'enum of other than strings and numbers';
  if (required !== undefined && !(Array.isArray(required) && required.every((name) => typeof name === 'string')))
    return 'required is not a list of names';
  const numbers = [minItems, maxItems, minimum, maximum];
  return numbers.every((number) => number === undefined || typeof number === 'number')
    ? null
    : 'a bound is not a number';
}

/** The schemas directly inside of a schema; what stands where a schema should is included, to be found wrong. */
function partsOf({
  $defs,
  properties,
  additionalProperties,
  items,
  prefixItems,
  anyOf,
  oneOf,
}: Record<string, unknown>): unknown[] {
  const named = [$defs, properties].flatMap((group) =>
    group === undefined ? [] : isRecord(group) ? Object.values(group) : [group],
  );
  const listed = [prefixItems, anyOf, oneOf].flatMap((group) =>
    group === undefined ? [] : Array.isArray(group) ? group : [group],
  );
  const extra = typeof additionalProperties === 'boolean' ? undefined : additionalProperties;
  return [...named, ...listed, ...[items, extra].filter((part) => part !== undefined)];
}

/**
 * Whether no instance can ever end: following only what an instance must have leads back to a `$ref` already taken.
 * `ending` gathers the `$ref`s known to end, or a schema that branches at every level would be walked for ever.
 */
function mustRecurse(schema: unknown, root: unknown, taken: readonly string[], ending: Set<string>): boolean {
  if (!isRecord(schema)) return false;
  const { $ref, anyOf, oneOf, properties, required } = schema;
  if (typeof $ref === 'string') {
    if (taken.includes($ref)) return true;
    const recurses = !ending.has($ref) && mustRecurse(resolveRef($ref, root), root, [...taken, $ref], ending);
    if (!recurses) ending.add($ref);
    return recurses;
  }
  const alternatives = Array.isArray(anyOf) ? anyOf : Array.isArray(oneOf) ? oneOf : [];
  if (alternatives.length > 0 && alternatives.every((choice) => mustRecurse(choice, root, taken, ending))) return true;
  if (!isRecord(properties) || !Array.isArray(required)) return false;
  return required.some((name) => typeof name === 'string' && mustRecurse(properties[name], root, taken, ending));
}
