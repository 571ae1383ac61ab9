/**
 * Readers of single fields of a parsed request. They give `undefined` for what is absent or null, and throw in OpenAI's
 * words for what has the wrong type or value. Paths are made only when something is thrown.
 */
import { GatewayError } from '../../shared/errors.ts';
import { isRecord, type JsonRecord } from '../../shared/gemini-wire.ts';

/** What a value is, as OpenAI says it. */
function nameType(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  switch (typeof value) {
    case 'object':
      return 'an object';
    case 'number':
      return Number.isInteger(value) ? 'an integer' : 'a decimal';
    case 'undefined':
      return 'nothing';
    default:
      return `a ${typeof value}`;
  }
}

export function wrongType(param: string, expected: string, value: unknown): GatewayError {
  return new GatewayError('invalid_type', {
    message: `Invalid type for '${param}': expected ${expected}, but got ${nameType(value)} instead.`,
    param,
  });
}

export function missing(param: string): GatewayError {
  return new GatewayError('missing_required_parameter', { message: `Missing required parameter: '${param}'.`, param });
}

export function wrongValue(param: string, why: string): GatewayError {
  return new GatewayError('invalid_value', { message: `Invalid '${param}': ${why}`, param });
}

export function unsupportedValue(param: string, why: string): GatewayError {
  return new GatewayError('unsupported_value', { message: `Unsupported value: '${param}': ${why}`, param });
}

export function unsupported(param: string, why: string): GatewayError {
  return new GatewayError('unsupported_parameter', { message: `Unsupported parameter: '${param}': ${why}`, param });
}

/** A value outside a closed list. What is echoed looks like a name, so no prompt can be in it. */
export function notOneOf(param: string, value: unknown, allowed: readonly string[]): GatewayError {
  if (typeof value !== 'string') return wrongType(param, `one of ${quoteList(allowed, 'or')}`, value);
  const shown = /^[\w.:-]{1,40}$/.test(value) ? `Invalid value: '${value}'.` : `Invalid value for '${param}'.`;
  return new GatewayError('invalid_value', {
    message: `${shown} Supported values are: ${quoteList(allowed, 'and')}.`,
    param,
  });
}

function quoteList(names: readonly string[], last: string): string {
  const quoted = names.map((name) => `'${name}'`);
  return quoted.length < 2 ? quoted.join('') : `${quoted.slice(0, -1).join(', ')}, ${last} ${quoted.at(-1)}`;
}

export function readBoolean(source: JsonRecord, name: string, param = name): boolean | undefined {
  const value = source[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'boolean') throw wrongType(param, 'a boolean', value);
  return value;
}

export function readString(source: JsonRecord, name: string, param = name): string | undefined {
  const value = source[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw wrongType(param, 'a string', value);
  return value;
}

export function readNumber(source: JsonRecord, name: string, min: number, max: number): number | undefined {
  const value = source[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number') throw wrongType(name, 'a decimal', value);
  checkRange(name, 'decimal', value, min, max);
  return value;
}

export function readInteger(
  source: JsonRecord,
  name: string,
  min: number,
  max: number,
  param = name,
): number | undefined {
  const value = source[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType(param, 'an integer', value);
  checkRange(param, 'integer', value, min, max);
  return value;
}

function checkRange(param: string, kind: string, value: number, min: number, max: number): void {
  if (value < min)
    throw wrongValue(param, `${kind} below minimum value. Expected a value >= ${min}, but got ${value} instead.`);
  if (value > max)
    throw wrongValue(param, `${kind} above maximum value. Expected a value <= ${max}, but got ${value} instead.`);
}

export function readRecord(source: JsonRecord, name: string, param = name): JsonRecord | undefined {
  const value = source[name];
  if (value === undefined || value === null) return undefined;
  if (!isRecord(value)) throw wrongType(param, 'an object', value);
  return value;
}

export function readList(source: JsonRecord, name: string, param = name): readonly unknown[] | undefined {
  const value = source[name];
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw wrongType(param, 'an array', value);
  return value;
}
