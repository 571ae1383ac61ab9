/**
 * Every ceiling of the program, once: the unit comes last but for the bound. What an operator may change is in
 * `config.ts`; these are the bounds that hold whatever the configuration says.
 */
export const limits = {
  /** uWebSockets.js refuses longer header blocks; set in the environment before its module loads. */
  requestHeadersBytesMax: 16_384,
  /** A body above this crosses to its worker as transferred bytes, a smaller one as a string, which is cheaper then. */
  bodyStringBytesMax: 65_536,
  /** Characters of streams that a worker has on their way to the gateway: beyond that it reads no more of Gemini. */
  framesUntakenCharsMax: 4 * 1024 * 1024,
  /** JSON deeper than this is refused before anything walks it: deeper trees overflow the stack of JSON.stringify. */
  jsonDepthMax: 128,
  /** Longest model name that is looked at. */
  modelNameCharsMax: 128,
  /** Messages in one chat request. */
  messagesMax: 10_000,
  /** One server-sent event of Gemini: a generated 4K image arrives as one event of over 20 MB. */
  sseEventBytesMax: 64 * 1024 * 1024,
  /** A whole non-streamed answer of Gemini, or an error body. */
  upstreamBodyBytesMax: 128 * 1024 * 1024,
  upstreamHeadersBytesMax: 32_768,
  /** What is kept of an upstream error's text before it is classified. */
  upstreamErrorBytesMax: 1024 * 1024,
  /** Media that messages name by URL: size of one, time for one, length of the URL, and how many in one request. */
  remoteMediaBytesMax: 10 * 1024 * 1024,
  remoteMediaMsMax: 10_000,
  remoteMediaUrlCharsMax: 8_192,
  remoteMediaMax: 16,
  /** Choices of one completion (`n`): each is a call of Gemini. */
  choicesMax: 8,
  /** Calls that one long answer of Gemini 4 may take, each of 65,536 tokens at most. */
  continuationsMax: 16,
  /** Batches of one embeddings request that are with Gemini at once. */
  embeddingBatchesAtOnce: 4,
  /** What Gemini's embedding models can shorten their vectors to. */
  embeddingDimensionsMin: 128,
  embeddingDimensionsMax: 3_072,
  /** Attempts at one request, over all keys. */
  attemptsMax: 10,
  /** After this no new attempt of one request is begun. */
  attemptsWindowMs: 60_000,
  /** A stream that has been silent this long gets its head and a comment line, so that proxies on the way keep it open. */
  pingAfterMs: 10_000,
  /** Between the error event of a stream that failed and the end of its connection. */
  cutGraceMs: 100,
  /** How long an answer waits for the commit of its usage row before it is released without it: longer than a writer restart. */
  commitGraceMs: 5_000,
  /** Rows that may wait for their commit; at this bound new requests get 503. */
  rowsWaitingMax: 100_000,
  /** Models for which the pool keeps an order of keys: names come from clients, so their number is bounded. */
  pooledModelsMax: 256,
  /**
   * The event loop may be late by so much in a second, and workers may be silent so long, before requests are refused: a
   * thousand streams that begin in one moment are no overload yet.
   */
  eventLoopLateMsMax: 600,
  workersSilentMsMax: 1_000,
  /** With fewer requests in flight nothing is refused for being late: that is a moment, not an overload. */
  overloadInFlightMin: 64,
  /** A worker that has not come back to its messages for so long is stuck in a loop, and its thread is ended. */
  workerStuckMsMax: 30_000,
  /** A thread that is not ready by then never will be. */
  workerStartMsMax: 60_000,
  /** The share of the memory limit that request bodies may take, over all requests. */
  bodyMemoryShareMax: 0.25,
  /** Calls that may wait for a key to come back, over all and for one client key. */
  leaseLineMax: 2_000,
  leaseLinePerClientMax: 64,
  /** Conversations, and files and caches of Google, whose key is remembered. */
  affinitiesMax: 10_000,
  /** How long a fetched model list serves. */
  modelListTtlMs: 3_600_000,
  /** After a failed fetch the list that there is serves so much longer. */
  modelListRetryMs: 30_000,
  /** What a usage row keeps of an error's message and of the parameter's name. */
  rowMessageCharsMax: 500,
  /** Tokens of one kind in one usage row: beyond what any model takes, and sums of billions of such rows stay exact. */
  rowTokensMax: 1_000_000_000,
  rowParamCharsMax: 200,
  /** Pause before a dead writer is started again, doubled at each failure up to the second figure. */
  writerRestartMs: 100,
  writerRestartMsMax: 5_000,
  /** At the end of the program: time for workers to say their last word, and for the writer to commit and leave. */
  workerStopMsMax: 2_000,
  writerStopMsMax: 10_000,
  /** At the end of the program, time for its last lines to be written. */
  logFlushMsMax: 1_000,
  /** Time for the commands of the admin API to be committed. */
  commandMsMax: 2_000,
  /** Time for a report of the panel. */
  reportMsMax: 10_000,
  /** Reports that may wait for the one thread that makes them. */
  reportsWaitingMax: 100,
  /** After this the thread of the reports ends, until the next question. */
  reportThreadIdleMs: 60_000,
  /** Admin request bodies. */
  adminBodyBytesMax: 1024 * 1024,
  /** A token of the admin API lives this long. */
  sessionSecondsMax: 12 * 3_600,
} as const;
