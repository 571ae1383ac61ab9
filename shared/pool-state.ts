/**
 * What a restart must not forget of the pool, as it is stored: small entries by kind, key or project, and model, each
 * with a JSON text that only the gateway reads. Rests and limits hold for hours; without them each start would spend
 * requests on finding them out again.
 */
export interface PoolStateEntry {
  kind: 'key' | 'rest' | 'quota' | 'charged';
  /** Of the key, or of the owner of the quota; '' where there is none. */
  id: string;
  /** '' for what holds for all models. */
  model: string;
  /** Null: nothing is to be remembered any more. */
  value: string | null;
}
