/** Structured output: `response_format` as Gemini's JSON mode, or as words where the model lacks it. */
import type { GenerationConfig, JsonRecord } from '../../shared/gemini-wire.ts';
import { missing, notOneOf, readRecord, readString, unsupportedValue } from './field-readers.ts';
import type { ModelFamily } from './model-family.ts';
import type { ToolSetup } from './tool-declarations.ts';
import { toGeminiSchema } from './tool-schema.ts';

/** JSON is wanted; of any shape when `schema` is undefined. */
export interface JsonFormat {
  schema: JsonRecord | undefined;
}

export function readResponseFormat(body: JsonRecord): JsonFormat | undefined {
  const format = readRecord(body, 'response_format');
  if (format === undefined) return undefined;
  switch (format['type']) {
    case 'text':
      return undefined;
    case 'json_object':
      return { schema: undefined };
    case 'json_schema': {
      const described = readRecord(format, 'json_schema', 'response_format.json_schema');
      if (described === undefined) throw missing('response_format.json_schema');
      readString(described, 'name', 'response_format.json_schema.name');
      return { schema: readRecord(described, 'schema', 'response_format.json_schema.schema') };
    }
    case undefined:
      throw missing('response_format.type');
    default:
      throw notOneOf('response_format.type', format['type'], ['text', 'json_object', 'json_schema']);
  }
}

/** Sets JSON mode. Where functions rule it out, gives the words that ask for JSON in its place. */
export function applyResponseFormat(
  { schema }: JsonFormat,
  config: GenerationConfig,
  tools: ToolSetup,
  family: ModelFamily,
  strict: boolean,
  warnings: string[],
): string | undefined {
  if (tools.hasFunctions && (tools.mustCall || !family.mixesTools)) {
    if (strict) throw unsupportedValue('response_format', 'this model cannot give JSON together with these tools.');
    warnings.push('response_format');
    // A model that must call a function writes no JSON of its own.
    if (tools.mustCall) return undefined;
    const shape = schema === undefined ? '' : ` that conforms to this JSON Schema: ${JSON.stringify(schema)}`;
    return `When you answer without calling a function, answer with nothing but one JSON value${shape}.`;
  }
  config.responseMimeType = 'application/json';
  if (schema === undefined) return undefined;
  const dialect = family.takesJsonSchema ? 'json' : 'openapi';
  const translated = toGeminiSchema(schema, dialect, 'response_format.json_schema.schema');
  if (dialect === 'json') config.responseJsonSchema = translated.schema;
  else config.responseSchema = translated.schema;
  if (translated.isLossy) warnings.push('response_format.schema');
  return undefined;
}
