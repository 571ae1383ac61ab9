/**
 * Every message that crosses a thread or process boundary, one union a direction, tagged by `t`. Plain data only. Each
 * crossing carries an array of them: all that became ready in one turn of the event loop.
 */
import type { AuditEntry, AuditedChange, AuditFilter, AuditOrigin } from './audit.ts';
import type { ClientKey, ClientKeyChanges, ClientKeyUsage } from './client-key.ts';
import type { PlainError } from './errors.ts';
import type { KeyOutcome } from './key-outcome.ts';
import type { PoolStateEntry } from './pool-state.ts';
import type { Price } from './price.ts';
import type { GeminiKey, UsageRow, UsageTotals } from './rows.ts';
import type { TokenUsage } from './usage.ts';
import type { UsageAnswer, UsageQuery } from './usage-reports.ts';
import type { RevokedSession, User, UserChanges, UserSessions } from './user.ts';

/** A model as `GET /v1/models` lists it. */
export interface ListedModel {
  id: string;
  /** Gemini's `supportedGenerationMethods`. */
  methods: string[];
  inputTokenLimit: number | null;
  outputTokenLimit: number | null;
}

/** What a request takes of the quotas of Google. */
export interface LeaseCost {
  /** Each text of an embeddings batch counts. */
  requests: number;
  /** Tokens of the prompt, as guessed before they are known. */
  tokens: number;
}

/** What a worker says of the call that it wants a lease for. */
export interface LeaseWish {
  /** The Gemini model, as the pool's order and rests are kept. */
  model: string;
  modelAsked: string;
  stream: boolean;
  /** Value of `x-gemini-pool-warnings`, empty when there are none. */
  warnings: string;
  cost: LeaseCost;
  /** Calls with the same token prefer the same key, for Google's cache; null leaves it to the rotation. */
  affinity: string | null;
  /** A file or a cache at Google that the call refers to, which belongs to the project of one key; null without. */
  ownedBy: string | null;
  /** When all keys rest for a moment, waiting is better than an error. */
  mayWait: boolean;
}

/**
 * Why a call is made again: Gemini's own trouble, for which any key will do; a kept connection that was closed just then,
 * which is nobody's; a refusal of the key; or the key's project does not own what the call refers to, so that it must be a
 * key that was not tried.
 */
export type LeaseRetry = 'trouble' | 'stale_connection' | 'refused' | 'foreign' | null;

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
  /** Answered with `pong` as soon as the worker comes to its messages. */
  | { t: 'ping' }
  /** So many characters of frames were taken over since the last word of this kind. */
  | { t: 'taken'; chars: number }
  | { t: 'stop' };

export type FromWorker =
  | { t: 'ready' }
  | { t: 'pong' }
  | {
      t: 'want_lease';
      id: number;
      /** Which of the job's calls the lease is for. */
      call: number;
      wish: LeaseWish;
      retry: LeaseRetry;
    }
  | { t: 'outcome'; id: number; leaseId: number; outcome: KeyOutcome }
  /** An answer goes on with another call on the same lease; `promptTokens` are those of the call that has ended. */
  | { t: 'call_again'; id: number; leaseId: number; promptTokens: number | null; cost: LeaseCost }
  | { t: 'frames'; id: number; text: string }
  | {
      t: 'done';
      id: number;
      /** The lease of the call that ended last; those of others were reported before. */
      leaseId: number;
      /** Tokens of the prompt of that call, as its lease took them of the quota; null where Google has not said. */
      promptTokens: number | null;
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
  | { t: 'models'; id: number; models: ListedModel[] }
  | { t: 'models_failed'; id: number; error: PlainError; outcome: KeyOutcome };

/**
 * A change of what is stored, other than rows. Applied in the order sent, answered when committed. With `by`, an entry of
 * the audit log is committed together with it.
 */
export type StoreCommand = (
  | ClientKeyCommand
  | UserCommand
  | GeminiKeyCommand
  | PoolCommand
  | PriceCommand
  | AuditCommand
) & {
  by?: AuditOrigin;
};

export type ClientKeyCommand =
  | { op: 'create_client_key'; clientKey: ClientKey }
  /** `expectedVersion`: refused as `stale` when the key has another one; null changes whatever is there. */
  | { op: 'update_client_key'; id: string; changes: ClientKeyChanges; expectedVersion: number | null }
  | { op: 'delete_client_key'; id: string };

export type UserCommand =
  | { op: 'create_user'; user: User }
  /** A new password or another role ends the user's sessions with it. */
  | { op: 'update_user'; id: string; changes: UserChanges; expectedVersion: number | null }
  | { op: 'delete_user'; id: string }
  | { op: 'end_sessions'; userId: string }
  | { op: 'revoke_session'; session: RevokedSession; nowMs: number }
  /** `rehashed`: the same password, hashed with the present parameters; for a password that is still the same. */
  | { op: 'note_login'; userId: string; atMs: number; rehashed?: { from: string; to: string } };

/** Something that changes nothing here and is to be known all the same. */
export interface AuditCommand {
  op: 'note_in_audit';
  change: AuditedChange;
}

export type GeminiKeyCommand =
  | { op: 'add_gemini_key'; geminiKey: GeminiKey; createdAtMs: number }
  | { op: 'delete_gemini_key'; id: string };

/** Prices of the operator's; an update names the whole new entry. */
export type PriceCommand =
  | { op: 'create_price'; price: Price }
  | { op: 'update_price'; price: Price; expectedVersion: number | null }
  | { op: 'delete_price'; id: string };

/** What is to be known of the pool after a restart. */
export interface PoolCommand {
  op: 'save_pool_state';
  entries: PoolStateEntry[];
  /** What the operator changed by it; null for what the pool learnt by itself. */
  change: AuditedChange | null;
}

/**
 * How a command ended. `exists`: a unique key is taken; `missing`: no such entry; `stale`: it has another version than
 * expected; `unavailable`: the database can't be written at the moment, and the command was not applied; should it be
 * found there all the same, the state that is sent when it can be written again has it.
 */
export type StoreResult = 'ok' | 'exists' | 'missing' | 'stale' | 'unavailable';

/** What the gateway needs in memory, as stored. */
export interface StoredState {
  clientKeys: ClientKey[];
  clientKeyUsage: ClientKeyUsage[];
  users: User[];
  userSessions: UserSessions[];
  revokedSessions: RevokedSession[];
  geminiKeys: GeminiKey[];
  /** The operator's. */
  prices: Price[];
  poolState: PoolStateEntry[];
}

/** How the store is opened. Sent first, over the channel, since arguments and environments show in process lists. */
export interface StoreOptions {
  databasePath: string;
  synchronous: 'normal' | 'full';
  /** 64 hex digits, or null for the key file beside the database. */
  encryptionKey: string | null;
  /** How long what is stored is kept; left out, for ever. */
  retention?: Retention;
}

/** Days after which rows and the rollups by minute and by hour are deleted; 0 keeps them for ever. */
export interface Retention {
  requestDays: number;
  minuteDays: number;
  hourDays: number;
}

export type ToWriter =
  | { t: 'open'; options: StoreOptions }
  | { t: 'rows'; seq: number; rows: UsageRow[] }
  | { t: 'command'; id: number; command: StoreCommand }
  | { t: 'stop' };

export type FromWriter =
  /** The database is open and migrated, or can be written again after a fault; this is what it holds. */
  | { t: 'ready'; state: StoredState }
  /** All rows up to and including batch `seq` of this connection are committed. */
  | { t: 'ack'; seq: number }
  | { t: 'result'; id: number; result: StoreResult }
  /** The last commit failed with this SQLite code; the writer keeps the rows and tries again. Null: it works again. */
  | { t: 'fault'; code: string | null }
  /** The writer cannot start: wrong file, newer schema, no permission. It exits after this. */
  | { t: 'fatal'; message: string };

/** A question of the panel, answered by the report reader over rollups. */
export type ReportQuery =
  | { report: 'totals' }
  | { report: 'client_keys' }
  /** `cursor`: the id of the last entry of the page before. */
  | { report: 'audit'; filter: AuditFilter; limit: number; cursor: string | null }
  | UsageQuery;

export type ReportAnswer =
  | { report: 'totals'; totals: UsageTotals }
  | { report: 'client_keys'; byClientKey: Record<string, UsageTotals> }
  | { report: 'audit'; entries: AuditEntry[]; nextCursor: string | null }
  | UsageAnswer;
