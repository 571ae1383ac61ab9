/** Keys that work everywhere, and the page that lists them. */
import { useEffect } from 'preact/hooks';
import { createAction, keyHelpIsOpen, paletteIsOpen } from '../state/overlays.ts';
import { go, type Page } from '../state/router.ts';
import { maybe, t } from '../text/text.ts';
import { Dialog } from './dialog.tsx';

/** After `g`. */
const pageKeys: Readonly<Record<string, Page>> = {
  d: 'dashboard',
  c: 'client-keys',
  g: 'gemini-keys',
  r: 'requests',
  p: 'playground',
  s: 'settings',
  u: 'users',
  a: 'account',
};
const chordMs = 1_200;

/** Makes `n` call `create` while the component is shown; null when there is nothing to create. */
export function useCreateKey(create: (() => void) | null): void {
  useEffect(() => {
    createAction.value = create;
    return () => {
      createAction.value = null;
    };
  }, [create === null]);
}

/** Listens while the component is shown. */
export function useShortcuts(): void {
  useEffect(() => {
    let goUntilMs = 0;
    const press = (event: KeyboardEvent): void => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        paletteIsOpen.value = !paletteIsOpen.value;
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const target = performance.now() < goUntilMs ? pageKeys[event.key] : undefined;
      goUntilMs = 0;
      if (target !== undefined) go(target);
      else if (event.key === 'g') goUntilMs = performance.now() + chordMs;
      else if (event.key === '?') keyHelpIsOpen.value = true;
      else if (event.key === 'n' && createAction.value !== null) createAction.value();
      else if (event.key === '/') focusSearch();
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('input, textarea, select, dialog') !== null;
}

/** The search field of the page; without one, the search over everything. */
function focusSearch(): void {
  const field = document.querySelector<HTMLInputElement>('main input[type=search]');
  if (field === null) paletteIsOpen.value = true;
  else field.focus();
}

export function KeyHelp() {
  if (!keyHelpIsOpen.value) return null;
  const rows: [keys: string, what: string][] = [
    ['Ctrl K', t('palette')],
    ['/', t('search')],
    ['n', t('create')],
    ...Object.entries(pageKeys).map(([key, page]): [string, string] => [`g ${key}`, maybe('page', page)]),
    ['?', t('shortcuts')],
    ['Esc', t('close')],
  ];
  return (
    <Dialog
      title={t('shortcuts')}
      onClose={() => {
        keyHelpIsOpen.value = false;
      }}
    >
      <dl class="keys">
        {rows.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              {keys.split(' ').map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
