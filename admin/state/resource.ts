/** Data of the admin API for a page: fetched when its path changes, again at intervals, and after a lost connection. */
import { type ReadonlySignal, type Signal, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { ApiError, get, isReachable } from './api.ts';

export interface Resource<T> {
  readonly data: Signal<T | null>;
  readonly error: ReadonlySignal<ApiError | null>;
  readonly isLoading: ReadonlySignal<boolean>;
  /** When `data` came, in performance.now() milliseconds: what counts down is counted from here. */
  readonly atMs: { readonly current: number };
  reload(): Promise<void>;
}

/**
 * What `path` answers; null asks for nothing. What was there stays while the next is on its way. `everyMs` 0 asks once;
 * answers that take long are asked for less often, and none are in a hidden tab.
 */
export function useResource<T>(path: string | null, everyMs = 0): Resource<T> {
  const data = useSignal<T | null>(null);
  const error = useSignal<ApiError | null>(null);
  const isLoading = useSignal(path !== null);
  const atMs = useRef(0);
  const running = useRef<AbortController | null>(null);
  const tookMs = useRef(0);

  const load = async (): Promise<void> => {
    running.current?.abort();
    if (path === null) return;
    const own = new AbortController();
    running.current = own;
    isLoading.value = true;
    const begunMs = performance.now();
    try {
      const next = await get<T>(path, own.signal);
      if (running.current !== own) return;
      atMs.current = performance.now();
      tookMs.current = atMs.current - begunMs;
      data.value = next;
      error.value = null;
    } catch (failure) {
      if (running.current !== own) return;
      error.value = failure instanceof ApiError ? failure : new ApiError(0, 'unreadable', String(failure));
    }
    isLoading.value = false;
  };

  useEffect(() => {
    void load();
    return () => {
      running.current?.abort();
      running.current = null;
    };
  }, [path]);

  useEffect(() => {
    if (everyMs === 0 || path === null) return;
    let timer = 0;
    const next = (): void => {
      timer = window.setTimeout(
        async () => {
          if (!document.hidden) await load();
          next();
        },
        Math.max(everyMs, tookMs.current * 40),
      );
    };
    next();
    return () => clearTimeout(timer);
  }, [path, everyMs]);

  useSignalEffect(() => {
    if (isReachable.value && error.peek()?.status === 0) void load();
  });

  return { data, error, isLoading, atMs, reload: load };
}
