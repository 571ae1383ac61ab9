/** Requests as rows, newest first; each leads to its timeline. */
import type { RequestEntry } from '../../shared/admin-usage.ts';
import { go, href } from '../state/router.ts';
import { clockTime, duration, money, short, tokensOf } from '../text/format.ts';
import { t } from '../text/text.ts';
import { OutcomeBadge } from './outcome.tsx';
import { type Column, Table } from './table.tsx';

export function RequestTable({ rows, isOfOneKey = false }: { rows: readonly RequestEntry[]; isOfOneKey?: boolean }) {
  const columns: Column<RequestEntry>[] = [
    {
      key: 'at',
      label: t('time'),
      isHead: true,
      cell: ({ id, at }) => <a href={href('requests', id)}>{clockTime(at)}</a>,
    },
    {
      key: 'status',
      label: t('status'),
      cell: ({ outcome, status, error_code }) => (
        <>
          <OutcomeBadge outcome={outcome} status={status} />
          {error_code && <small class="aside">{error_code}</small>}
        </>
      ),
    },
    {
      key: 'model',
      label: t('model'),
      cell: ({ model_asked, model_served, stream }) => (
        <>
          {model_served ?? model_asked ?? '–'}
          {stream && <small class="aside">{t('stream')}</small>}
          {model_asked !== null && model_served !== null && model_asked !== model_served && (
            <small class="aside">← {model_asked}</small>
          )}
        </>
      ),
    },
    ...(isOfOneKey
      ? []
      : [
          {
            key: 'key',
            label: t('clientKey'),
            cell: ({ client_key_id, client_key_name }: RequestEntry) => (
              <a href={href('client-keys', client_key_id)}>
                <bdi>{client_key_name ?? client_key_id}</bdi>
              </a>
            ),
          },
        ]),
    { key: 'attempts', isDetail: true, label: t('attempts'), isNumber: true, cell: ({ attempts }) => attempts.length },
    { key: 'tokens', label: t('tokens'), isNumber: true, cell: (entry) => short(tokensOf(entry)) },
    { key: 'cost', isDetail: true, label: t('cost'), isNumber: true, cell: ({ cost }) => money(cost) },
    {
      key: 'first',
      isDetail: true,
      label: t('firstToken'),
      isNumber: true,
      cell: ({ first_token_ms }) => duration(first_token_ms),
    },
    { key: 'time', label: t('duration'), isNumber: true, cell: ({ duration_ms }) => duration(duration_ms) },
  ];
  return (
    <Table
      label={t('page.requests')}
      rows={rows}
      columns={columns}
      keyOf={({ id }) => id}
      pageSize={1_000}
      onOpen={({ id }) => go('requests', id)}
    />
  );
}
