/** One Gemini key: its quota by model, its last error, and what can be done with it. */
import { useSignal } from '@preact/signals';
import type { GeminiKeyEntry, GeminiKeyModel, GeminiKeyTested } from '../../shared/admin-gemini-keys.ts';
import { ApiError, post, put, remove } from '../state/api.ts';
import { href } from '../state/router.ts';
import { mayChange } from '../state/session.ts';
import { ago, percent, short, whole } from '../text/format.ts';
import { maybe, t } from '../text/text.ts';
import { Button, Switch } from './button.tsx';
import { Countdown } from './clock.tsx';
import { Confirm, Dialog } from './dialog.tsx';
import { Field } from './field.tsx';
import { say, sayError } from './notice.tsx';
import { type Column, Table } from './table.tsx';
import { Badge } from './tile.tsx';

type Quotas = NonNullable<GeminiKeyModel['quota']>;

interface DetailProps {
  entry: GeminiKeyEntry;
  atMs: number;
  onChanged: () => void;
  onClose: () => void;
}

export function GeminiKeyDetail({ entry, atMs, onChanged, onClose }: DetailProps) {
  const isDeleting = useSignal(false);
  const path = `/gemini-keys/${encodeURIComponent(entry.id)}`;
  const act = async (what: () => Promise<unknown>, done: string): Promise<void> => {
    try {
      await what();
      say(done);
    } catch (error) {
      sayConflict(error);
    }
    onChanged();
  };
  const { version } = entry;
  return (
    <Dialog title={entry.api_key} isWide onClose={onClose}>
      <Facts entry={entry} />
      {mayChange.value && (
        <div class="actions">
          <Switch
            label={t('activeNamed', { name: entry.api_key })}
            isOn={entry.state === 'enabled'}
            onChange={(is_active) => void act(() => put(path, { is_active, version }), t('saved'))}
          />
          <TestButton path={path} onTested={onChanged} />
          <ProjectField
            project={entry.project ?? ''}
            onSave={(project) =>
              void act(() => put(path, { project: project === '' ? null : project, version }), t('saved'))
            }
          />
          {entry.source === 'stored' && (
            <Button
              icon="trash"
              kind="danger"
              onClick={() => {
                isDeleting.value = true;
              }}
            >
              {t('delete')}
            </Button>
          )}
        </div>
      )}
      <a href={href('requests', '', { gemini_key: entry.id })}>{t('requestsOfKey')}</a>
      <ModelTable models={entry.models} atMs={atMs} />
      {isDeleting.value && (
        <Confirm
          title={t('deleteGeminiKey')}
          action={t('delete')}
          onConfirm={() => void act(() => remove(path), t('deleted', { name: entry.api_key })).then(onClose)}
          onClose={() => {
            isDeleting.value = false;
          }}
        >
          <p>{t('deleteGeminiKeyHint', { name: entry.api_key })}</p>
        </Confirm>
      )}
    </Dialog>
  );
}

function Facts({ entry }: { entry: GeminiKeyEntry }) {
  const { state, source, disabled_by, disabled_reason, project, project_source, last_error } = entry;
  return (
    <dl class="facts two">
      <div>
        <dt>{t('state')}</dt>
        <dd>
          <Badge tone={state === 'enabled' ? 'good' : 'bad'}>{t(state)}</Badge>
          {disabled_reason !== null && ` ${maybe('reason', disabled_reason)}`}
          {disabled_by && ` (${t(`by.${disabled_by}`)})`}
        </dd>
      </div>
      <div>
        <dt>{t('source')}</dt>
        <dd>{t(`source.${source}`)}</dd>
      </div>
      <div>
        <dt>{t('project')}</dt>
        <dd>
          {project ?? '–'} {project_source && <small>{t(`project.${project_source}`)}</small>}
        </dd>
      </div>
      <div>
        <dt>{t('attemptSuccess')}</dt>
        <dd>
          {percent(entry.requests === 0 ? null : entry.succeeded / entry.requests)} ·{' '}
          {t('nAttempts', { n: whole(entry.requests) })}
        </dd>
      </div>
      <div class="whole">
        <dt>{t('lastError')}</dt>
        <dd>
          {last_error
            ? `${ago(last_error.at)} · ${last_error.model ?? ''} · ${last_error.status ?? ''} ${maybe('reason', last_error.reason)}: ${last_error.message}`
            : t('noErrors')}
        </dd>
      </div>
    </dl>
  );
}

/** Asks Google for the key's models, which costs no quota. */
function TestButton({ path, onTested }: { path: string; onTested: () => void }) {
  const isBusy = useSignal(false);
  const test = async (): Promise<void> => {
    isBusy.value = true;
    try {
      const { ok, message, models } = await post<GeminiKeyTested>(`${path}/test`);
      say(ok ? t('testGood', { n: models }) : t('testBad', { message }), ok ? 'good' : 'bad');
    } catch (error) {
      sayError(error);
    }
    isBusy.value = false;
    onTested();
  };
  return (
    <Button icon="play" disabled={isBusy.value} onClick={() => void test()}>
      {t('test')}
    </Button>
  );
}

function ProjectField({ project, onSave }: { project: string; onSave: (project: string) => void }) {
  const value = useSignal(project);
  return (
    <form
      class="inline"
      onSubmit={(event) => {
        event.preventDefault();
        onSave(value.value.trim());
      }}
    >
      <Field
        label={t('project')}
        value={value.value}
        onInput={(next) => {
          value.value = next;
        }}
      />
      <Button type="submit" disabled={value.value.trim() === project}>
        {t('save')}
      </Button>
    </form>
  );
}

function ModelTable({ models, atMs }: { models: readonly GeminiKeyModel[]; atMs: number }) {
  if (models.length === 0) return <p class="hint">{t('neverAsked')}</p>;
  const quota = (name: keyof Quotas, label: string): Column<GeminiKeyModel> => ({
    key: name,
    label,
    isNumber: true,
    cell: ({ quota }) => (quota === null ? '–' : <QuotaLeft quota={quota[name]} atMs={atMs} />),
  });
  const columns: Column<GeminiKeyModel>[] = [
    { key: 'model', label: t('model'), isHead: true, sort: ({ model }) => model, cell: ({ model }) => model },
    {
      key: 'state',
      label: t('state'),
      cell: ({ available, remaining_ms, reason }) =>
        remaining_ms > 0 ? (
          <Badge tone="warn">
            <Countdown remainingMs={remaining_ms} atMs={atMs} /> {reason && maybe('reason', reason)}
          </Badge>
        ) : (
          <Badge tone={available ? 'good' : 'dim'}>
            {available ? t('heat.ready') : reason ? maybe('reason', reason) : t('heat.unavailable')}
          </Badge>
        ),
    },
    { key: 'in', label: t('inFlightShort'), isNumber: true, cell: ({ in_flight }) => in_flight },
    {
      key: 'success',
      label: t('success'),
      isNumber: true,
      cell: (one) => `${short(one.succeeded)}/${short(one.requests)}`,
    },
    quota('requests_per_minute', t('limit.requests_per_minute')),
    quota('tokens_per_minute', t('limit.tokens_per_minute')),
    quota('requests_per_day', t('requestsPerDay')),
  ];
  return <Table label={t('models')} rows={models} columns={columns} keyOf={({ model }) => model} sortedBy="model" />;
}

function QuotaLeft({ quota: { limit, used, left, resets_ms }, atMs }: { quota: Quotas[keyof Quotas]; atMs: number }) {
  return (
    <span>
      {limit === null ? short(used) : `${short(left ?? Math.max(0, limit - used))} / ${short(limit)}`}
      {limit !== null && used > 0 && (
        <small>
          ↻ <Countdown remainingMs={resets_ms} atMs={atMs} />
        </small>
      )}
    </span>
  );
}

/** A conflict shows the newer state by itself, since the list is loaded again: what is left is to say so. */
function sayConflict(error: unknown): void {
  if (error instanceof ApiError && error.status === 409) say(t('conflictReload'), 'bad');
  else sayError(error);
}
