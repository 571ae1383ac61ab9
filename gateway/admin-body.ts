/** Reading a body of the admin API: bounded, JSON, checked against its schema, and only the fields that the schema names. */
import type { StaticEncode, TObject, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { GatewayError } from '../shared/errors.ts';
import type { Call } from './call.ts';
import { readJsonBody } from './request-body.ts';

/**
 * Makes the reader of one kind of body. It throws `invalid_json`, `missing_required_parameter`, `invalid_type` and
 * `invalid_value`, the latter three with the field as `param`. Fields that the schema does not name are left behind, and
 * so are those that are null: scripts write null for what they leave out.
 */
export function bodyReader<T extends TObject>(schema: T): (call: Call, bytesMax: number) => Promise<StaticEncode<T>> {
  const validator = Compile(schema);
  const names = Object.keys(schema.properties);
  return async (call, bytesMax) => {
    // Also closes a door: a web page elsewhere can't send this type without asking first, and is refused then.
    if (call.contentType === '') throw new GatewayError('unsupported_media_type');
    const fields = pick(parseObject(await readJsonBody(call, bytesMax)), names);
    if (validator.Check(fields)) return fields;
    throw complaint(validator.Errors(fields)[0], schema);
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

function pick(source: object, names: readonly string[]): Record<string, unknown> {
  const picked: Record<string, unknown> = {};
  for (const name of names) {
    const value: unknown = Object.hasOwn(source, name) ? Reflect.get(source, name) : null;
    if (value !== null) picked[name] = value;
  }
  return picked;
}

/** The part of a validator's error that is looked at. */
interface Fault {
  keyword: string;
  instancePath: string;
  params: object;
}

function complaint(fault: Fault | undefined, schema: TObject): GatewayError {
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
    fault?.instancePath.slice(1) ?? '',
  );
}

/** The error of a field that is not what its schema describes; also for what a schema can't check. */
export function wrongField(code: 'invalid_type' | 'invalid_value', schema: TObject, param: string): GatewayError {
  const problem = code === 'invalid_type' ? 'Invalid type' : 'Invalid value';
  return new GatewayError(code, {
    message: `${problem} for '${param}': expected ${descriptionOf(schema.properties[param])}.`,
    param,
  });
}

function descriptionOf(schema: TSchema | undefined): string {
  const description: unknown = schema === undefined ? undefined : Reflect.get(schema, 'description');
  return typeof description === 'string' ? description : 'something else';
}
