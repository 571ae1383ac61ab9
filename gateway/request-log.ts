/** One log line a request that is over: what an operator looks for under its request id. No prompt, no key. */
import type { Logger } from '../shared/log.ts';
import type { UsageRow } from '../shared/rows.ts';

/**
 * Complete answers are logged at debug, since their rows tell the same; refusals at info; what failed on this side of the
 * client at warn.
 */
export function logRequest(log: Logger, row: UsageRow): void {
  const level = levelOf(row);
  if (!log.isLevelEnabled(level)) return;
  const { id, clientKeyId, endpoint, modelAsked, stream, status, termination, errorCode, durationMs, firstTokenMs } =
    row;
  log[level](
    {
      requestId: id,
      clientKeyId,
      endpoint,
      model: modelAsked,
      stream,
      status,
      termination,
      errorCode,
      durationMs,
      firstTokenMs,
      attempts: row.attempts.map(({ geminiKeyId, reason }) => `${geminiKeyId} ${reason}`),
    },
    'request',
  );
}

function levelOf({ status, termination }: UsageRow): 'debug' | 'info' | 'warn' {
  if (termination === 'cut' || status >= 500) return 'warn';
  return termination === 'error' || termination === 'drained' ? 'info' : 'debug';
}
