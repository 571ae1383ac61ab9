/** Turns the responses of a stream into the exact writes on the wire: framing, scripted faults, splitting. */
import type { Headers, Plan } from './delivery.ts';
import type { Scenario } from './scenario.ts';

/** `sse` frames each response as an event; `array` streams one JSON array, as Gemini does without `alt=sse`. */
export type Framing = 'sse' | 'array';

export interface StreamTexts {
  /** Complete JSON texts, one an event. */
  events: readonly string[];
  /** The error that `errorEventAfter` and `rawTail` send, on one line. */
  error: string;
}

const eventsNever = Number.POSITIVE_INFINITY;

export function planStream(texts: StreamTexts, framing: Framing, headers: Headers, scenario: Scenario | null): Plan {
  const frames = frame(texts.events, framing, scenario?.lineEnd ?? '\r\n');
  if (scenario === null)
    return { headers, pieces: frames, eventsAfter: null, ending: 'end', intervalMs: 0, hold: null };
  const { cutAfterEvents = eventsNever, hangAfterEvents = eventsNever, intervalMs = 0 } = scenario;
  const stopAfter = Math.min(cutAfterEvents, hangAfterEvents);
  const pieces = withFaults(frames, texts, framing, scenario).slice(0, stopAfter);
  // The server sends its headers with the first byte of a body: an empty line is no event, but makes them go.
  if (pieces.length === 0 || scenario.holdAfterEvents === 0) pieces.unshift(scenario.lineEnd ?? '\r\n');
  const ending = stopAfter === eventsNever ? 'end' : cutAfterEvents <= hangAfterEvents ? 'cut' : 'hang';
  const hold = holdOf(scenario);
  if (scenario.splitBytes === undefined) return { headers, pieces, eventsAfter: null, ending, intervalMs, hold };
  return {
    headers,
    ...split(pieces, scenario.splitBytes),
    ending,
    intervalMs: intervalMs === 0 ? -1 : intervalMs,
    hold: null,
  };
}

/** A whole answer with a fault in its transport, or in pieces; null when it can go out at once. */
export function planWhole(body: string | Uint8Array, headers: Headers, scenario: Scenario): Plan | null {
  const { cutAfterEvents, hangAfterEvents, splitBytes, intervalMs = 0 } = scenario;
  const isStopped = cutAfterEvents !== undefined || hangAfterEvents !== undefined;
  if (!isStopped && splitBytes === undefined) return null;
  const bytes = Buffer.from(body);
  const sent = isStopped ? bytes.subarray(0, Math.ceil(bytes.length / 2)) : bytes;
  const ending = cutAfterEvents !== undefined ? 'cut' : hangAfterEvents !== undefined ? 'hang' : 'end';
  const { pieces } = split([sent], splitBytes ?? sent.length);
  return {
    headers,
    pieces,
    eventsAfter: pieces.map(() => 0),
    ending,
    intervalMs: intervalMs === 0 ? -1 : intervalMs,
    hold: null,
  };
}

function holdOf({ holdUntilReleased, holdAfterEvents }: Scenario): Plan['hold'] {
  if (holdUntilReleased === undefined || holdAfterEvents === undefined) return null;
  // Event 0 is behind the empty line that carries the headers.
  return { name: holdUntilReleased, beforePiece: Math.max(1, holdAfterEvents) };
}

function frame(events: readonly string[], framing: Framing, lineEnd: string): string[] {
  if (framing === 'sse') return events.map((event) => `data: ${event}${lineEnd}${lineEnd}`);
  const last = events.length - 1;
  return events.map((event, index) => `${index === 0 ? '[' : ','}${event}${index === last ? ']' : '\n'}`);
}

function withFaults(frames: string[], { error }: StreamTexts, framing: Framing, scenario: Scenario): string[] {
  const { errorEventAfter, rawTail, garbageEvent, lineEnd = '\r\n' } = scenario;
  const pieces = frames.slice(0, errorEventAfter ?? frames.length);
  if (garbageEvent !== undefined) {
    const { after, line = 'data: {"candidates": [{"content"' } = garbageEvent;
    pieces.splice(after, 0, `${line}${lineEnd}${lineEnd}`);
  }
  if (rawTail !== undefined && rawTail !== false) pieces.push(typeof rawTail === 'string' ? rawTail : pretty(error));
  else if (errorEventAfter !== undefined)
    pieces.push(
      framing === 'sse' ? `data: ${error}${lineEnd}${lineEnd}` : `${pieces.length === 0 ? '[' : ','}${error}]`,
    );
  return pieces;
}

function pretty(error: string): string {
  return error.startsWith('{') ? `${JSON.stringify(JSON.parse(error), null, 2)}\n` : error;
}

/** All pieces as one body, cut anew every so many bytes. */
function split(pieces: readonly (string | Uint8Array)[], bytes: number): Pick<Plan, 'pieces' | 'eventsAfter'> {
  const whole = Buffer.concat(pieces.map((piece) => Buffer.from(piece)));
  const ends: number[] = [];
  for (const piece of pieces) ends.push((ends.at(-1) ?? 0) + Buffer.byteLength(piece));
  const count = Math.ceil(whole.length / bytes);
  let events = 0;
  const eventsAfter = Array.from({ length: count }, (_, index) => {
    while (events < ends.length && (ends[events] ?? 0) <= (index + 1) * bytes) events++;
    return events;
  });
  return {
    pieces: Array.from({ length: count }, (_, index) => whole.subarray(index * bytes, (index + 1) * bytes)),
    eventsAfter,
  };
}
