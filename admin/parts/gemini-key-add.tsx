/** Adding Gemini keys: one, or thousands at once, separated by anything. */
import { useSignal } from '@preact/signals';
import { useId, useRef } from 'preact/hooks';
import type { GeminiKeysAdded } from '../../shared/admin-gemini-keys.ts';
import { post } from '../state/api.ts';
import { whole } from '../text/format.ts';
import { t } from '../text/text.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { Field, FormFooter } from './field.tsx';
import { explain } from './notice.tsx';

const shownMax = 100;
const countAfterMs = 250;

export function AddGeminiKeys({ onAdded, onClose }: { onAdded: () => void; onClose: () => void }) {
  const id = useId();
  // The text stays in the field: as state it would be compared and written back at every key press.
  const text = useRef<HTMLTextAreaElement>(null);
  const timer = useRef(0);
  const count = useSignal(0);
  const project = useSignal('');
  const isBusy = useSignal(false);
  const error = useSignal<string | null>(null);
  const result = useSignal<GeminiKeysAdded | null>(null);
  const recount = (): void => {
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => {
      count.value = text.current?.value.split(/[\s,;|]+/).filter(Boolean).length ?? 0;
    }, countAfterMs);
  };
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    isBusy.value = true;
    error.value = null;
    try {
      const trimmed = project.value.trim();
      result.value = await post<GeminiKeysAdded>('/gemini-keys/bulk', {
        text: text.current?.value ?? '',
        ...(trimmed === '' ? {} : { project: trimmed }),
      });
      onAdded();
    } catch (failure) {
      error.value = explain(failure);
    }
    isBusy.value = false;
  };
  return (
    <Dialog title={t('addGeminiKeys')} onClose={onClose}>
      {result.value !== null ? (
        <Result answer={result.value} onClose={onClose} />
      ) : (
        <form onSubmit={(event) => void submit(event)}>
          <div class="field">
            <label for={id}>{t('page.gemini-keys')}</label>
            <textarea
              id={id}
              ref={text}
              rows={10}
              spellcheck={false}
              autocomplete="off"
              required
              onInput={recount}
              aria-describedby={`${id}-hint`}
            />
            <p id={`${id}-hint`} class="hint">
              {count.value > 0 ? t('nEntries', { n: whole(count.value) }) : t('pasteHint')}
            </p>
          </div>
          <Field
            label={t('project')}
            value={project.value}
            hint={t('projectHint')}
            onInput={(value) => {
              project.value = value;
            }}
          />
          {error.value !== null && (
            <p class="hint bad" role="alert">
              {error.value}
            </p>
          )}
          <FormFooter>
            <Button onClick={onClose}>{t('cancel')}</Button>
            <Button kind="primary" type="submit" disabled={isBusy.value}>
              {t(isBusy.value ? 'adding' : 'add')}
            </Button>
          </FormFooter>
        </form>
      )}
    </Dialog>
  );
}

function Result({ answer, onClose }: { answer: GeminiKeysAdded; onClose: () => void }) {
  const { added, duplicates, malformed } = answer;
  return (
    <>
      <p role="status">
        {t('bulkResult', {
          added: whole(added.length),
          duplicates: whole(duplicates.length),
          malformed: whole(malformed.length),
        })}
      </p>
      <Lines title={t('duplicates')} lines={duplicates.map(({ line, api_key }) => ({ line, text: api_key }))} />
      <Lines title={t('malformed')} lines={malformed.map(({ line, reason }) => ({ line, text: reason }))} />
      <FormFooter>
        <Button kind="primary" onClick={onClose}>
          {t('close')}
        </Button>
      </FormFooter>
    </>
  );
}

function Lines({ title, lines }: { title: string; lines: readonly { line: number; text: string }[] }) {
  if (lines.length === 0) return null;
  return (
    <details open={lines.length <= 10}>
      <summary>
        {title} ({whole(lines.length)})
      </summary>
      <ul class="lines">
        {lines.slice(0, shownMax).map(({ line, text }) => (
          <li key={line}>
            {t('line', { n: line })} <code>{text}</code>
          </li>
        ))}
        {lines.length > shownMax && <li>{t('andMore', { n: whole(lines.length - shownMax) })}</li>}
      </ul>
    </details>
  );
}
