/** Error answers: presets, refusals with a text of their own, and what a script asks for, as status and body. */

import {
  denied,
  type ErrorContext,
  type ErrorParts,
  presets,
  type QuotaViolation,
  quotaExceeded,
} from './error-presets.ts';
import { isRecord } from './gemini-request.ts';
import type { ErrorPreset, ScriptedError } from './scenario.ts';

export interface ErrorReply {
  status: number;
  message: string;
  body: string;
}

/** In Google's order. */
function errorObject({ code, message, status, details }: ErrorParts): { error: ErrorParts } {
  return { error: { code, message, status, ...(details === undefined ? {} : { details }) } };
}

function toReply(parts: ErrorParts, inArray = false): ErrorReply {
  const body = errorObject(parts);
  return { status: parts.code, message: parts.message, body: `${JSON.stringify(inArray ? [body] : body, null, 2)}\n` };
}

/** The error of a preset, with the key and model of this request in its text where Google puts them. */
export function presetReply(
  preset: ErrorPreset,
  context: ErrorContext,
  retryDelay?: string,
  inArray = false,
): ErrorReply {
  const parts = presets[preset](context, retryDelay);
  return 'html' in parts ? { status: parts.status, message: 'HTML', body: parts.html } : toReply(parts, inArray);
}

/** A preset on one line, as it stands inside a stream. */
export function compactPreset(preset: ErrorPreset, context: ErrorContext): string {
  const parts = presets[preset](context, undefined);
  return 'html' in parts ? parts.html : JSON.stringify(errorObject(parts));
}

/** The answer that a scenario's `error` asks for. */
export function scriptedReply(error: ScriptedError, context: ErrorContext): ErrorReply {
  if (typeof error === 'string') return presetReply(error, context);
  if ('preset' in error) return presetReply(error.preset, context, error.retryDelay, error.inArray);
  const { status, body } = error;
  return { status, message: 'scripted', body: typeof body === 'string' ? body : JSON.stringify(body) };
}

/** 400 INVALID_ARGUMENT with a text of its own; `why` tells a developer what Google's text leaves open. */
export function invalidArgumentReply(message: string, why?: string): ErrorReply {
  const details =
    why === undefined ? {} : { details: [{ '@type': 'type.googleapis.com/google.rpc.DebugInfo', detail: why }] };
  return toReply({ code: 400, status: 'INVALID_ARGUMENT', message, ...details });
}

/** What Google says of a body that does not fit its messages: all of it at once. */
export function fieldViolationsReply(violations: readonly { field: string; description: string }[]): ErrorReply {
  return toReply({
    code: 400,
    status: 'INVALID_ARGUMENT',
    message: violations.map(({ description }) => description).join('\n'),
    details: [
      {
        '@type': 'type.googleapis.com/google.rpc.BadRequest',
        fieldViolations: violations.map(({ field, description }) => ({
          ...(field === '' ? {} : { field }),
          description,
        })),
      },
    ],
  });
}

/** 429 for limits of a scripted project. */
export function quotaReply(violations: readonly QuotaViolation[], model: string, retryDelay: string): ErrorReply {
  return toReply(quotaExceeded(violations, model, retryDelay));
}

/** 403 with a text of its own: something that belongs to another project, or to none. */
export function deniedReply(message: string): ErrorReply {
  return toReply(denied(message));
}

/** Whether a value from a script names a preset. */
export function isErrorPreset(value: unknown): value is ErrorPreset {
  return typeof value === 'string' && Object.hasOwn(presets, value);
}

/** Whether a value from a script can be a scenario's `error`. */
export function isScriptedError(value: unknown): value is ScriptedError {
  if (!isRecord(value)) return isErrorPreset(value);
  return isErrorPreset(value['preset']) || (typeof value['status'] === 'number' && 'body' in value);
}
