/** Parameters that have no counterpart in Gemini: those that must be refused, and those that are left out. */
import type { GeminiRequest, JsonRecord } from '../../shared/gemini-wire.ts';
import { isRecord } from '../../shared/gemini-wire.ts';
import { notOneOf, readBoolean, readInteger, unsupported } from './field-readers.ts';

/** Refuses what an answer would silently lack. */
export function refuseUnsupported(body: JsonRecord): void {
  if (readBoolean(body, 'logprobs') === true)
    throw unsupported('logprobs', 'Gemini gives no log probabilities to this API.');
  if ((readInteger(body, 'top_logprobs', 0, 20) ?? 0) > 0)
    throw unsupported('top_logprobs', 'Gemini gives no log probabilities to this API.');
  if (body['audio'] !== undefined && body['audio'] !== null)
    throw unsupported('audio', "this gateway's chat answers in text and images.");
}

const tiers = ['auto', 'default', 'flex', 'scale', 'priority', 'fast'];

export function readServiceTier(body: JsonRecord): GeminiRequest['serviceTier'] {
  switch (body['service_tier']) {
    case undefined:
    case null:
    case 'auto':
    case 'scale':
      return undefined;
    case 'default':
      return 'standard';
    case 'flex':
      return 'flex';
    case 'priority':
    case 'fast':
      return 'priority';
    default:
      throw notOneOf('service_tier', body['service_tier'], tiers);
  }
}

/** Every parameter that this gateway knows, whether it has an effect or not. */
const known: ReadonlySet<string> = new Set([
  'audio',
  'extra_body',
  'frequency_penalty',
  'function_call',
  'functions',
  'google',
  'logit_bias',
  'logprobs',
  'max_completion_tokens',
  'max_tokens',
  'messages',
  'metadata',
  'modalities',
  'model',
  'moderation',
  'n',
  'parallel_tool_calls',
  'prediction',
  'presence_penalty',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'reasoning_effort',
  'response_format',
  'safety_identifier',
  'seed',
  'service_tier',
  'stop',
  'store',
  'stream',
  'stream_options',
  'temperature',
  'tool_choice',
  'tools',
  'top_k',
  'top_logprobs',
  'top_p',
  'user',
  'verbosity',
  'web_search_options',
]);
const unknownNamedMax = 8;

/** Names what is left out; in strict mode an unknown parameter is refused, as OpenAI does. */
export function warnOfIgnored(body: JsonRecord, strict: boolean, warnings: string[]): void {
  const { logit_bias: logitBias, verbosity } = body;
  if (isRecord(logitBias) && Object.keys(logitBias).length > 0) warnings.push('logit_bias');
  if (verbosity !== undefined && verbosity !== null && verbosity !== 'medium') warnings.push('verbosity');
  let unknown = 0;
  for (const name in body) {
    if (known.has(name)) continue;
    // Only what can be no more than a name is named, since it ends in a header.
    const isName = /^[A-Za-z_][\w.-]{0,39}$/.test(name);
    if (strict) throw unsupported(isName ? name : 'body', 'it is not known here.');
    if (isName && unknown++ < unknownNamedMax) warnings.push(name);
  }
}
