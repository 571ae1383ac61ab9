/**
 * Long decode on Gemini 4: a call gives at most so many tokens, then a token with which the same request goes on. The
 * token names the place in the text and the request it belongs to.
 */
import { createHash } from 'node:crypto';
import { invalidArgumentReply } from './error-bodies.ts';
import type { GenerateContentRequest } from './gemini-request.ts';
import type { Rule } from './rule.ts';

const charsPerToken = 4;
const streamTokensMax = 65_536;
const wholeTokensMax = 32_768;

export interface Hop {
  text: string;
  /** Characters of the answer that earlier calls gave. */
  offset: number;
  /** Null when the text ends here. */
  continuationToken: string | null;
}

function digest(request: GenerateContentRequest): string {
  const { continuationToken: _, ...rest } = request;
  return createHash('sha256').update(JSON.stringify(rest)).digest('base64url').slice(0, 16);
}

/** Where a continued answer goes on: 0 without a token, null when the token is not for this request. */
function offsetOf(request: GenerateContentRequest): number | null {
  const { continuationToken } = request;
  if (continuationToken === undefined) return 0;
  const match = /^(\d+) (\S+)$/.exec(Buffer.from(continuationToken, 'base64').toString());
  return match !== null && match[2] === digest(request) ? Number(match[1]) : null;
}

/** The part of `whole` that this call gives; `thoughts` tokens of the first call are gone already. */
export function hopOf(
  request: GenerateContentRequest,
  whole: string,
  isStream: boolean,
  thoughts: number,
  hopTokens?: number,
): Hop {
  const offset = offsetOf(request) ?? 0;
  const tokensMax = (hopTokens ?? (isStream ? streamTokensMax : wholeTokensMax)) - (offset === 0 ? thoughts : 0);
  const end = wholeCharacterEnd(whole, offset + Math.max(0, tokensMax) * charsPerToken);
  const text = whole.slice(offset, end);
  const isLast = end >= whole.length;
  return {
    text,
    offset,
    continuationToken: isLast ? null : Buffer.from(`${end} ${digest(request)}`).toString('base64'),
  };
}

/** Does not part a surrogate pair. */
function wholeCharacterEnd(text: string, end: number): number {
  const code = text.charCodeAt(end - 1);
  return code >= 0xd800 && code < 0xdc00 ? end + 1 : end;
}

export const continuationFits: Rule = (request, { model }) => {
  if (request.continuationToken === undefined) return null;
  if (model.generation < 4) return invalidArgumentReply('Continuation tokens are not supported for this model.');
  return offsetOf(request) === null
    ? invalidArgumentReply('Request contains an invalid argument.', 'the continuation token belongs to another request')
    : null;
};
