/**
 * What one use of a Gemini key says about that key. Workers classify, the pool in the gateway applies it: nobody else
 * changes a key's state.
 */
export type KeyOutcome =
  /** It worked, or it failed for a reason that says nothing about the key (the client's fault, the model's trouble). */
  | { kind: 'ok' }
  | { kind: 'neutral'; reason: string }
  /** The key rests for this model: a rate limit or a quota. */
  | { kind: 'rest'; forMs: number; reason: string }
  /** The key is out of the pool for everything, until an operator or a free probe brings it back. */
  | { kind: 'disable'; reason: string };
