/** All client keys: found, sorted, switched and made. Hundreds of them stay quick, since a page shows fifty. */
import { useSignal } from '@preact/signals';
import type { ClientKeyEntry } from '../../shared/admin-client-keys.ts';
import { Button, Switch } from '../parts/button.tsx';
import { DeleteClientKey } from '../parts/client-key-delete.tsx';
import { ClientKeyForm } from '../parts/client-key-form.tsx';
import { KeyState, keyStateOf } from '../parts/client-key-state.tsx';
import { Segments } from '../parts/field.tsx';
import { NewKeyDialog } from '../parts/new-key.tsx';
import { Empty, Failure, Loading, sayError } from '../parts/notice.tsx';
import { SearchField } from '../parts/search.tsx';
import { useCreateKey } from '../parts/shortcuts.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { PageHead, Panel } from '../parts/tile.tsx';
import { put } from '../state/api.ts';
import { useResource } from '../state/resource.ts';
import { go, href, place, setQuery } from '../state/router.ts';
import { mayChange } from '../state/session.ts';
import { ago, short } from '../text/format.ts';
import { t } from '../text/text.ts';

type StateFilter = '' | 'active' | 'inactive' | 'expired';
type Open =
  | { kind: 'new' }
  | { kind: 'made'; name: string; key: string }
  | { kind: 'delete'; entry: ClientKeyEntry }
  | null;

export function ClientKeysPage() {
  const list = useResource<{ api_keys: ClientKeyEntry[] }>('/api-keys', 10_000);
  const open = useSignal<Open>(null);
  const create = (): void => {
    open.value = { kind: 'new' };
  };
  useCreateKey(mayChange.value ? create : null);
  const close = (): void => {
    open.value = null;
  };
  const reload = (): void => void list.reload();
  return (
    <>
      <PageHead title={t('page.client-keys')}>
        {mayChange.value && (
          <Button kind="primary" icon="add" onClick={create}>
            {t('newClientKey')}
          </Button>
        )}
      </PageHead>
      <Panel>
        <Filters />
        {list.error.value !== null && <Failure error={list.error.value} onRetry={reload} />}
        {list.data.value === null ? (
          list.error.value === null && <Loading />
        ) : (
          <KeyTable
            keys={list.data.value.api_keys}
            onToggle={(entry, isActive) => void toggle(entry, isActive).then(reload)}
            onDelete={(entry) => {
              open.value = { kind: 'delete', entry };
            }}
          />
        )}
      </Panel>
      {open.value?.kind === 'new' && (
        <ClientKeyForm
          onClose={close}
          onMade={(name, key) => {
            open.value = { kind: 'made', name, key };
            reload();
          }}
        />
      )}
      {open.value?.kind === 'made' && <NewKeyDialog name={open.value.name} apiKey={open.value.key} onClose={close} />}
      {open.value?.kind === 'delete' && <DeleteClientKey entry={open.value.entry} onClose={close} onDeleted={reload} />}
    </>
  );
}

function Filters() {
  const { query } = place.value;
  const state = query.get('state') ?? '';
  const options: [StateFilter, string][] = [
    ['', t('all')],
    ['active', t('active')],
    ['inactive', t('inactive')],
    ['expired', t('expired')],
  ];
  return (
    <div class="filters">
      <SearchField value={query.get('search') ?? ''} onInput={(search) => setQuery({ search })} />
      <Segments<StateFilter>
        label={t('state')}
        value={options.find(([option]) => option === state)?.[0] ?? ''}
        options={options}
        onChange={(value) => setQuery({ state: value })}
      />
    </div>
  );
}

function KeyTable({
  keys,
  onToggle,
  onDelete,
}: {
  keys: readonly ClientKeyEntry[];
  onToggle: (entry: ClientKeyEntry, isActive: boolean) => void;
  onDelete: (entry: ClientKeyEntry) => void;
}) {
  const { query } = place.value;
  const words = (query.get('search') ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  const state = query.get('state') ?? '';
  const shown = keys.filter(
    (entry) =>
      (state === '' || keyStateOf(entry) === state) &&
      words.every((word) => `${entry.key_name} ${entry.api_key} ${entry.note ?? ''}`.toLowerCase().includes(word)),
  );
  if (keys.length === 0) return <Empty title={t('noClientKeys')}>{t('noClientKeysHint')}</Empty>;
  if (shown.length === 0) return <Empty title={t('nothingFound')}>{t('nothingFoundHint')}</Empty>;
  return (
    <Table
      label={t('page.client-keys')}
      rows={shown}
      columns={columns(onToggle, onDelete)}
      keyOf={({ id }) => id}
      sortedBy="-created"
      onOpen={({ id }) => go('client-keys', id)}
    />
  );
}

function columns(
  onToggle: (entry: ClientKeyEntry, isActive: boolean) => void,
  onDelete: (entry: ClientKeyEntry) => void,
): Column<ClientKeyEntry>[] {
  const all: Column<ClientKeyEntry>[] = [
    {
      key: 'name',
      label: t('name'),
      isHead: true,
      sort: ({ key_name }) => key_name,
      cell: ({ id, key_name, note }) => (
        <>
          <a href={href('client-keys', id)}>
            <bdi>{key_name}</bdi>
          </a>
          {note && <small>{note}</small>}
        </>
      ),
    },
    { key: 'key', label: t('key'), cell: ({ api_key }) => <code>{api_key}</code> },
    { key: 'state', label: t('state'), sort: keyStateOf, cell: (entry) => <KeyState entry={entry} /> },
    {
      key: 'requests',
      label: t('requests'),
      isNumber: true,
      sort: ({ total_requests }) => total_requests,
      cell: ({ total_requests }) => short(total_requests),
    },
    {
      key: 'tokens',
      label: t('tokens'),
      isNumber: true,
      sort: (entry) => entry.total_input_tokens + entry.total_output_tokens,
      cell: (entry) => short(entry.total_input_tokens + entry.total_output_tokens),
    },
    {
      key: 'used',
      isDetail: true,
      label: t('lastUsed'),
      sort: ({ last_used_at }) => last_used_at ?? '',
      cell: ({ last_used_at }) => ago(last_used_at),
    },
    {
      key: 'created',
      isDetail: true,
      label: t('created'),
      sort: ({ created_at }) => created_at,
      cell: ({ created_at }) => ago(created_at),
    },
  ];
  if (!mayChange.value) return all;
  return [
    ...all,
    {
      key: 'actions',
      label: t('actions'),
      isActions: true,
      cell: (entry) => (
        <>
          <Switch
            label={t('activeNamed', { name: entry.key_name })}
            isOn={entry.is_active}
            onChange={(isOn) => onToggle(entry, isOn)}
          />
          <Button icon="trash" label={t('deleteNamed', { name: entry.key_name })} onClick={() => onDelete(entry)} />
        </>
      ),
    },
  ];
}

async function toggle({ id }: ClientKeyEntry, is_active: boolean): Promise<void> {
  try {
    await put(`/api-keys/${encodeURIComponent(id)}`, { is_active });
  } catch (error) {
    sayError(error);
  }
}
