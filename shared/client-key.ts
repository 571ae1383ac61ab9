/** A client key as it is stored and held in memory, its limits, and what it has used of them. */

/** The bounds of one client key; null where there is none. */
export interface ClientKeyLimits {
  /** In any 60 seconds. */
  requestsPerMinute: number | null;
  /** Prompt, tools' prompt, thoughts and output together, in any 60 seconds. */
  tokensPerMinute: number | null;
  /** From midnight to midnight, UTC. */
  tokensPerDay: number | null;
  /** From the first of the month, UTC. */
  tokensPerMonth: number | null;
  /** Nano-dollars (billionths of a US dollar). */
  costNanoPerDay: number | null;
  costNanoPerMonth: number | null;
  /** Requests in flight at once, streamed or not: which they are is known only once their bodies are read. */
  concurrentStreams: number | null;
}

export const noLimits: Readonly<ClientKeyLimits> = Object.freeze({
  requestsPerMinute: null,
  tokensPerMinute: null,
  tokensPerDay: null,
  tokensPerMonth: null,
  costNanoPerDay: null,
  costNanoPerMonth: null,
  concurrentStreams: null,
});

/** A key of a caller. The key itself is not kept: `hash` is its SHA-256 in hex, `masked` what a list may show. */
export interface ClientKey {
  id: string;
  name: string;
  hash: string;
  masked: string;
  isActive: boolean;
  createdAtMs: number;
  /** One more with each change. */
  version: number;
  /** The operator's own words; empty when there are none. */
  note: string;
  /** From then on the key is refused; null for never. */
  expiresAtMs: number | null;
  limits: ClientKeyLimits;
  /** Names as clients say them or as Gemini does; one that ends in `*` stands for all that begin so. Null: every model. */
  allowedModels: string[] | null;
}

/** What an update sets; limits that are left out stay as they are. */
export interface ClientKeyChanges {
  name?: string;
  isActive?: boolean;
  note?: string;
  expiresAtMs?: number | null;
  limits?: Partial<ClientKeyLimits>;
  allowedModels?: string[] | null;
}

/** The key after an update: the same for the database and for the gateway's memory. */
export function withChanges(clientKey: ClientKey, { limits, ...changes }: ClientKeyChanges): ClientKey {
  return {
    ...clientKey,
    ...changes,
    limits: { ...clientKey.limits, ...limits },
    version: clientKey.version + 1,
  };
}

/** What a client key has used up to a start of the gateway, as the database knows it. */
export interface ClientKeyUsage {
  clientKeyId: string;
  /** Requests of the last 60 seconds by arrival, and tokens by the end of the request: counted by second. */
  recent: { atMs: number; requests: number; tokens: number }[];
  /** Sums of the present day and month, UTC, by arrival. */
  today: SpanUsage;
  thisMonth: SpanUsage;
  /** Arrival of its last request; null when there never was one. */
  lastUsedAtMs: number | null;
}

export interface SpanUsage {
  tokens: number;
  /** Nano-dollars, of the requests whose price is known. */
  costNano: number;
  /** Requests that used tokens whose price is not known. */
  unpriced: number;
}
