/** The requests of the past, searched, page by page; one of them with its timeline over the list. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { ClientKeyEntry } from '../../shared/admin-client-keys.ts';
import type { RequestEntry, RequestList } from '../../shared/admin-usage.ts';
import { Button } from '../parts/button.tsx';
import { Field, Select } from '../parts/field.tsx';
import { Empty, Failure, Loading, sayError } from '../parts/notice.tsx';
import { RequestDetail } from '../parts/request-detail.tsx';
import { RequestTable } from '../parts/request-table.tsx';
import { SearchField } from '../parts/search.tsx';
import { PageHead, Panel } from '../parts/tile.tsx';
import { get, withQuery } from '../state/api.ts';
import { useResource } from '../state/resource.ts';
import { href, place, setQuery } from '../state/router.ts';
import { t } from '../text/text.ts';

const pageSize = 50;
const filterNames = ['query', 'client_key', 'gemini_key', 'model', 'outcome', 'status', 'error_code'] as const;
const typingMs = 300;

export function RequestsPage() {
  const { id, query } = place.value;
  const filters = Object.fromEntries(filterNames.map((name) => [name, query.get(name) ?? '']));
  const path = useSettled(withQuery('/requests', { ...filters, limit: pageSize }));
  const first = useResource<RequestList>(path, 5_000);
  const more = useSignal<{ path: string; rows: RequestEntry[]; next: string | null } | null>(null);
  const later = more.value?.path === path ? more.value : null;
  const rows = joined(first.data.value?.requests ?? [], later?.rows ?? []);
  const next = later === null ? (first.data.value?.next_cursor ?? null) : later.next;
  const loadMore = async (cursor: string): Promise<void> => {
    try {
      const answer = await get<RequestList>(withQuery('/requests', { ...filters, limit: pageSize, cursor }));
      // What the first page shows by now would be lost to it as new requests come.
      more.value = { path, rows: joined(rows, answer.requests), next: answer.next_cursor };
    } catch (error) {
      sayError(error);
    }
  };
  return (
    <>
      <PageHead title={t('page.requests')} />
      <Panel>
        <Filters />
        {first.error.value !== null && <Failure error={first.error.value} onRetry={() => void first.reload()} />}
        {first.data.value === null ? (
          first.error.value === null && <Loading />
        ) : rows.length === 0 ? (
          <Empty title={t('nothingFound')}>
            {Object.values(filters).every((value) => value === '') ? t('noTrafficHint') : t('nothingFoundHint')}
          </Empty>
        ) : (
          <RequestTable rows={rows} />
        )}
        {next !== null && (
          <div class="pager">
            <Button onClick={() => void loadMore(next)}>{t('older')}</Button>
          </div>
        )}
      </Panel>
      {id !== '' && (
        <RequestDetail
          key={id}
          id={id}
          onClose={() => {
            location.hash = href('requests', '', Object.fromEntries(query));
          }}
        />
      )}
    </>
  );
}

function Filters() {
  const { query } = place.value;
  const keys = useResource<{ api_keys: ClientKeyEntry[] }>('/api-keys');
  const value = (name: (typeof filterNames)[number]): string => query.get(name) ?? '';
  const outcomes = ['completed', 'failed', 'client_gone'] as const;
  return (
    <div class="filters">
      <SearchField value={value('query')} onInput={(text) => setQuery({ query: text })} />
      <Select
        label={t('outcome')}
        value={value('outcome')}
        options={[['', t('all')], ...outcomes.map((one): [string, string] => [one, t(`outcome.${one}`)])]}
        onChange={(outcome) => setQuery({ outcome })}
      />
      <Select
        label={t('clientKey')}
        value={value('client_key')}
        options={[
          ['', t('all')],
          ...(keys.data.value?.api_keys ?? []).map(({ id, key_name }): [string, string] => [id, key_name]),
        ]}
        onChange={(client_key) => setQuery({ client_key })}
      />
      <Field label={t('model')} value={value('model')} onInput={(model) => setQuery({ model })} />
      <Field label={t('errorCode')} value={value('error_code')} onInput={(error_code) => setQuery({ error_code })} />
      {filterNames.some((name) => value(name) !== '') && (
        <Button icon="close" onClick={() => setQuery(Object.fromEntries(filterNames.map((name) => [name, ''])))}>
          {t('clear')}
        </Button>
      )}
    </div>
  );
}

/** The value once it has not changed for a moment, so that typing does not ask at every letter. */
function useSettled(value: string): string {
  const settled = useSignal(value);
  useEffect(() => {
    const timer = setTimeout(() => {
      settled.value = value;
    }, typingMs);
    return () => clearTimeout(timer);
  }, [value]);
  return settled.value;
}

function joined(first: readonly RequestEntry[], second: readonly RequestEntry[]): RequestEntry[] {
  const known = new Set(first.map(({ id }) => id));
  return [...first, ...second.filter(({ id }) => !known.has(id))];
}
