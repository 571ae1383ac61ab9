/** Reading a body of the admin API: bounded, JSON, checked against its schema, and only the fields that the schema names. */
import type { StaticEncode, TObject } from 'typebox';
import { Compile } from 'typebox/compile';
import { GatewayError } from '../shared/errors.ts';
import type { Call } from './call.ts';
import { readJsonBody } from './request-body.ts';

/** Names of fields that are not in a schema come from the client. */
const paramCharsMax = 100;

/**
 * Makes the reader of one kind of body. It throws `session_invalid` and `not_permitted` when the session ended while the
 * body came, `invalid_json`, `missing_required_parameter`, `invalid_type` and
 * `invalid_value`, the latter three with the field as `param`. Fields that the schema does not name are left behind, and
 * so are those that are null where null means nothing: scripts write null for what they leave out.
 */
export function bodyReader<T extends TObject>(schema: T): (call: Call, bytesMax: number) => Promise<StaticEncode<T>> {
  const validator = Compile(schema);
  const fields = Object.entries(schema.properties).map(([name, field]) => ({
    name,
    takesNull: Compile(field).Check(null),
  }));
  return async (call, bytesMax) => {
    // Also closes a door: a web page elsewhere can't send this type without asking first, and is refused then.
    if (call.contentType === '') throw new GatewayError('unsupported_media_type');
    const body = await readJsonBody(call, bytesMax);
    call.actor?.recheck();
    const picked = pick(parseObject(body), fields);
    if (validator.Check(picked)) return picked;
    throw complaint(validator.Errors(picked)[0], schema);
  };
}

function parseObject(body: string | Uint8Array): object {
  const text = typeof body === 'string' ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new GatewayError('invalid_type', { message: 'The request body must be a JSON object.' });
  return value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new GatewayError('invalid_json');
  }
}

function pick(source: object, fields: readonly { name: string; takesNull: boolean }[]): Record<string, unknown> {
  const picked: Record<string, unknown> = {};
  for (const { name, takesNull } of fields) {
    if (!Object.hasOwn(source, name)) continue;
    const value: unknown = Reflect.get(source, name);
    if (value !== null || takesNull) picked[name] = value;
  }
  return picked;
}

/** The part of a validator's error that is looked at. */
interface Fault {
  keyword: string;
  instancePath: string;
  params: object;
}

/** The error of what a validator found; also for queries. */
export function complaint(fault: Fault | undefined, schema: TObject): GatewayError {
  const names = Object.keys(schema.properties);
  if (fault?.keyword === 'required') {
    const missing: unknown = Reflect.get(fault.params, 'requiredProperties');
    const param = names.find((name) => Array.isArray(missing) && missing.includes(name)) ?? '';
    return new GatewayError('missing_required_parameter', {
      message: `Missing required parameter: '${param}'.`,
      param,
    });
  }
  if (fault?.keyword === 'minProperties')
    return new GatewayError('missing_required_parameter', { message: `Give at least one of ${names.join(', ')}.` });
  return wrongField(
    fault?.keyword === 'type' ? 'invalid_type' : 'invalid_value',
    schema,
    paramOf(fault?.instancePath ?? ''),
  );
}

/** The error of a field that is not what its schema describes; also for what a schema can't check. */
export function wrongField(code: 'invalid_type' | 'invalid_value', schema: TObject, param: string): GatewayError {
  const problem = code === 'invalid_type' ? 'Invalid type' : 'Invalid value';
  return new GatewayError(code, {
    message: `${problem} for '${param}': expected ${descriptionOf(schema, param)}.`,
    param,
  });
}

/** `/limits/cost_per_day` as `limits.cost_per_day`, `/allowed_models/0` as `allowed_models[0]`. */
function paramOf(pointer: string): string {
  return pointer
    .slice(1)
    .slice(0, paramCharsMax)
    .replaceAll(/\/(\d+)(?=\/|$)/g, '[$1]')
    .replaceAll('/', '.');
}

/** That of the innermost field on the way to the parameter that has one. */
function descriptionOf(schema: TObject, param: string): string {
  let found = 'something else';
  let inner: unknown = schema;
  for (const name of param.split(/[.[]/)) {
    const properties: unknown = isObject(inner) ? Reflect.get(inner, 'properties') : undefined;
    inner = isObject(properties) && Object.hasOwn(properties, name) ? Reflect.get(properties, name) : undefined;
    const description: unknown = isObject(inner) ? Reflect.get(inner, 'description') : undefined;
    if (typeof description === 'string') found = description;
  }
  return found;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
