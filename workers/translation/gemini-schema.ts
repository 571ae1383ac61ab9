/** Gemini's two dialects of schemas, and what schemas look like in them. */

/** `json` is a subset of JSON Schema; `openapi` a protobuf message that refuses every keyword it doesn't know. */
export type SchemaDialect = 'json' | 'openapi';

/** A schema as it goes to Gemini: known keywords, and maps of names without a prototype. */
export interface GeminiSchema {
  type?: string | string[];
  $ref?: string;
  title?: string;
  description?: string;
  nullable?: true;
  format?: string;
  enum?: (string | number)[];
  properties?: Record<string, GeminiSchema>;
  required?: string[];
  propertyOrdering?: string[];
  additionalProperties?: boolean | GeminiSchema;
  items?: GeminiSchema;
  prefixItems?: GeminiSchema[];
  anyOf?: GeminiSchema[];
  minItems?: number;
  maxItems?: number;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minProperties?: number;
  maxProperties?: number;
  pattern?: string;
  $defs?: Record<string, GeminiSchema>;
}
