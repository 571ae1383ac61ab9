/** The time for what counts down: one timer for the whole page, which runs only while something looks at it. */
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { countdown } from '../text/format.ts';

const nowMs = signal(performance.now());
let watchers = 0;
let timer = 0;

/** performance.now() in steps of a second; the component is drawn again at each. */
export function useNow(): number {
  useEffect(() => {
    if (watchers++ === 0)
      timer = window.setInterval(() => {
        if (!document.hidden) nowMs.value = performance.now();
      }, 1_000);
    return () => {
      if (--watchers === 0) clearInterval(timer);
    };
  }, []);
  return nowMs.value;
}

/** Time left of `remainingMs` as it was at `atMs`. */
export function Countdown({ remainingMs, atMs }: { remainingMs: number; atMs: number }) {
  const now = useNow();
  return <>{countdown(Math.max(0, remainingMs - Math.max(0, now - atMs)))}</>;
}
