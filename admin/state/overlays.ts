/** What lies over the page, and what the page lets the keyboard create. */
import { signal } from '@preact/signals';

export const paletteIsOpen = signal(false);
export const keyHelpIsOpen = signal(false);
/** What `n` does on the page that is shown; null when there is nothing to create. */
export const createAction = signal<(() => void) | null>(null);
