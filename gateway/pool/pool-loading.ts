/** How the pool of Gemini keys follows the database: only what is committed joins it or leaves it. */
import type { Clock } from '../../shared/clock.ts';
import type { StoreCommand, StoredState } from '../../shared/messages.ts';
import type { ModelList } from '../models.ts';
import type { KeyPool } from './key-pool.ts';
import { restorePool } from './pool-storage.ts';

/** Follows a command that was committed; those about other things change nothing here. */
export function applyToPool(command: StoreCommand, pool: KeyPool, models: Pick<ModelList, 'forget'>): void {
  switch (command.op) {
    case 'add_gemini_key':
      pool.add(command.geminiKey);
      break;
    case 'delete_gemini_key':
      pool.remove(command.id);
      break;
    default:
      return;
  }
  // Another key may offer other models.
  models.forget();
}

/**
 * Makes the stored keys of the pool those that the database holds, as at a start of the writer. What was written down of
 * the pool's state is taken over once: of later starts of the writer the memory knows more than the database.
 */
export function loadIntoPool(
  { geminiKeys: stored, poolState }: Pick<StoredState, 'geminiKeys' | 'poolState'>,
  pool: KeyPool,
  clock: Clock,
): void {
  const ids = new Set(stored.map(({ id }) => id));
  for (const { id, source } of [...pool.keys()]) if (source === 'stored' && !ids.has(id)) pool.remove(id);
  for (const key of stored) pool.add(key);
  if (!pool.isRestored) restorePool(poolState, pool, clock);
}
