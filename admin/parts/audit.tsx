/** What was changed, by whom, from where, newest first. */
import { useSignal } from '@preact/signals';
import type { AuditAnswer } from '../../shared/admin-people.ts';
import { get, withQuery } from '../state/api.ts';
import { useResource } from '../state/resource.ts';
import { dateTime } from '../text/format.ts';
import { t } from '../text/text.ts';
import { Button } from './button.tsx';
import { Field } from './field.tsx';
import { Empty, Failure, Loading, sayError } from './notice.tsx';
import { type Column, Table } from './table.tsx';
import { Panel } from './tile.tsx';

type AuditEntry = AuditAnswer['entries'][number];

const pageSize = 25;

export function Audit() {
  const actor = useSignal('');
  const action = useSignal('');
  const query = { actor: actor.value.trim(), action: action.value.trim(), limit: pageSize };
  const path = withQuery('/audit', query);
  const { data, error, reload } = useResource<AuditAnswer>(path);
  const more = useSignal<(AuditAnswer & { path: string }) | null>(null);
  const later = more.value?.path === path ? more.value : null;
  const entries = [...(data.value?.entries ?? []), ...(later?.entries ?? [])];
  const next = later === null ? data.value?.next_cursor : later.next_cursor;
  const loadMore = async (cursor: string): Promise<void> => {
    try {
      const answer = await get<AuditAnswer>(withQuery('/audit', { ...query, cursor }));
      more.value = { path, entries: [...(later?.entries ?? []), ...answer.entries], next_cursor: answer.next_cursor };
    } catch (failure) {
      sayError(failure);
    }
  };
  return (
    <Panel title={t('audit')}>
      <div class="filters">
        <Field
          label={t('actor')}
          value={actor.value}
          onInput={(value) => {
            actor.value = value;
          }}
        />
        <Field
          label={t('action')}
          value={action.value}
          onInput={(value) => {
            action.value = value;
          }}
        />
      </div>
      {error.value !== null && <Failure error={error.value} onRetry={() => void reload()} />}
      {data.value === null ? (
        error.value === null && <Loading />
      ) : entries.length === 0 ? (
        <Empty title={t('noAudit')}>{t('noAuditHint')}</Empty>
      ) : (
        <Table label={t('audit')} rows={entries} keyOf={({ id }) => id} columns={columns()} pageSize={1_000} />
      )}
      {next && (
        <div class="pager">
          <Button onClick={() => void loadMore(next)}>{t('older')}</Button>
        </div>
      )}
    </Panel>
  );
}

function columns(): Column<AuditEntry>[] {
  return [
    { key: 'at', label: t('time'), isHead: true, cell: ({ at }) => dateTime(at) },
    { key: 'actor', label: t('actor'), cell: ({ actor }) => <bdi>{actor}</bdi> },
    { key: 'action', label: t('action'), cell: ({ action }) => <code>{action}</code> },
    {
      key: 'subject',
      label: t('subject'),
      cell: ({ subject, subject_id }) => (
        <>
          <bdi>{subject}</bdi>
          {subject_id !== null && <small>{subject_id}</small>}
        </>
      ),
    },
    {
      key: 'changes',
      label: t('changes'),
      cell: ({ changes }) => (
        <ul class="changes">
          {changes.map(({ field, from, to }) => (
            <li key={field}>
              {field}: <del>{shown(from)}</del> → <ins>{shown(to)}</ins>
            </li>
          ))}
        </ul>
      ),
    },
    { key: 'address', label: t('address'), cell: ({ address }) => address ?? '–' },
  ];
}

function shown(value: unknown): string {
  return value === null || value === undefined
    ? '–'
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value);
}
