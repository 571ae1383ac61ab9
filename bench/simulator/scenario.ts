/** What a test, the demo or a bench can ask of the simulator, as JSON over its control endpoints. Types only. */

export type GeminiMethod =
  | 'generateContent'
  | 'streamGenerateContent'
  | 'countTokens'
  | 'embedContent'
  | 'batchEmbedContents'
  | 'listModels'
  | 'getModel';

/** The error bodies that Google is known to send; `error-bodies.ts` has their texts. */
export type ErrorPreset =
  | 'rate_limit_minute'
  | 'rate_limit_tokens'
  | 'rate_limit_day'
  | 'limit_zero'
  | 'spend_cap'
  | 'bare_exhausted'
  | 'automated_queries'
  | 'invalid_key'
  | 'expired_key'
  | 'bad_credentials'
  | 'unregistered'
  | 'suspended'
  | 'leaked'
  | 'denied_project'
  | 'service_disabled'
  | 'service_blocked'
  | 'location'
  | 'billing'
  | 'prepay_depleted'
  | 'prepay_depleted_429'
  | 'model_closed'
  | 'model_retired'
  | 'not_found'
  | 'bad_request'
  | 'corrupted_signature'
  | 'internal'
  | 'unimplemented'
  | 'overloaded'
  | 'overloaded_old'
  | 'deadline';

export type ScriptedError =
  | ErrorPreset
  | {
      preset: ErrorPreset;
      /** Google's form of a duration, "46s"; for the 429 presets. */
      retryDelay?: string;
      /** Wraps the body in an array, as Google does on some paths. */
      inArray?: boolean;
    }
  /** A body that is not a string is sent as JSON. */
  | { status: number; body: unknown };

/** Requests that a scenario answers; a field left out matches all. The most specific scenario wins, then the earliest. */
export interface ScenarioMatch {
  key?: string;
  /** The id as requested, without `models/`. */
  model?: string;
  method?: GeminiMethod;
}

/** Token counts of an answer, as Gemini names them. */
export interface Usage {
  promptTokenCount?: number;
  cachedContentTokenCount?: number;
  candidatesTokenCount?: number;
  thoughtsTokenCount?: number;
  toolUsePromptTokenCount?: number;
  totalTokenCount?: number;
  [other: string]: unknown;
}

/**
 * How matching requests are answered. Without `error`, `events`, `text` or `chunks` the answer is the default one, with
 * whatever pace and faults are set here. A request that Google would refuse is refused before any scenario is looked up.
 */
export interface Scenario {
  match?: ScenarioMatch;
  /** How many requests this answers before it is spent; without it, all. */
  times?: number;
  /** Before the headers. */
  delayMs?: number;
  error?: ScriptedError;
  /** Whole responses, sent as they are: one SSE event each; merged into one for a request that does not stream. */
  events?: unknown[];
  text?: string;
  /** Number of SSE events that carry the text; with `chunkSize`, the text is repeated to fill them. */
  chunks?: number;
  /** Bytes of text an event. */
  chunkSize?: number;
  /** Thought parts before the text, whether or not they were asked for. */
  thoughts?: string[];
  finishReason?: string;
  /** Between two events. */
  intervalMs?: number;
  /** Closes the socket after so many events, without a clean end; 0 is after the headers. Cuts a whole answer in half. */
  cutAfterEvents?: number;
  /** Ends cleanly, but no event has a finish reason. */
  endWithoutFinish?: boolean;
  /** Says nothing more after so many events and keeps the socket open. Stops a whole answer half-way. */
  hangAfterEvents?: number;
  /** Sends an error as an SSE event after so many events, then ends cleanly. */
  errorEventAfter?: number;
  /** Sends an error without SSE framing after the last event (or after `errorEventAfter`), then ends cleanly. */
  rawTail?: boolean | string;
  /** The error of `errorEventAfter` and `rawTail`; `overloaded` when left out. */
  streamError?: ErrorPreset;
  /** Puts a line that is no JSON between the events, after so many. */
  garbageEvent?: { after: number; line?: string };
  /** Writes the body in pieces of so many bytes, one a turn of the event loop. */
  splitBytes?: number;
  /** Waits until `POST /__simulator/release/{name}`: before the headers, or after `holdAfterEvents` events. */
  holdUntilReleased?: string;
  holdAfterEvents?: number;
  /** Replaces the usage of every event. */
  usage?: Usage;
  /** Leaves `usageMetadata` out altogether. */
  withoutUsage?: boolean;
  /** Most output tokens of one call on Gemini 4, so that a continuation need not be 65,536 tokens away. */
  hopTokens?: number;
  headers?: Record<string, string>;
  contentType?: string;
  /** Line end of SSE frames; CRLF when left out. */
  lineEnd?: '\n' | '\r\n' | '\r';
  /** Compresses a whole answer. */
  gzip?: boolean;
}

/** Limits of one project for one model; a limit left out does not apply. */
export interface Quota {
  /** Requests a minute. */
  rpm?: number;
  /** Requests a day, until midnight Pacific. */
  rpd?: number;
  /** Input tokens a minute. */
  tpm?: number;
}

/** A Google project: its keys share its quotas. */
export interface Project {
  name: string;
  keys: string[];
  /** For every model that `models` does not name. */
  quota?: Quota;
  models?: Record<string, Quota>;
  /** "FreeTier" when left out; "PaidTier1"… are Google's other names. */
  tier?: string;
  /** Files that its keys may read, by name: files/abc. Those of other keys are refused. */
  files?: string[];
  /** Opened after some models were closed to new users: these answer 404. */
  isNew?: boolean;
}

/** Body of `POST /__simulator/script`; what it holds replaces what was there, unless `append` is set. */
export interface Script {
  scenarios?: Scenario[];
  projects?: Project[];
  append?: boolean;
}

export type Outcome = 'open' | 'completed' | 'aborted' | 'cut';

/** A request as the simulator got it. */
export interface LogEntry {
  seq: number;
  /** Milliseconds since the epoch, by the simulator's clock. */
  at: number;
  key: string;
  method: string;
  model: string;
  path: string;
  /** Parsed; the text itself when it was no JSON. */
  body: unknown;
  status: number;
  /** The message of an error answer. */
  error?: string;
  outcome: Outcome;
  /** SSE events written. */
  events: number;
  /** Of the whole answer, even when the client did not stay for it. */
  usage: Usage | null;
}

export interface Stats {
  requests: number;
  /** Answers not ended yet. */
  open: number;
  openStreams: number;
  openStreamsPeak: number;
  /** Streams that wait for their reader. */
  paused: number;
  pausedEver: number;
  /** Closed by the client before the end. */
  aborted: number;
  /** Requests that wait at a barrier, by its name. */
  held: Record<string, number>;
  /** Answers by key, model and status. Keys are labelled as in the log. */
  answers: { key: string; model: string; status: number; count: number }[];
}
