/**
 * Every message that crosses a thread or process boundary, one union a direction, tagged by `t`. Plain data only. Each
 * crossing carries an array of them: all that became ready in one turn of the event loop.
 */
import type { PlainError } from './errors.ts';
import type { KeyOutcome } from './key-outcome.ts';
import type { ClientKey, GeminiKey, UsageRow, UsageTotals } from './rows.ts';
import type { TokenUsage } from './usage.ts';

/** A model as `GET /v1/models` lists it. */
export interface ListedModel {
  id: string;
  /** Gemini's `supportedGenerationMethods`. */
  methods: string[];
  inputTokenLimit: number | null;
  outputTokenLimit: number | null;
}

/** What a worker is to do. */
export type Job =
  | {
      kind: 'chat';
      /** Seed of the completion's id; also the id of its usage row. */
      requestId: string;
      createdSeconds: number;
      /** The client asked that nothing be left out with a mere warning. */
      isStrict: boolean;
      /** The request's bytes as they came; a string where that is cheaper to pass on. */
      body: string | Uint8Array;
    }
  | { kind: 'embeddings'; requestId: string; body: string | Uint8Array }
  | { kind: 'models'; key: string };

export type ToWorker =
  | { t: 'job'; id: number; job: Job }
  /** `call` is that of the wish: a job may make several calls at once. */
  | { t: 'lease'; id: number; call: number; leaseId: number; key: string }
  | { t: 'no_lease'; id: number; call: number; error: PlainError }
  | { t: 'pause'; id: number }
  | { t: 'resume'; id: number }
  | { t: 'cancel'; id: number }
  | { t: 'stop' };

export type FromWorker =
  | { t: 'ready' }
  | {
      t: 'want_lease';
      id: number;
      /** Which of the job's calls the lease is for. */
      call: number;
      /** The Gemini model, as the pool's order and rests are kept. */
      model: string;
      modelAsked: string;
      stream: boolean;
      /** Value of `x-gemini-pool-warnings`, empty when there are none. */
      warnings: string;
    }
  | { t: 'outcome'; id: number; leaseId: number; outcome: KeyOutcome }
  | { t: 'frames'; id: number; text: string }
  | {
      t: 'done';
      id: number;
      /** The lease of the call that ended last; those of others were reported before. */
      leaseId: number;
      /** What the client may see only after its row is committed: the last chunks of a stream, or the whole body. */
      tail: string;
      usage: TokenUsage;
      finishReason: string;
      modelServed: string | null;
    }
  /** The end of a request that failed; every lease was reported before. `usage` is what had been used by then. */
  | { t: 'failed'; id: number; error: PlainError; usage: TokenUsage | null }
  /** The end of a request that was cancelled by the gateway. */
  | { t: 'cancelled'; id: number; usage: TokenUsage | null }
  | { t: 'models'; id: number; models: ListedModel[] };

/** A change of what is stored, other than rows. Applied in the order sent, answered when committed. */
export type StoreCommand =
  | { op: 'create_client_key'; clientKey: ClientKey }
  | { op: 'update_client_key'; id: string; name?: string; isActive?: boolean }
  | { op: 'delete_client_key'; id: string }
  | { op: 'add_gemini_key'; geminiKey: GeminiKey; createdAtMs: number }
  | { op: 'delete_gemini_key'; id: string };

/**
 * How a command ended. `exists`: a unique key is taken; `missing`: no such entry; `unavailable`: the database can't be
 * written at the moment, and the command was not applied.
 */
export type StoreResult = 'ok' | 'exists' | 'missing' | 'unavailable';

/** What the gateway needs in memory, as stored. */
export interface StoredState {
  clientKeys: ClientKey[];
  geminiKeys: GeminiKey[];
}

/** How the store is opened. Sent first, over the channel, since arguments and environments show in process lists. */
export interface StoreOptions {
  databasePath: string;
  synchronous: 'normal' | 'full';
  /** 64 hex digits, or null for the key file beside the database. */
  encryptionKey: string | null;
}

export type ToWriter =
  | { t: 'open'; options: StoreOptions }
  | { t: 'rows'; seq: number; rows: UsageRow[] }
  | { t: 'command'; id: number; command: StoreCommand }
  | { t: 'stop' };

export type FromWriter =
  /** The database is open and migrated. */
  | { t: 'ready'; state: StoredState }
  /** All rows up to and including batch `seq` of this connection are committed. */
  | { t: 'ack'; seq: number }
  | { t: 'result'; id: number; result: StoreResult }
  /** The last commit failed with this SQLite code; the writer keeps the rows and tries again. Null: it works again. */
  | { t: 'fault'; code: string | null }
  /** The writer cannot start: wrong file, newer schema, no permission. It exits after this. */
  | { t: 'fatal'; message: string };

/** A question of the panel, answered by the report reader over rollups. */
export type ReportQuery = { report: 'totals' } | { report: 'client_keys' };

export type ReportAnswer =
  | { report: 'totals'; totals: UsageTotals }
  | { report: 'client_keys'; byClientKey: Record<string, UsageTotals> };
