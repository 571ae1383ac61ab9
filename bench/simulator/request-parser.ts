/** The body of a request: JSON, then Google's message for it; what comes out is safe to read by its type. */
import { type ErrorReply, fieldViolationsReply, invalidArgumentReply } from './error-bodies.ts';
import type {
  BatchEmbedContentsRequest,
  CountTokensRequest,
  EmbedContentRequest,
  GenerateContentRequest,
} from './gemini-request.ts';
import { findViolations, type Violation } from './message-walker.ts';
import { requestMessages } from './request-fields.ts';

interface RequestTypes {
  GenerateContentRequest: GenerateContentRequest;
  CountTokensRequest: CountTokensRequest;
  EmbedContentRequest: EmbedContentRequest;
  BatchEmbedContentsRequest: BatchEmbedContentsRequest;
}

const bodyCharsMax = 104_857_600;
const loneSurrogate = /(^|[^\\])(\\\\)*\\ud[89a-f]/;

export type Parsed<T> = { request: T } | { reply: ErrorReply };

export function parseRequest<Name extends keyof RequestTypes>(body: string, name: Name): Parsed<RequestTypes[Name]> {
  if (body.length > bodyCharsMax)
    return { reply: invalidArgumentReply(`Request payload size exceeds the limit: ${bodyCharsMax} bytes.`) };
  try {
    return parseMessage(body, name);
  } catch (error) {
    // The stack ran out, which takes thousands of levels.
    if (error instanceof RangeError)
      return { reply: invalidArgumentReply('Message too deep. Max recursion depth reached.') };
    throw error;
  }
}

function parseMessage<Name extends keyof RequestTypes>(body: string, name: Name): Parsed<RequestTypes[Name]> {
  const value = parseJson(body);
  if ('reply' in value) return value;
  const message = requestMessages.get(name);
  if (message === undefined) throw new Error(`no message is called ${name}`);
  const violations = findViolations(value.json, message);
  return isChecked<RequestTypes[Name]>(value.json, violations)
    ? { request: value.json }
    : { reply: fieldViolationsReply(violations) };
}

/** The walker compared the value with the message whose TypeScript form `T` is. */
function isChecked<T>(_value: unknown, violations: readonly Violation[]): _value is T {
  return violations.length === 0;
}

function parseJson(body: string): { json: unknown } | { reply: ErrorReply } {
  let json: unknown;
  try {
    json = JSON.parse(body === '' ? '{}' : body);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { reply: invalidArgumentReply(`Invalid JSON payload received. ${why}`) };
  }
  // `JSON.stringify` escapes surrogates that stand alone and leaves pairs be.
  if (body.includes('\\u') && loneSurrogate.test(JSON.stringify(json)))
    return { reply: invalidArgumentReply('Invalid JSON payload received. Invalid escape sequence in string.') };
  return { json };
}
