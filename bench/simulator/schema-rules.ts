/** The proto `Schema` beyond its fields: every node has a type, and keywords stand only where that type has them. */
import type { Schema } from './gemini-request.ts';

const stringFormats = new Set(['enum', 'date-time']);
const numberFormats: Readonly<Record<string, readonly string[]>> = {
  NUMBER: ['float', 'double'],
  INTEGER: ['int32', 'int64'],
};

/** The first thing wrong, with its place; null when there is none. Old models want an OBJECT to have properties. */
export function schemaProblem(schema: Schema, at: string, isOldModel: boolean): string | null {
  const { type, anyOf = [], items, properties = {}, required = [] } = schema;
  for (const [index, choice] of anyOf.entries()) {
    const problem = schemaProblem(choice, `${at}.any_of[${index}]`, isOldModel);
    if (problem !== null) return problem;
  }
  if (type === undefined && anyOf.length === 0) return `${at}.type: must be specified`;
  const own = typeProblem(schema, at, isOldModel);
  if (own !== null) return own;
  const missing = required.findIndex((name) => !Object.hasOwn(properties, name));
  if (missing >= 0) return `${at}.required[${missing}]: property is not defined`;
  for (const [name, property] of Object.entries(properties)) {
    const problem = schemaProblem(property, `${at}.properties[${name}]`, isOldModel);
    if (problem !== null) return problem;
  }
  return items === undefined ? null : schemaProblem(items, `${at}.items`, isOldModel);
}

function typeProblem(schema: Schema, at: string, isOldModel: boolean): string | null {
  const { type = '', enum: choices, items, properties = {}, format } = schema;
  if (choices !== undefined && choices.length > 0 && type !== 'STRING')
    return `${at}.enum: only allowed for STRING type`;
  const empty = choices?.indexOf('') ?? -1;
  if (empty >= 0) return `${at}.enum[${empty}]: cannot be empty`;
  if (type === 'ARRAY' && items === undefined) return `${at}.items: missing field.`;
  if (type !== 'ARRAY' && items !== undefined) return `${at}.items: field predicate failed: $type == Type.ARRAY`;
  if (type !== 'OBJECT' && Object.keys(properties).length > 0) return `${at}.properties: only allowed for OBJECT type`;
  if (type === 'OBJECT' && isOldModel && Object.keys(properties).length === 0)
    return `${at}.properties: should be non-empty for OBJECT type`;
  return format === undefined ? null : formatProblem(type, format, at);
}

function formatProblem(type: string, format: string, at: string): string | null {
  if (type === 'STRING' && !stringFormats.has(format))
    return `${at}.format: only 'enum' and 'date-time' are supported for STRING type`;
  const known = numberFormats[type];
  return known !== undefined && !known.includes(format)
    ? `${at}.format: only ${known.map((name) => `'${name}'`).join(' and ')} are supported for ${type} type`
    : null;
}
