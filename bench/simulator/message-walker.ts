/**
 * Checks a parsed JSON value against a message of a table, as proto3's JSON parser does: unknown names, types and enum
 * names are violations in Google's words. On the way it brings the value into one form in place: camelCase names, lists
 * where a single value stood for one, no nulls.
 */
import { isRecord } from './gemini-request.ts';
import type { Field, Message } from './message-table.ts';

export interface Violation {
  field: string;
  description: string;
}

type Path = (string | number)[];

const typePrefix = 'type.googleapis.com/google.ai.generativelanguage.v1beta.';
const depthMax = 100;

/** Walks `value`, which it may rewrite, and returns all that is wrong with it. */
export function findViolations(value: unknown, message: Message): Violation[] {
  const walk = new Walk();
  if (isRecord(value)) walk.message(value, message);
  else walk.report('Invalid JSON payload received. Unknown name "": Root element must be a message.');
  return walk.violations;
}

class Walk {
  readonly violations: Violation[] = [];
  readonly #path: Path = [];

  message(value: Record<string, unknown>, message: Message): void {
    let isSet = false;
    for (const name in value) {
      const field = message.fields.get(name);
      if (field === undefined) {
        this.#unknown(name, 'Cannot find field.');
        continue;
      }
      const item = value[name];
      if (item === null && field.kind !== 'value') {
        delete value[name];
        continue;
      }
      if (message.oneof?.has(field.jsonName)) {
        if (isSet) this.#oneofTaken(field);
        isSet = true;
      }
      this.#path.push(field.protoName);
      const wanted = this.#field(item, field);
      this.#path.pop();
      if (name !== field.jsonName) delete value[name];
      if (wanted !== item || name !== field.jsonName) value[field.jsonName] = wanted;
    }
  }

  /** Returns the value in the form that the rest of the simulator reads. */
  #field(value: unknown, field: Field): unknown {
    if (field.shape === 'single') {
      if (Array.isArray(value) && field.kind !== 'value') this.#notRepeating();
      else return this.#one(value, field);
      return value;
    }
    if (field.shape === 'map') return this.#map(value, field);
    if (!Array.isArray(value)) return [this.#one(value, field)];
    for (let index = 0; index < value.length; index++) {
      const item: unknown = value[index];
      this.#path.push(index);
      const wanted = this.#one(item, field);
      this.#path.pop();
      if (wanted !== item) value[index] = wanted;
    }
    return value;
  }

  #map(value: unknown, field: Field): unknown {
    if (!isRecord(value)) {
      this.#invalid('Map', JSON.stringify(value));
      return value;
    }
    Object.entries(value).forEach(([key, item], index) => {
      this.#path.push(index, 'value');
      value[key] = this.#one(item, field);
      this.#path.pop();
      this.#path.pop();
    });
    return value;
  }

  #one(value: unknown, field: Field): unknown {
    if (field.kind === 'message' && field.message !== null) {
      if (!isRecord(value)) this.#invalid(typePrefix + field.typeName, JSON.stringify(value));
      else if (this.#path.length >= depthMax)
        this.report(`Message too deep. Max recursion depth reached for key '${field.jsonName}'`);
      else this.message(value, field.message);
      return value;
    }
    if (field.kind === 'enum') return this.#enum(value, field);
    const isFree = field.kind === 'value' || field.kind === 'struct';
    if (isFree && jsonDepth(value, depthMax - this.#path.length) < 0)
      this.report(`Message too deep. Max recursion depth reached for key '${field.jsonName}'`);
    return isFree ? this.#struct(value, field) : this.#scalar(value, field);
  }

  #struct(value: unknown, { kind }: Field): unknown {
    if (kind === 'struct' && !isRecord(value))
      this.#invalid('type.googleapis.com/google.protobuf.Struct', JSON.stringify(value));
    return value;
  }

  #enum(value: unknown, { enumNames, isCaseless, typeName }: Field): unknown {
    const name = isCaseless && typeof value === 'string' ? value.toUpperCase() : value;
    if (typeof name === 'string' && enumNames?.has(name)) return name;
    this.#invalid(typePrefix + typeName, JSON.stringify(value));
    return value;
  }

  #scalar(value: unknown, { kind }: Field): unknown {
    const type = `TYPE_${kind.toUpperCase()}`;
    if (typeof value === 'object') this.#invalid(type, 'Starting an object on a scalar field');
    else if (kind === 'bytes' && typeof value === 'string') {
      if (!isBase64(value)) this.#invalid(type, `Base64 decoding failed for ${JSON.stringify(value.slice(0, 64))}`);
    } else if (!isScalar(value, kind)) this.#invalid(type, JSON.stringify(value));
    else if (typeof value === 'string' && (kind === 'float' || kind === 'double' || kind === 'int32'))
      return Number(value);
    return value;
  }

  report(description: string): void {
    this.violations.push({ field: pathText(this.#path), description });
  }

  #invalid(type: string, given: string | undefined): void {
    this.report(`Invalid value at '${pathText(this.#path)}' (${type}), ${given ?? 'undefined'}`);
  }

  #unknown(name: string, why: string): void {
    const at = this.#path.length === 0 ? '' : ` at '${pathText(this.#path)}'`;
    this.report(`Invalid JSON payload received. Unknown name "${name}"${at}: ${why}`);
  }

  #notRepeating(): void {
    const name = String(this.#path.pop());
    this.#unknown(name, 'Proto field is not repeating, cannot start list.');
    this.#path.push(name);
  }

  #oneofTaken({ jsonName }: Field): void {
    const at = pathText(this.#path);
    this.report(`Invalid value at '${at}' (oneof), oneof field 'data' is already set. Cannot set '${jsonName}'`);
  }
}

/** `contents[0].parts[1].inline_data`. */
function pathText(path: Path): string {
  return path.map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`)).join('');
}

function isScalar(value: unknown, kind: string): boolean {
  switch (kind) {
    case 'string':
      return typeof value === 'string';
    case 'bool':
      return typeof value === 'boolean';
    case 'int32':
      return isInteger(value, 2 ** 31);
    case 'int64':
      return isInteger(value, 2 ** 63);
    case 'float':
    case 'double':
      return (
        (typeof value === 'number' || (typeof value === 'string' && value.trim() !== '')) &&
        Number.isFinite(Number(value))
      );
    case 'duration':
      return typeof value === 'string' && /^-?\d+(\.\d{1,9})?s$/.test(value);
    default:
      return false;
  }
}

function isInteger(value: unknown, bound: number): boolean {
  if (typeof value !== 'number' && !(typeof value === 'string' && /^-?\d+$/.test(value))) return false;
  const number = Number(value);
  return Number.isInteger(number) && number >= -bound && number < bound;
}

/** Both alphabets are taken, but not mixed; padding may be missing. */
function isBase64(text: string): boolean {
  return (
    (/^[A-Za-z0-9+/]*={0,2}$/.test(text) || /^[A-Za-z0-9_-]*={0,2}$/.test(text)) &&
    text.replace(/=+$/, '').length % 4 !== 1
  );
}

/** What is left of `allowed` levels at the deepest place; negative when there are too many. */
function jsonDepth(value: unknown, allowed: number): number {
  if (typeof value !== 'object' || value === null) return allowed;
  if (allowed <= 0) return -1;
  let least = allowed;
  for (const item of Object.values(value)) {
    least = Math.min(least, jsonDepth(item, allowed - 1));
    if (least < 0) return -1;
  }
  return least;
}
