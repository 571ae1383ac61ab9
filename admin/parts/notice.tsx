/** What the panel says to its user: short notices that leave by themselves, errors, and places where nothing is yet. */
import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useErrorBoundary, useRef } from 'preact/hooks';
import { ApiError } from '../state/api.ts';
import { maybe, t } from '../text/text.ts';
import { Button } from './button.tsx';
import { Icon } from './icons.tsx';

interface Toast {
  id: number;
  kind: 'good' | 'bad';
  text: string;
}

const toasts = signal<readonly Toast[]>([]);
let nextId = 1;

/** Says that something worked, or that it did not. */
export function say(text: string, kind: Toast['kind'] = 'good'): void {
  const id = nextId++;
  toasts.value = [...toasts.value.slice(-3), { id, kind, text }];
  setTimeout(() => dismiss(id), kind === 'good' ? 4_000 : 9_000);
}

function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

/** Says what went wrong; an ended session says so on the login page by itself. */
export function sayError(error: unknown): void {
  if (error instanceof ApiError && error.code === 'session_invalid') return;
  say(explain(error), 'bad');
}

/** An error in words, with what to do where the code has a text of its own. */
export function explain(error: unknown): string {
  if (!(error instanceof ApiError)) return String(error);
  const known = maybe('error', error.code);
  // In English some have no text here: the gateway's own is more to the point.
  return known === error.code || known === '' ? error.message : known;
}

export function Toasts() {
  const box = useRef<HTMLDivElement>(null);
  const newest = toasts.value.at(-1)?.id;
  useEffect(() => {
    // Shown anew, to lie above a dialog that has opened since.
    if (box.current?.matches(':popover-open')) box.current.hidePopover();
    if (newest !== undefined) box.current?.showPopover();
  }, [newest]);
  return (
    <div ref={box} popover="manual" class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, kind, text }) => (
        <div key={id} class={`toast ${kind}`}>
          <Icon name={kind === 'good' ? 'check' : 'warning'} />
          <span>{text}</span>
          <Button icon="close" label={t('close')} onClick={() => dismiss(id)} />
        </div>
      ))}
    </div>
  );
}

/** A request that failed, with another try. */
export function Failure({ error, onRetry }: { error: ApiError; onRetry?: () => void }) {
  return (
    <div class="failure" role="alert">
      <Icon name="warning" />
      <p>{explain(error)}</p>
      {onRetry && <Button onClick={onRetry}>{t('retry')}</Button>}
    </div>
  );
}

/** Nothing here yet: what that means, and what to do. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

/** Shows its content, or that showing it failed: a page that breaks must not take the navigation with it. */
export function Guard({ children }: { children: ComponentChildren }) {
  const [error, reset] = useErrorBoundary();
  if (error === undefined) return <>{children}</>;
  return <Failure error={new ApiError(0, 'page_broken', String(error))} onRetry={reset} />;
}

export function Loading() {
  return (
    <p class="loading" role="status">
      {t('loading')}
    </p>
  );
}
