/** The price table: what is built in, and what the operator set over it. */
import { useSignal } from '@preact/signals';
import type { PriceEntry } from '../../shared/admin-usage.ts';
import { ApiError, post, put, remove } from '../state/api.ts';
import { useResource } from '../state/resource.ts';
import { mayChange } from '../state/session.ts';
import { t } from '../text/text.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { Field, FormFooter } from './field.tsx';
import { explain, Failure, Loading, say, sayError } from './notice.tsx';
import { SearchField } from './search.tsx';
import { type Column, Table } from './table.tsx';
import { Badge, Panel } from './tile.tsx';

const amounts = [
  'input',
  'cached_input',
  'output',
  'long_prompt_tokens',
  'long_input',
  'long_cached_input',
  'long_output',
] as const;
type Amount = (typeof amounts)[number];

export function Prices() {
  const { data, error, reload } = useResource<{ prices: PriceEntry[] }>('/prices');
  const edited = useSignal<PriceEntry | 'new' | null>(null);
  const search = useSignal('');
  const drop = async ({ id }: PriceEntry): Promise<void> => {
    try {
      await remove(`/prices/${encodeURIComponent(id)}`);
      say(t('saved'));
    } catch (failure) {
      sayError(failure);
    }
    void reload();
  };
  const rows = (data.value?.prices ?? []).filter(({ model }) => model.includes(search.value.trim().toLowerCase()));
  return (
    <Panel
      title={t('prices')}
      actions={
        mayChange.value && (
          <Button
            icon="add"
            onClick={() => {
              edited.value = 'new';
            }}
          >
            {t('addPrice')}
          </Button>
        )
      }
    >
      <p class="hint">{t('pricesHint')}</p>
      {error.value !== null && <Failure error={error.value} onRetry={() => void reload()} />}
      {data.value === null ? (
        error.value === null && <Loading />
      ) : (
        <>
          <div class="filters">
            <SearchField
              value={search.value}
              onInput={(value) => {
                search.value = value;
              }}
            />
          </div>
          <Table
            label={t('prices')}
            rows={rows}
            keyOf={({ id }) => id}
            columns={columns(
              (price) => {
                edited.value = price;
              },
              (price) => void drop(price),
            )}
            sortedBy="model"
            pageSize={15}
          />
        </>
      )}
      {edited.value !== null && (
        <PriceForm
          price={edited.value === 'new' ? null : edited.value}
          onSaved={() => void reload()}
          onClose={() => {
            edited.value = null;
          }}
        />
      )}
    </Panel>
  );
}

function columns(onEdit: (price: PriceEntry) => void, onDrop: (price: PriceEntry) => void): Column<PriceEntry>[] {
  const all: Column<PriceEntry>[] = [
    {
      key: 'model',
      label: t('model'),
      isHead: true,
      sort: ({ model }) => model,
      cell: ({ model }) => <code>{model}</code>,
    },
    {
      key: 'source',
      label: t('source'),
      sort: ({ source }) => source,
      cell: ({ source }) => <Badge tone={source === 'operator' ? 'info' : 'dim'}>{t(`source.${source}`)}</Badge>,
    },
    {
      key: 'from',
      label: t('validFrom'),
      sort: ({ effective_from }) => effective_from,
      cell: ({ effective_from, in_force }) => (
        <>
          {effective_from.startsWith('1970') ? t('always') : effective_from.slice(0, 10)}
          {in_force && <small class="aside">{t('inForce')}</small>}
        </>
      ),
    },
    ...(['input', 'cached_input', 'output'] as const).map(
      (name): Column<PriceEntry> => ({
        key: name,
        label: t(`price.${name}`),
        isNumber: true,
        sort: (price) => price[name] ?? -1,
        cell: (price) => (price[name] === null ? '–' : `$${price[name]}`),
      }),
    ),
    {
      key: 'long',
      label: t('longPrompts'),
      isNumber: true,
      cell: ({ long_prompt_tokens, long_input, long_output }) =>
        long_prompt_tokens === null
          ? '–'
          : `> ${long_prompt_tokens / 1000}K: $${long_input ?? '–'} / $${long_output ?? '–'}`,
    },
  ];
  if (!mayChange.value) return all;
  return [
    ...all,
    {
      key: 'actions',
      label: t('actions'),
      isActions: true,
      cell: (price) =>
        price.source === 'operator' ? (
          <>
            <Button icon="edit" label={`${t('edit')} ${price.model}`} onClick={() => onEdit(price)} />
            <Button icon="trash" label={t('deleteNamed', { name: price.model })} onClick={() => onDrop(price)} />
          </>
        ) : (
          <Button icon="edit" label={`${t('overridePrice')} ${price.model}`} onClick={() => onEdit(price)} />
        ),
    },
  ];
}

/** A built-in price is never changed: to edit one makes one of the operator's over it. */
function PriceForm({
  price,
  onSaved,
  onClose,
}: {
  price: PriceEntry | null;
  onSaved: () => void;
  onClose: () => void;
}) {
  const model = useSignal(price?.model ?? '');
  const from = useSignal((price?.source === 'operator' ? price.effective_from : new Date().toISOString()).slice(0, 10));
  const values = useSignal<Record<Amount, string>>({
    input: String(price?.input ?? ''),
    cached_input: String(price?.cached_input ?? ''),
    output: String(price?.output ?? ''),
    long_prompt_tokens: String(price?.long_prompt_tokens ?? ''),
    long_input: String(price?.long_input ?? ''),
    long_cached_input: String(price?.long_cached_input ?? ''),
    long_output: String(price?.long_output ?? ''),
  });
  const error = useSignal<unknown>(null);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const body = {
      model: model.value.trim(),
      effective_from: `${from.value}T00:00:00.000Z`,
      ...Object.fromEntries(
        amounts.map((name) => [name, values.value[name] === '' ? null : Number(values.value[name])]),
      ),
    };
    try {
      if (price?.source === 'operator')
        await put(`/prices/${encodeURIComponent(price.id)}`, { ...body, version: price.version });
      else await post('/prices', body);
      say(t('saved'));
      onSaved();
      onClose();
    } catch (failure) {
      error.value = failure;
      if (failure instanceof ApiError && failure.status === 409) onSaved();
    }
  };
  return (
    <Dialog title={t('price')} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <Field
          label={t('model')}
          value={model.value}
          required
          autoFocus
          onInput={(value) => {
            model.value = value;
          }}
        />
        <Field
          label={t('validFrom')}
          value={from.value}
          required
          hint={t('dayHint')}
          onInput={(value) => {
            from.value = value;
          }}
        />
        <div class="grid">
          {amounts.map((name) => (
            <Field
              key={name}
              label={t(`price.${name}`)}
              type="number"
              min={0}
              value={values.value[name]}
              required={name === 'input' || name === 'output'}
              onInput={(value) => {
                values.value = { ...values.value, [name]: value };
              }}
            />
          ))}
        </div>
        {error.value !== null && (
          <p class="hint bad" role="alert">
            {explain(error.value)}
          </p>
        )}
        <FormFooter>
          <Button onClick={onClose}>{t('cancel')}</Button>
          <Button kind="primary" type="submit">
            {t('save')}
          </Button>
        </FormFooter>
      </form>
    </Dialog>
  );
}
