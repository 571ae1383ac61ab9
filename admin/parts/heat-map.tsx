/** Key by model: a cell for each pair, coloured by what the key can do for the model, with the time until it can again. */
import { useSignal } from '@preact/signals';
import type { GeminiKeyEntry, GeminiKeyModel } from '../../shared/admin-gemini-keys.ts';
import { href } from '../state/router.ts';
import { countdown, percent, short } from '../text/format.ts';
import { maybe, t } from '../text/text.ts';
import { Countdown } from './clock.tsx';
import { Pager } from './pager.tsx';
import { Badge } from './tile.tsx';

const rowsAPage = 40;

export type GeminiState = 'ready' | 'resting' | 'disabled';

/** A key that rests for some model counts as resting. */
export function stateOf({ state, rests }: GeminiKeyEntry): GeminiState {
  if (state === 'disabled') return 'disabled';
  return rests.length > 0 ? 'resting' : 'ready';
}

export function HeatMap({ keys, atMs }: { keys: readonly GeminiKeyEntry[]; atMs: number }) {
  const page = useSignal(0);
  const models = modelsOf(keys);
  const pages = Math.max(1, Math.ceil(keys.length / rowsAPage));
  const from = Math.min(page.value, pages - 1) * rowsAPage;
  return (
    <>
      <div class="table-box">
        <table class="heat" aria-label={t('page.gemini-keys')}>
          <thead>
            <tr>
              <th scope="col">{t('key')}</th>
              <th scope="col">{t('project')}</th>
              <th scope="col" class="number">
                {t('inFlightShort')}
              </th>
              <th scope="col" class="number">
                {t('success')}
              </th>
              {models.map((model) => (
                <th scope="col" key={model} class="model">
                  <span>{model}</span>
                </th>
              ))}
              <th scope="col">{t('lastError')}</th>
            </tr>
          </thead>
          <tbody>
            {keys.slice(from, from + rowsAPage).map((key) => (
              <KeyRow key={key.id} entry={key} models={models} atMs={atMs} />
            ))}
          </tbody>
        </table>
      </div>
      <Pager
        page={from / rowsAPage}
        pageSize={rowsAPage}
        rows={keys.length}
        onPage={(next) => {
          page.value = next;
        }}
      />
    </>
  );
}

function KeyRow({ entry, models, atMs }: { entry: GeminiKeyEntry; models: readonly string[]; atMs: number }) {
  const { id, api_key, project, state, disabled_reason, in_flight, requests, succeeded, last_error } = entry;
  return (
    <tr>
      <td class="head">
        <a href={href('gemini-keys', id)}>
          <code>{api_key}</code>
        </a>
        {state === 'disabled' && <Badge tone="bad">{maybe('reason', disabled_reason ?? 'disabled')}</Badge>}
      </td>
      <td data-label={t('project')}>{project ?? '–'}</td>
      <td data-label={t('inFlightShort')} class="number">
        {in_flight}
      </td>
      <td data-label={t('success')} class="number">
        {percent(requests === 0 ? null : succeeded / requests)}
      </td>
      {models.map((model) => (
        <td key={model} class="cell-box" data-label={model}>
          <Cell entry={entry} model={model} atMs={atMs} />
        </td>
      ))}
      <td data-label={t('lastError')} class="last-error">
        {last_error ? (
          <span title={last_error.message}>
            {maybe('reason', last_error.reason)}
            {last_error.model !== null && <small>{last_error.model}</small>}
          </span>
        ) : (
          '–'
        )}
      </td>
    </tr>
  );
}

function Cell({ entry, model, atMs }: { entry: GeminiKeyEntry; model: string; atMs: number }) {
  const figures = entry.models.find((one) => one.model === model);
  const rest = entry.rests.find((one) => one.model === model);
  const remainingMs = rest?.remaining_ms ?? figures?.remaining_ms ?? 0;
  const state = cellState(entry, figures, remainingMs);
  const quota = tightest(figures);
  const reason = rest?.reason ?? figures?.reason;
  const words = [
    model,
    t(`heat.${state}`),
    remainingMs > 0 ? countdown(remainingMs) : '',
    reason ? maybe('reason', reason) : '',
    quota === null ? '' : t('quotaLeft', { n: quota.left, limit: quota.limit, of: quota.name }),
    figures && figures.requests > 0 ? t('worked', { n: figures.succeeded, all: figures.requests }) : '',
  ].filter(Boolean);
  return (
    <a
      class={`cell ${state}`}
      href={href('gemini-keys', entry.id)}
      title={words.join(' · ')}
      aria-label={words.join(', ')}
      style={quota === null ? {} : { '--share': `${Math.round((quota.left / quota.limit) * 100)}%` }}
    >
      {state === 'resting' ? (
        <Countdown remainingMs={remainingMs} atMs={atMs} />
      ) : state === 'ready' ? (
        readyText(figures, quota?.left ?? null)
      ) : (
        '×'
      )}
    </a>
  );
}

/** The quota of requests of which least is left, of those whose limits are known. */
function tightest(figures: GeminiKeyModel | undefined): { name: string; left: number; limit: number } | null {
  const { requests_per_minute, requests_per_day } = figures?.quota ?? {};
  const known = [
    { name: t('limit.requests_per_minute'), quota: requests_per_minute },
    { name: t('requestsPerDay'), quota: requests_per_day },
  ].flatMap(({ name, quota }) => (quota?.limit ? [{ name, left: quota.left ?? quota.limit, limit: quota.limit }] : []));
  return known.sort((a, b) => a.left / a.limit - b.left / b.limit)[0] ?? null;
}

/** What a key that may be used shows: calls in flight, else what is left of its quota, else how many worked. */
function readyText(figures: GeminiKeyModel | undefined, left: number | null): string {
  if (figures !== undefined && figures.in_flight > 0) return `▸ ${figures.in_flight}`;
  if (left !== null) return `${short(left)} ↓`;
  return figures === undefined || figures.requests === 0 ? '·' : `✓ ${short(figures.succeeded)}`;
}

function cellState(
  { state }: GeminiKeyEntry,
  figures: GeminiKeyModel | undefined,
  remainingMs: number,
): GeminiState | 'unavailable' {
  if (state === 'disabled') return 'disabled';
  if (figures !== undefined && !figures.available && remainingMs <= 0) return 'unavailable';
  return remainingMs > 0 ? 'resting' : 'ready';
}

/** The models that some key was asked for, most used first. */
function modelsOf(keys: readonly GeminiKeyEntry[]): string[] {
  const uses = new Map<string, number>();
  for (const { models, rests } of keys) {
    // Names that never worked are mostly what clients mistyped.
    for (const { model, succeeded, in_flight, remaining_ms } of models)
      if (succeeded + in_flight > 0 || remaining_ms > 0) uses.set(model, (uses.get(model) ?? 0) + succeeded);
    for (const { model } of rests) if (!uses.has(model)) uses.set(model, 0);
  }
  return [...uses].sort(([a, some], [b, more]) => more - some || a.localeCompare(b)).map(([model]) => model);
}
