/** The form of a client key, to make one or to change it; shows when somebody else changed it meanwhile. */
import { useSignal } from '@preact/signals';
import type { ClientKeyEntry } from '../../shared/admin-client-keys.ts';
import { ApiError, post, put } from '../state/api.ts';
import { t } from '../text/text.ts';
import { Button } from './button.tsx';
import { type LimitName, limitNames } from './client-key-state.tsx';
import { Dialog } from './dialog.tsx';
import { Field, FormFooter, TextArea } from './field.tsx';
import { explain, say } from './notice.tsx';

export interface Draft {
  name: string;
  key: string;
  note: string;
  expires: string;
  models: string;
  limits: Record<LimitName, string>;
}

export interface ClientKeyFormProps {
  /** The key to change; a new one is made without it. */
  entry?: ClientKeyEntry;
  onClose: () => void;
  onMade?: (name: string, key: string) => void;
  onChanged?: (entry: ClientKeyEntry) => void;
}

export function ClientKeyForm({ entry, onClose, onMade, onChanged }: ClientKeyFormProps) {
  const draft = useSignal(draftOf(entry));
  const base = useSignal(entry);
  const conflict = useSignal<ClientKeyEntry | null>(null);
  const error = useSignal<ApiError | null>(null);
  const isBusy = useSignal(false);
  const change = (part: Partial<Draft>): void => {
    draft.value = { ...draft.value, ...part };
  };
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    isBusy.value = true;
    error.value = null;
    try {
      if (base.value === undefined) {
        const { api_key } = await post<{ api_key: string }>('/api-keys', bodyOf(draft.value, true));
        onMade?.(draft.value.name.trim(), api_key);
      } else {
        const { id, version } = base.value;
        const body = { ...bodyOf(draft.value, false), ...(version === undefined ? {} : { version }) };
        onChanged?.(await put<ClientKeyEntry>(`/api-keys/${encodeURIComponent(id)}`, body));
        say(t('saved'));
        onClose();
      }
    } catch (failure) {
      if (failure instanceof ApiError && failure.status === 409 && isClientKey(failure.current))
        conflict.value = failure.current;
      else error.value = failure instanceof ApiError ? failure : new ApiError(0, 'unreadable', String(failure));
    }
    isBusy.value = false;
  };
  const take = (current: ClientKeyEntry, keepsMine: boolean): void => {
    base.value = current;
    if (!keepsMine) draft.value = draftOf(current);
    conflict.value = null;
  };
  return (
    <Dialog title={t(entry === undefined ? 'newClientKey' : 'editClientKey')} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        {conflict.value !== null && <Conflict mine={draft.value} current={conflict.value} onTake={take} />}
        <Fields draft={draft.value} isNew={entry === undefined} error={error.value} onChange={change} />
        {error.value !== null && (
          <p class="hint bad" role="alert">
            {explain(error.value)}
          </p>
        )}
        <FormFooter>
          <Button onClick={onClose}>{t('cancel')}</Button>
          <Button kind="primary" type="submit" disabled={isBusy.value || conflict.value !== null}>
            {t(entry === undefined ? 'create' : 'save')}
          </Button>
        </FormFooter>
      </form>
    </Dialog>
  );
}

function Fields({
  draft,
  isNew,
  error,
  onChange,
}: {
  draft: Draft;
  isNew: boolean;
  error: ApiError | null;
  onChange: (part: Partial<Draft>) => void;
}) {
  const wrong = (param: string): string | null => (error?.param === param ? error.message : null);
  return (
    <>
      <Field
        label={t('name')}
        value={draft.name}
        error={wrong('key_name')}
        required
        autoFocus
        maxLength={200}
        onInput={(name) => onChange({ name })}
      />
      {isNew && (
        <Field
          label={t('ownKey')}
          value={draft.key}
          error={wrong('api_key')}
          hint={t('ownKeyHint')}
          autocomplete="off"
          onInput={(key) => onChange({ key })}
        />
      )}
      <Field label={t('note')} value={draft.note} error={wrong('note')} onInput={(note) => onChange({ note })} />
      <Field
        label={t('expires')}
        type="datetime-local"
        value={draft.expires}
        error={wrong('expires_at')}
        hint={t('expiresHint')}
        onInput={(expires) => onChange({ expires })}
      />
      <TextArea
        label={t('allowedModels')}
        rows={2}
        value={draft.models}
        hint={t('allowedModelsHint')}
        onInput={(models) => onChange({ models })}
      />
      <fieldset class="limits">
        <legend>{t('limits')}</legend>
        {limitNames.map((name) => (
          <Field
            key={name}
            label={t(`limit.${name}`)}
            type="number"
            min={0}
            placeholder="∞"
            value={draft.limits[name]}
            error={wrong(`limits.${name}`)}
            onInput={(value) => onChange({ limits: { ...draft.limits, [name]: value } })}
          />
        ))}
      </fieldset>
    </>
  );
}

/** Somebody else was faster: what they left, beside what stands here. */
function Conflict({
  mine,
  current,
  onTake,
}: {
  mine: Draft;
  current: ClientKeyEntry;
  onTake: (current: ClientKeyEntry, keepsMine: boolean) => void;
}) {
  const theirs = draftOf(current);
  const rows: [label: string, theirs: string, mine: string][] = [
    [t('name'), theirs.name, mine.name],
    [t('note'), theirs.note, mine.note],
    [t('expires'), theirs.expires, mine.expires],
    [t('allowedModels'), theirs.models, mine.models],
    ...limitNames.map((name): [string, string, string] => [t(`limit.${name}`), theirs.limits[name], mine.limits[name]]),
  ];
  return (
    <div class="conflict" role="alert">
      <p>{t('conflict')}</p>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('field')}</th>
            <th scope="col">{t('now')}</th>
            <th scope="col">{t('mine')}</th>
          </tr>
        </thead>
        <tbody>
          {rows
            .filter(([, a, b]) => a !== b)
            .map(([label, a, b]) => (
              <tr key={label}>
                <th scope="row">{label}</th>
                <td>{a || '–'}</td>
                <td>{b || '–'}</td>
              </tr>
            ))}
        </tbody>
      </table>
      <div class="actions">
        <Button onClick={() => onTake(current, false)}>{t('takeTheirs')}</Button>
        <Button kind="primary" onClick={() => onTake(current, true)}>
          {t('keepMine')}
        </Button>
      </div>
    </div>
  );
}

function isClientKey(value: unknown): value is ClientKeyEntry {
  return typeof value === 'object' && value !== null && 'id' in value && 'key_name' in value;
}

function draftOf(entry: ClientKeyEntry | undefined): Draft {
  const limits = { ...entry?.limits };
  return {
    name: entry?.key_name ?? '',
    key: '',
    note: entry?.note ?? '',
    expires: entry?.expires_at ? localTime(entry.expires_at) : '',
    models: (entry?.allowed_models ?? []).join(', '),
    limits: {
      requests_per_minute: String(limits.requests_per_minute ?? ''),
      tokens_per_minute: String(limits.tokens_per_minute ?? ''),
      tokens_per_day: String(limits.tokens_per_day ?? ''),
      tokens_per_month: String(limits.tokens_per_month ?? ''),
      cost_per_day: String(limits.cost_per_day ?? ''),
      cost_per_month: String(limits.cost_per_month ?? ''),
      concurrent_streams: String(limits.concurrent_streams ?? ''),
    },
  };
}

/** The body of the call; what is empty is null when a key is changed, and left out when one is made. */
function bodyOf({ name, key, note, expires, models, limits }: Draft, isNew: boolean): object {
  const list = models.split(/[\s,]+/).filter(Boolean);
  const body: Record<string, unknown> = {
    key_name: name.trim(),
    note: note.trim(),
    expires_at: expires === '' ? null : new Date(expires).toISOString(),
    allowed_models: list.length === 0 ? null : list,
    limits: Object.fromEntries(limitNames.map((name) => [name, limits[name] === '' ? null : Number(limits[name])])),
  };
  if (isNew && key.trim() !== '') body['api_key'] = key.trim();
  return body;
}

/** As the browser's field for date and time has it: local, without a zone. */
function localTime(iso: string): string {
  const date = new Date(iso);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
