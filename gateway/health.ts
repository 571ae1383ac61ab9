/** What `/health` says: ok, or degraded and why, in words an operator can act on. */
import type { Gateway } from './gateway.ts';

export interface Health {
  status: 'ok' | 'degraded';
  reasons: string[];
}

export function healthOf({
  writer,
  dispatch,
  pool,
  usage,
  overload,
  isDraining,
}: Pick<Gateway, 'writer' | 'dispatch' | 'pool' | 'usage' | 'overload' | 'isDraining'>): Health {
  const reasons: string[] = [];
  if (!writer.isReady) reasons.push('the writer process is not running; usage rows wait in memory');
  if (writer.fault !== null)
    reasons.push(`the database cannot be written (${writer.fault}); usage rows wait in memory`);
  if (usage.isFull) reasons.push('too many usage rows wait; new requests are refused');
  if (!dispatch.isReady) reasons.push('a worker thread is being replaced');
  if (overload.reason !== null) reasons.push(`requests are refused: too much to do (${overload.reason})`);
  const keys = pool.counts();
  if (keys.total === 0) reasons.push('there is no Gemini key; set GEMINI_API_KEYS or add keys through the admin API');
  else if (keys.enabled === 0) reasons.push('every Gemini key is switched off or was refused by Google');
  if (isDraining) reasons.push('shutting down');
  return { status: reasons.length === 0 ? 'ok' : 'degraded', reasons };
}
