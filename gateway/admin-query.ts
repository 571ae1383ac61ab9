/** Reading the query of a call of the admin API: checked against its schema, and only the fields that the schema names. */
import type { StaticEncode, TObject } from 'typebox';
import { Compile } from 'typebox/compile';
import { complaint } from './admin-body.ts';
import type { Call } from './call.ts';

/**
 * Makes the reader of one kind of query. Texts become numbers and truth values where the schema wants those; a field
 * that is empty counts as left out, of one given twice the last counts. Throws `missing_required_parameter`,
 * `invalid_type` and `invalid_value` with the field as `param`.
 */
export function queryReader<T extends TObject>(schema: T): (call: Pick<Call, 'query'>) => StaticEncode<T> {
  const validator = Compile(schema);
  const kinds = Object.entries(schema.properties).map(([name, field]) => ({ name, kind: kindOf(field) }));
  return ({ query }) => {
    const given = new URLSearchParams(query);
    const fields: Record<string, unknown> = {};
    for (const { name, kind } of kinds) {
      const text = given.getAll(name).at(-1);
      if (text !== undefined && text !== '') fields[name] = readAs(kind, text);
    }
    if (validator.Check(fields)) return fields;
    throw complaint(validator.Errors(fields)[0], schema);
  };
}

type Kind = 'number' | 'boolean' | 'text';

function kindOf(field: object): Kind {
  const type: unknown = Reflect.get(field, 'type');
  if (type === 'number' || type === 'integer') return 'number';
  return type === 'boolean' ? 'boolean' : 'text';
}

/** What can't be read stays a text, which the schema refuses. */
function readAs(kind: Kind, text: string): unknown {
  if (kind === 'number' && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (kind === 'boolean' && /^(true|false|1|0|yes|no)$/i.test(text)) return /^(true|1|yes)$/i.test(text);
  return text;
}
