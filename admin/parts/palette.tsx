/** The command palette: every page, action and client key, by a few letters of its name. */
import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { ClientKeyEntry } from '../../shared/admin-client-keys.ts';
import { logOut } from '../state/log-out.ts';
import { createAction, keyHelpIsOpen, paletteIsOpen } from '../state/overlays.ts';
import { language, motion } from '../state/preferences.ts';
import { useResource } from '../state/resource.ts';
import { go, pages } from '../state/router.ts';
import { maybe, t } from '../text/text.ts';

const shownMax = 12;

interface Command {
  id: string;
  label: string;
  kind: string;
  run: () => void;
}

export function Palette() {
  return paletteIsOpen.value ? <OpenPalette /> : null;
}

function close(): void {
  paletteIsOpen.value = false;
}

function OpenPalette() {
  const query = useSignal('');
  const chosen = useSignal(0);
  const dialog = useRef<HTMLDialogElement>(null);
  const { data } = useResource<{ api_keys: ClientKeyEntry[] }>('/api-keys');
  useLayoutEffect(() => {
    dialog.current?.showModal();
  }, []);
  const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = [...commands(), ...keyCommands(data.value?.api_keys ?? [])]
    .filter(({ label, kind }) => words.every((word) => `${label} ${kind}`.toLowerCase().includes(word)))
    .slice(0, shownMax);
  const current = Math.min(chosen.value, Math.max(0, found.length - 1));
  const run = (command: Command | undefined): void => {
    if (command === undefined) return;
    close();
    command.run();
  };
  const press = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowDown') chosen.value = (current + 1) % Math.max(1, found.length);
    else if (event.key === 'ArrowUp') chosen.value = (current + found.length - 1) % Math.max(1, found.length);
    else if (event.key === 'Enter') run(found[current]);
    else return;
    event.preventDefault();
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it, as it does every dialog
    <dialog
      ref={dialog}
      class="palette"
      aria-label={t('palette')}
      onClose={close}
      onClick={(event) => {
        if (event.target === dialog.current) close();
      }}
    >
      <input
        type="text"
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={found.length === 0 ? undefined : `palette-${current}`}
        aria-label={t('palette')}
        placeholder={t('paletteHint')}
        spellcheck={false}
        value={query.value}
        onInput={(event) => {
          query.value = event.currentTarget.value;
          chosen.value = 0;
        }}
        onKeyDown={press}
      />
      <div id="palette-list" role="listbox" aria-label={t('palette')}>
        {found.map((command, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keyboard
          // biome-ignore lint/a11y/useFocusableInteractive: the field above has the focus
          <div
            key={command.id}
            id={`palette-${index}`}
            role="option"
            aria-selected={index === current}
            onClick={() => run(command)}
          >
            <span>{command.label}</span>
            <small>{command.kind}</small>
          </div>
        ))}
      </div>
      {found.length === 0 && <p class="hint">{t('nothingFound')}</p>}
    </dialog>
  );
}

function commands(): Command[] {
  const create = createAction.value;
  const action = (id: string, label: string, run: () => void): Command => ({ id, label, kind: t('action'), run });
  return [
    ...(create === null ? [] : [action('create', t('create'), create)]),
    ...pages.map((page) => ({ id: page, label: maybe('page', page), kind: t('page'), run: () => go(page) })),
    action('language', language.value === 'zh' ? 'English' : '中文', () => {
      language.value = language.value === 'zh' ? 'en' : 'zh';
    }),
    action('motion', t(motion.value ? 'motionOff' : 'motionOn'), () => {
      motion.value = !motion.value;
    }),
    action('help', t('shortcuts'), () => {
      keyHelpIsOpen.value = true;
    }),
    action('logout', t('logOut'), () => void logOut()),
  ];
}

function keyCommands(keys: readonly ClientKeyEntry[]): Command[] {
  return keys.map(({ id, key_name }) => ({
    id,
    label: key_name,
    kind: maybe('page', 'client-keys'),
    run: () => go('client-keys', id),
  }));
}
