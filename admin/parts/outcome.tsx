/** How a request ended, in a word and a colour. */
import type { RequestEntry } from '../../shared/admin-usage.ts';
import { t } from '../text/text.ts';
import { Badge } from './tile.tsx';

export function OutcomeBadge({ outcome, status }: { outcome: RequestEntry['outcome']; status: number }) {
  if (outcome === 'completed') return <Badge tone="good">{status}</Badge>;
  if (outcome === 'client_gone') return <Badge tone="dim">{t('gone')}</Badge>;
  return <Badge tone={status === 429 ? 'warn' : 'bad'}>{status}</Badge>;
}
