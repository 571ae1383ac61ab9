/** What is around every page: navigation, the state of the gateway, and the ways to reach everything by keyboard. */
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { isReachable } from '../state/api.ts';
import { isLive, nextTryMs, retryNow, snapshot } from '../state/live.ts';
import { paletteIsOpen } from '../state/overlays.ts';
import { href, type Page, pages, place } from '../state/router.ts';
import { session } from '../state/session.ts';
import { short } from '../text/format.ts';
import { maybe, t } from '../text/text.ts';
import { Button } from './button.tsx';
import { useNow } from './clock.tsx';
import { Icon } from './icons.tsx';
import { LanguageButton } from './language.tsx';
import { Palette } from './palette.tsx';
import { KeyHelp, useShortcuts } from './shortcuts.tsx';

export function Shell({ page, children }: { page: Page; children: ComponentChildren }) {
  const isMenuOpen = useSignal(false);
  const main = useRef<HTMLElement>(null);
  useShortcuts();
  const path = `${place.value.page}/${place.value.id}`;
  useEffect(() => {
    isMenuOpen.value = false;
    scrollTo(0, 0);
  }, [path]);
  return (
    <div class={isMenuOpen.value ? 'shell menu-open' : 'shell'}>
      <a
        class="skip"
        href={location.hash}
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        {t('toContent')}
      </a>
      <header class="topbar">
        <span class="menu-button">
          <Button
            icon={isMenuOpen.value ? 'close' : 'menu'}
            label={t('menu')}
            isPressed={isMenuOpen.value}
            onClick={() => {
              isMenuOpen.value = !isMenuOpen.value;
            }}
          />
        </span>
        <a class="wordmark" href={href('dashboard')} data-text="gemini-pool">
          gemini-pool
        </a>
        <LiveState />
        <button
          type="button"
          class="search-button"
          aria-label={t('palette')}
          onClick={() => {
            paletteIsOpen.value = true;
          }}
        >
          <Icon name="search" />
          <span>{t('palette')}</span>
          <kbd>Ctrl K</kbd>
        </button>
        <LanguageButton />
      </header>
      <nav class="sidebar" aria-label={t('menu')}>
        <ul>
          {pages.map((name) => (
            <li key={name}>
              <a href={href(name)} aria-current={name === page ? 'page' : undefined}>
                <Icon name={name} />
                {maybe('page', name)}
              </a>
            </li>
          ))}
        </ul>
        <p class="who">
          {session.value?.username} · {t(session.value?.role === 'admin' ? 'roleAdmin' : 'roleViewer')}
        </p>
      </nav>
      <main ref={main} tabIndex={-1}>
        <Connection />
        {children}
      </main>
      <Palette />
      <KeyHelp />
    </div>
  );
}

/** Whether data flows, how much, and whether the gateway is well. */
function LiveState() {
  const now = snapshot.value;
  if (!isLive.value || now === null) return <p class="live off">{t('notLive')}</p>;
  const isWell = now.health.status === 'ok';
  return (
    <p class={isWell ? 'live' : 'live degraded'} title={now.health.problems.join('\n')}>
      <span class="dot" aria-hidden="true" />
      <span>{t(isWell ? 'live' : 'degraded')}</span>
      <span class="rate">{t('perSecond', { n: short(now.requests_per_second) })}</span>
    </p>
  );
}

/** Shown while the gateway can't be reached, or says that something is wrong. */
function Connection() {
  const now = useNow();
  const problems = snapshot.value?.health.problems ?? [];
  if (!isReachable.value) {
    const wait = nextTryMs.value === null ? 0 : Math.max(0, Math.ceil((nextTryMs.value - now) / 1000));
    return (
      <div class="banner bad" role="alert">
        <Icon name="warning" />
        <span>{t('lost')}</span>
        <span aria-live="off">{wait > 0 ? t('retryIn', { n: wait }) : t('retrying')}</span>
        <Button onClick={retryNow}>{t('retry')}</Button>
      </div>
    );
  }
  if (problems.length === 0) return null;
  return (
    <div class="banner" role="status">
      <Icon name="warning" />
      <ul>
        {problems.map((problem) => (
          <li key={problem}>{problem}</li>
        ))}
      </ul>
    </div>
  );
}
