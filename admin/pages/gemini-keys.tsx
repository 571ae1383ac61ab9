/** The Gemini keys: what each can do for each model right now, and what to do about it. */
import { useSignal } from '@preact/signals';
import type { GeminiKeyEntry } from '../../shared/admin-gemini-keys.ts';
import { Button } from '../parts/button.tsx';
import { Segments } from '../parts/field.tsx';
import { AddGeminiKeys } from '../parts/gemini-key-add.tsx';
import { GeminiKeyDetail } from '../parts/gemini-key-detail.tsx';
import { type GeminiState, HeatMap, stateOf } from '../parts/heat-map.tsx';
import { Empty, Failure, Loading, say, sayError } from '../parts/notice.tsx';
import { SearchField } from '../parts/search.tsx';
import { useCreateKey } from '../parts/shortcuts.tsx';
import { PageHead, Panel, Tile } from '../parts/tile.tsx';
import { download } from '../state/download.ts';
import { useResource } from '../state/resource.ts';
import { place, setQuery } from '../state/router.ts';
import { mayChange } from '../state/session.ts';
import { percent, whole } from '../text/format.ts';
import { t } from '../text/text.ts';

export function GeminiKeysPage() {
  const list = useResource<{ gemini_keys: GeminiKeyEntry[] }>('/gemini-keys', 3_000);
  const isAdding = useSignal(false);
  const { id } = place.value;
  const add = (): void => {
    isAdding.value = true;
  };
  useCreateKey(mayChange.value ? add : null);
  const keys = list.data.value?.gemini_keys ?? null;
  const reload = (): void => void list.reload();
  const opened = keys?.find((key) => key.id === id);
  return (
    <>
      <PageHead title={t('page.gemini-keys')}>
        {mayChange.value && (
          <>
            <Button icon="download" onClick={() => void exportKeys()}>
              {t('export')}
            </Button>
            <Button kind="primary" icon="add" onClick={add}>
              {t('addGeminiKeys')}
            </Button>
          </>
        )}
      </PageHead>
      {list.error.value !== null && <Failure error={list.error.value} onRetry={reload} />}
      {keys === null ? list.error.value === null && <Loading /> : <Keys keys={keys} atMs={list.atMs.current} />}
      {isAdding.value && (
        <AddGeminiKeys
          onAdded={reload}
          onClose={() => {
            isAdding.value = false;
          }}
        />
      )}
      {opened !== undefined && (
        <GeminiKeyDetail
          entry={opened}
          atMs={list.atMs.current}
          onChanged={reload}
          onClose={() => {
            location.hash = '#/gemini-keys';
          }}
        />
      )}
    </>
  );
}

function Keys({ keys, atMs }: { keys: readonly GeminiKeyEntry[]; atMs: number }) {
  const { query } = place.value;
  const filter = query.get('state') ?? '';
  const words = (query.get('search') ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  if (keys.length === 0)
    return (
      <Panel>
        <Empty title={t('noGeminiKeys')}>{t('noGeminiKeysHint')}</Empty>
      </Panel>
    );
  const shown = keys.filter(
    (key) =>
      (filter === '' || stateOf(key) === filter) &&
      words.every((word) => `${key.api_key} ${key.project ?? ''} ${key.id}`.toLowerCase().includes(word)),
  );
  return (
    <>
      <Totals keys={keys} />
      <Panel>
        <div class="filters">
          <SearchField value={query.get('search') ?? ''} onInput={(search) => setQuery({ search })} />
          <StateFilter filter={filter} />
          <Legend />
        </div>
        {shown.length === 0 ? (
          <Empty title={t('nothingFound')}>{t('nothingFoundHint')}</Empty>
        ) : (
          <HeatMap keys={shown} atMs={atMs} />
        )}
      </Panel>
    </>
  );
}

function StateFilter({ filter }: { filter: string }) {
  const options: [GeminiState | '', string][] = [
    ['', t('all')],
    ['ready', t('heat.ready')],
    ['resting', t('heat.resting')],
    ['disabled', t('heat.disabled')],
  ];
  return (
    <Segments<GeminiState | ''>
      label={t('state')}
      value={options.find(([option]) => option === filter)?.[0] ?? ''}
      options={options}
      onChange={(state) => setQuery({ state })}
    />
  );
}

function Legend() {
  return (
    <ul class="legend heat-legend">
      {(['ready', 'resting', 'unavailable', 'disabled'] as const).map((state) => (
        <li key={state}>
          <i class={`swatch ${state}`} aria-hidden="true" />
          {t(`heat.${state}`)}
        </li>
      ))}
    </ul>
  );
}

function Totals({ keys }: { keys: readonly GeminiKeyEntry[] }) {
  const count = (state: GeminiState): number => keys.filter((key) => stateOf(key) === state).length;
  const sum = (read: (key: GeminiKeyEntry) => number | undefined): number =>
    keys.reduce((all, key) => all + (read(key) ?? 0), 0);
  const requests = sum((key) => key.requests);
  const projects = new Set(keys.map(({ project }) => project).filter(Boolean)).size;
  return (
    <div class="tiles">
      <Tile label={t('keys')} value={whole(keys.length)} detail={t('nProjects', { n: projects })} tone="cyan" />
      <Tile label={t('heat.ready')} value={whole(count('ready'))} />
      <Tile label={t('heat.resting')} value={whole(count('resting'))} tone="amber" />
      <Tile
        label={t('heat.disabled')}
        value={whole(count('disabled'))}
        tone={count('disabled') > 0 ? 'red' : 'green'}
      />
      <Tile label={t('inFlightShort')} value={whole(sum((key) => key.in_flight))} tone="magenta" />
      <Tile
        label={t('attemptSuccess')}
        value={percent(requests === 0 ? null : sum((key) => key.succeeded) / requests)}
        detail={t('nAttempts', { n: whole(requests) })}
      />
    </div>
  );
}

async function exportKeys(): Promise<void> {
  try {
    await download('/gemini-keys/export', 'gemini-keys.txt');
    say(t('exported'));
  } catch (error) {
    sayError(error);
  }
}
