/** Renders an answer as Gemini's JSON: whole, or one text an event. All but the closing `responseId`, which varies. */
import { type Answer, countsOf } from './answer.ts';
import { isRecord, type Part } from './gemini-request.ts';
import type { Scenario, Usage } from './scenario.ts';
import { VisibleTokens } from './tokens.ts';

/** What ends every response. */
export function responseTail(responseId: string): string {
  return `,"responseId":"${responseId}"}`;
}

/** A response that is not streamed, without its tail. */
export function wholeText(answer: Answer, modelVersion: string, scenario: Scenario | null): string {
  const parts = joinParts(answer.events.flat());
  return responseText(answer, parts, modelVersion, usageText(answer.usage, scenario), true);
}

/** The response of each event of a stream, without their tails. At least one. Usage grows from event to event. */
export function eventTexts(answer: Answer, modelVersion: string, scenario: Scenario | null): string[] {
  const { usage, candidateCount } = answer;
  const events = answer.events.length === 0 ? [[]] : answer.events;
  const visible = new VisibleTokens();
  return events.map((parts, index) => {
    const isLast = index === events.length - 1;
    visible.add(parts);
    const sofar = isLast
      ? usage
      : countsOf(usage.promptTokenCount ?? 0, visible.count * candidateCount, usage.thoughtsTokenCount ?? 0);
    return responseText(answer, parts, modelVersion, usageText(sofar, scenario), isLast);
  });
}

function responseText(answer: Answer, parts: Part[], modelVersion: string, usage: string, isLast: boolean): string {
  const finish = isLast && answer.finishReason !== null ? `,"finishReason":"${answer.finishReason}"` : '';
  const content = parts.length === 0 ? '{"role":"model"}' : `{"parts":${JSON.stringify(parts)},"role":"model"}`;
  const extra = isLast
    ? Object.entries(answer.lastCandidate).map(([name, value]) => `,"${name}":${JSON.stringify(value)}`)
    : [];
  const candidates = Array.from(
    { length: answer.candidateCount },
    (_, index) => `{"content":${content}${finish},"index":${index}${extra.join('')}}`,
  );
  return `{"candidates":[${candidates.join(',')}]${usage},"modelVersion":"${modelVersion}"`;
}

function usageText(usage: Usage, scenario: Scenario | null): string {
  if (scenario?.withoutUsage) return '';
  if (scenario?.usage !== undefined) return `,"usageMetadata":${JSON.stringify(scenario.usage)}`;
  const { promptTokenCount = 0 } = usage;
  const promptTokensDetails = [{ modality: 'TEXT', tokenCount: promptTokenCount }];
  return `,"usageMetadata":${JSON.stringify({ ...usage, promptTokensDetails, serviceTier: 'standard' })}`;
}

/** Joins neighbouring text parts of the same kind, as an answer that is not streamed has them. */
function joinParts(parts: readonly Part[]): Part[] {
  const joined: Part[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    const joins =
      part.text !== undefined &&
      last?.text !== undefined &&
      last.thought === part.thought &&
      last.thoughtSignature === undefined;
    if (joins) joined[joined.length - 1] = { ...last, ...part, text: (last.text ?? '') + (part.text ?? '') };
    else joined.push(part);
  }
  return joined;
}

/** Scripted events as one response: parts in a row, everything else from the last event that has it. */
export function mergeEvents(events: readonly unknown[]): unknown {
  if (events.length <= 1) return events[0] ?? {};
  const parts: unknown[] = [];
  let merged: Record<string, unknown> = {};
  let candidate: Record<string, unknown> = {};
  for (const event of events.filter(isRecord)) {
    const first: unknown = Array.isArray(event['candidates']) ? event['candidates'][0] : undefined;
    merged = { ...merged, ...event };
    if (!isRecord(first)) continue;
    candidate = { ...candidate, ...first };
    const content = first['content'];
    if (isRecord(content) && Array.isArray(content['parts'])) parts.push(...content['parts']);
  }
  return { ...merged, candidates: [{ ...candidate, content: { role: 'model', parts } }] };
}
