/**
 * Turns tables of field types, such as `request-fields.ts`, into what the walker reads: every message with its fields by
 * both of their names, camelCase and snake_case.
 */

const scalarNames = ['string', 'bool', 'int32', 'int64', 'float', 'double', 'bytes', 'duration', 'value', 'struct'];

export interface MessageTables {
  messages: Readonly<Record<string, Readonly<Record<string, string>>>>;
  enums: Readonly<Record<string, readonly string[]>>;
  caselessEnums: ReadonlySet<string>;
  oneofs: Readonly<Record<string, readonly string[]>>;
}

export interface Field {
  jsonName: string;
  /** The snake_case name, which Google's error texts use. */
  protoName: string;
  shape: 'single' | 'list' | 'map';
  /** A scalar's name, or `enum` or `message`. */
  kind: string;
  /** Name of the enum or message. */
  typeName: string;
  /** Filled once every message is known, because they refer to each other. */
  message: Message | null;
  enumNames: ReadonlySet<string> | null;
  isCaseless: boolean;
}

export interface Message {
  name: string;
  fields: Map<string, Field>;
  /** camelCase names of which at most one may be set. */
  oneof: ReadonlySet<string> | null;
}

/** `inlineData` → `inline_data`. */
export function toSnakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Throws on a type that no table defines. */
export function compileMessages(tables: MessageTables): ReadonlyMap<string, Message> {
  const compiled = new Map<string, Message>();
  for (const name of Object.keys(tables.messages)) {
    const oneof = tables.oneofs[name];
    compiled.set(name, { name, fields: new Map(), oneof: oneof === undefined ? null : new Set(oneof) });
  }
  for (const [name, fields] of Object.entries(tables.messages)) {
    for (const [jsonName, type] of Object.entries(fields)) {
      const field = toField(jsonName, type, tables, compiled);
      compiled.get(name)?.fields.set(jsonName, field).set(field.protoName, field);
    }
  }
  return compiled;
}

function toField(
  jsonName: string,
  type: string,
  { enums, caselessEnums }: MessageTables,
  compiled: ReadonlyMap<string, Message>,
): Field {
  const typeName = type.replace(/(\[\]|\{\})$/, '');
  const enumNames = enums[typeName];
  const message = compiled.get(typeName) ?? null;
  const kind = enumNames !== undefined ? 'enum' : message !== null ? 'message' : typeName;
  if (kind === typeName && !scalarNames.includes(kind))
    throw new Error(`field ${jsonName} has an unknown type: ${type}`);
  return {
    jsonName,
    protoName: toSnakeCase(jsonName),
    shape: type.endsWith('[]') ? 'list' : type.endsWith('{}') ? 'map' : 'single',
    kind,
    typeName,
    message,
    enumNames: enumNames === undefined ? null : new Set(enumNames),
    isCaseless: caselessEnums.has(typeName),
  };
}
