/**
 * The event that most streams consist of: one piece of text, and figures of which only the last event's are needed. It is
 * recognised by its exact form, at a fifth of the cost of parsing it; any other is for JSON.parse.
 */
import type { GeminiResponse } from '../../shared/gemini-wire.ts';

/** Deltas are small; on escapes by the million the pattern would overflow the stack. */
const charsMax = 65_536;

/** What stands between the quotes of a string: without escapes, it is the string itself; or with any. */
const plain = String.raw`[^"\\\u0000-\u001f]*`;
const escaped = String.raw`${plain}(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})${plain})*`;
const whole = String.raw`(?:0|[1-9]\d*)`;
const detail = String.raw`\{"modality": ?"${plain}", ?"tokenCount": ?${whole}\}`;
const figure = String.raw`"${plain}": ?(?:${whole}|"${plain}"|\[${detail}(?:, ?${detail})*\])`;
/** Of a prompt, so that there are figures: some events have empty ones. */
const usage = String.raw`\{"promptTokenCount": ?[1-9]\d{0,14}(?:, ?${figure})*\}`;
const parts = String.raw`\[\{"text": ?"(${escaped})"\}\]`;
const candidate = String.raw`\{"content": ?\{"parts": ?${parts}, ?"role": ?"model"\}(?:, ?"index": ?0)?\}`;
const named = `"modelVersion": ?"(${plain})"(?:, ?"responseId": ?"${plain}")?`;
const event = new RegExp(`^\\{"candidates": ?\\[${candidate}\\], ?"usageMetadata": ?(${usage}), ?${named}\\}$`);

export class PlainDelta implements GeminiResponse {
  readonly candidates: unknown;
  readonly modelVersion: string;
  readonly #usageText: string;

  constructor(text: string, usageText: string, modelVersion: string) {
    this.candidates = [{ content: { parts: [{ text }] } }];
    this.modelVersion = modelVersion;
    this.#usageText = usageText;
  }

  /** Always with figures; parsed each time it is asked for. */
  get usageMetadata(): unknown {
    return JSON.parse(this.#usageText);
  }
}

/** An event's data as JSON.parse would have it, as far as it is read; null for what is not of that form. */
export function readPlainDelta(data: string): PlainDelta | null {
  if (data.length > charsMax) return null;
  const [, inner, usageText, modelVersion] = event.exec(data) ?? [];
  if (inner === undefined || usageText === undefined || modelVersion === undefined) return null;
  const text = inner.includes('\\') ? String(JSON.parse(`"${inner}"`)) : inner;
  return new PlainDelta(text, usageText, modelVersion);
}
